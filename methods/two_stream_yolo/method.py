"""The two-stream YOLO as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.files.store import digest_file
from bench.records import Detections, Tubes
from bench.sources import digest_source, placeless
from methods.base import FlowNeed, Info, Reads, Stream, TrainingData, TrainingStage
from methods.common.config import CROPS
from methods.common.labels import several_labels_notes
from methods.common.networked import NetworkMethod, check_streamed
from methods.nn import published
from methods.nn.flow.inside import is_fitted, is_inside, weights_file, weights_key
from methods.two_stream_yolo import postprocess
from methods.two_stream_yolo.checks import check_config, check_starts
from methods.two_stream_yolo.config import (
    OWN,
    RecognitionConfig,
    TwoStreamYoloConfig,
    configs,
    recognition_model,
)

if TYPE_CHECKING:
    from methods.two_stream_yolo.network import Detector


LINKED = "Several boxes a frame, and tubes of them, are ours: the paper keeps the best box and links nothing."
"""What a result says where boxes are linked."""


class TwoStreamYolo(NetworkMethod):
    """Two YOLOv2 fused early. See the package's docstring for the paper and its readings."""

    name = "two-stream-yolo"
    title = "Two-stream YOLO"
    paper = "elnouby2018"
    lookahead = 1
    paper_protocols: ClassVar[Mapping[str, str]] = {"ucf24": "voc+trimmed"}
    weights = (
        published.YOLO_VOC,
        published.FLOWNET2,
        published.FLOWNET2_CSS,
        published.FLOWNET2_SD,
    )

    def __init__(self, config: TwoStreamYoloConfig, info: Info) -> None:
        super().__init__(config, info)
        check_config(config)

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, TwoStreamYoloConfig]:
        return configs(dataset, size)

    @property
    def history(self) -> int:
        offsets = {0, *chain.from_iterable(self.config.model.flow_steps)}
        return max(offsets) - min(offsets) + 1

    @property
    def flow(self) -> FlowNeed | None:
        model = self.config.model
        return None if is_inside(model.flow) else FlowNeed(model.flow, model.frame_size, "model.flow")

    def stream(self, video: str, size: tuple[int, int]) -> Stream:
        """Raises ValueError where flow is computed before: a stream has none."""
        check_streamed(self)
        return super().stream(video, size)

    def facts(self) -> dict[str, Any]:
        model, recognition = self.config.model, self.config.recognition
        clips = "" if recognition.clips in (None, OWN) else Path(str(recognition.clips)).name
        if recognition.clips == OWN and recognition.crop:
            clips = CROPS
        linked = (LINKED,) if self.config.postprocess.linked else ()
        started = [Path(model.voc).name if model.voc else "", clips]
        return {
            "pretraining": ", ".join(filter(None, started)) or "none",
            "flow_source": model.flow,
            "boxes_from": "own",
            "frame_size": list(model.frame_size),
            "notes": linked + several_labels_notes(self.info),
        }

    def check(self) -> None:
        check_starts(self.config)
        for flow, weights in self._flows.values():
            if is_inside(flow) and not is_fitted(flow, weights):
                weights_file(flow, weights)

    @property
    def _flows(self) -> dict[str, tuple[str, str]]:
        """Stage -> name and weights of the flow that it sees."""
        models = {"detector": self.config.model}
        if self.config.recognition.clips is not None:
            models["recognition"] = recognition_model(self.config)
        return {stage: (model.flow, model.flow_weights) for stage, model in models.items()}

    def training_config(self) -> Mapping[str, Any]:
        """Recognition does not read what a detector alone has: variants share it."""
        config = self.config
        stages: dict[str, Any] = {}
        if any(is_fitted(*flow) for flow in self._flows.values()):
            stages["flow"] = asdict(config.fitting)
        shared = {"augmentation": asdict(config.augmentation), "voc": _digest(config.model.voc)}
        if config.recognition.clips is not None:
            stages["recognition"] = {
                "model": asdict(placeless(recognition_model(config))),
                "recognition": asdict(placeless(config.recognition)) | {"clips": _clips(config.recognition)},
                "listed": _digest(config.recognition.listed),
                "shuffled_labels": self._shuffles_own,
                "flow": weights_key(*self._flows["recognition"]),
                **shared,
            }
        stages["detector"] = {
            "model": asdict(placeless(config.model)),
            "training": asdict(config.training),
            "flow": weights_key(*self._flows["detector"]),
            **shared,
        }
        return stages

    def reads(self, stage: str) -> Reads:
        """Flow that is computed ahead is the detector's alone."""
        return Reads(flow=stage == "detector")

    @property
    def _shuffles_own(self) -> bool:
        """Whether recognition sees the labels that the control experiment permutes."""
        return self.config.recognition.clips == OWN and self.config.training.shuffled_labels

    def prediction_config(self) -> Any:
        return {"boxes_per_frame": self.config.boxes_per_frame, "score_floor": self.config.score_floor}

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.nn.flow.fitting import FlowStage
        from methods.two_stream_yolo import start
        from methods.two_stream_yolo.training import DetectorStage

        if name == "flow":
            return FlowStage(self.config.fitting, data, seed)
        if name == "recognition":
            return self._recognition(data, seed, checkpoints)
        model, classes = self.config.model, len(self.info.classes)

        def build() -> Detector:
            weights = self._started_flow("detector", checkpoints)
            return start.started_detector(model, classes, weights, checkpoints.get("recognition"))

        return DetectorStage(self.config, self.info, data, seed, build)

    def _recognition(self, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]) -> TrainingStage:
        from methods.two_stream_yolo import start
        from methods.two_stream_yolo.labelled import Clips, FolderClips, OwnClips, check_groups
        from methods.two_stream_yolo.network import Recogniser
        from methods.two_stream_yolo.recognition import RecognitionStage

        own, model = self.config.recognition, recognition_model(self.config)
        source: Clips
        if own.clips == OWN:
            source = OwnClips(data, self.info, seed, own.crop, self._shuffles_own)
        else:
            source = FolderClips(Path(str(own.clips)), own.listed, model.frame_size, seed)
            check_groups(own.listed, source.names, data.truth.videos.names, self.info.classes)
        weights = self._started_flow("recognition", checkpoints)
        assert weights is not None

        def build(classes: int) -> Recogniser:
            return start.started_recogniser(model, classes, weights)

        return RecognitionStage(self.config, source, seed, build, data.device)

    def _started_flow(self, stage: str, checkpoints: Mapping[str, Path]) -> Path | None:
        """The weights that the flow network of a stage starts from; None where there is none."""
        flow, weights = self._flows[stage]
        if is_fitted(flow, weights):
            return checkpoints["flow"]
        return weights_file(flow, weights) if is_inside(flow) else None

    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.nn.weights import load_network
        from methods.two_stream_yolo.start import detector

        network = detector(self.config.model, len(self.info.classes))
        load_network(network, checkpoints["detector"])
        self._use(network.to(device))

    def begin(self, device: str) -> None:
        from methods.two_stream_yolo.start import detector

        self._use(detector(self.config.model, len(self.info.classes)).to(device))

    def _use(self, network: Detector) -> None:
        from methods.two_stream_yolo.predict import Predictor

        self.predictor = Predictor(self.config, self.info, network)

    @classmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: TwoStreamYoloConfig, info: Info
    ) -> tuple[Detections, Tubes | None]:
        return postprocess.detections_and_tubes(predictions, num_frames, config.postprocess, info)


def _clips(recognition: RecognitionConfig) -> str | None:
    """The digest of the folder of clips; what stands in its place where none is named or it is not there."""
    clips = recognition.clips
    return digest_source(Path(clips)) if clips and clips != OWN and Path(clips).is_dir() else clips


def _digest(path: str | None) -> str | None:
    """Of the file's bytes; None where none is named or it is not there, which `check` refuses."""
    return digest_file(Path(path)) if path and Path(path).is_file() else None
