"""RecLNet as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.files.store import digest_file
from bench.records import Detections, Tubes
from methods.base import Extraction, FlowNeed, Info, Method, TrainingData, TrainingStage
from methods.nn import published
from methods.reclnet import postprocess
from methods.reclnet.config import STREAMS, configs
from methods.reclnet.extraction import TrackMaker, path_arrays, read_paths
from methods.reclnet.extraction import bytes_per_frame as track_bytes
from methods.reclnet.features import box_features
from methods.reclnet.features import bytes_per_frame as feature_bytes
from methods.reclnet.track_files import TrackFile
from methods.reclnet.tracks import Tracks

if TYPE_CHECKING:
    from bench.footage import Arrays, Footage
    from bench.published import Weights
    from methods.nn.faster_rcnn.network import FasterRCNN
    from methods.reclnet.box_size import BoxSize
    from methods.reclnet.detecting import Detector
    from methods.reclnet.recurrent import Learning
    from methods.reclnet.trained import TrackScores

TRACKS, FEATURES, BOX_SIZE, FUSION = "tracks", "features", "box-size", "fusion"
PATHS = "paths"


class Reclnet(Method):
    """Scores along tracks by recurrent networks. See the package's docstring for the paper and its readings.

    Detectors are trained, tracks and features extracted of every video once, and the recurrent networks
    learn from those.
    """

    name, title, paper, lookahead = "reclnet", "RecLNet", "reclnet2018", None
    paper_protocols: ClassVar[Mapping[str, str]] = {"ucf24": "road"}
    weights: ClassVar[tuple[Weights, ...]] = (published.VGG16_IMAGENET,)

    def __init__(self, config: Any, info: Info) -> None:
        super().__init__(config, info)
        self.makers: dict[str, TrackMaker] = {}
        self.scores: TrackScores | None = None

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, Any]:
        return configs(dataset, size)

    @property
    def frame_size(self) -> tuple[int, int]:
        size: tuple[int, int] = self.config.model.frame_size
        return size

    @property
    def cpu_threads(self) -> int:
        threads: int = self.config.cpu_threads
        return threads

    @property
    def stack(self) -> int:
        """Consecutive frames that the detector sees at once."""
        return 1

    @property
    def detector_streams(self) -> tuple[str, ...]:
        """Streams whose detectors are needed: for the tracks, and for scores and features."""
        needed = {*self.config.model.streams, *self.config.tracks.streams}
        return tuple(stream for stream in STREAMS if stream in needed)

    @property
    def flow(self) -> FlowNeed | None:
        model = self.config.model
        return FlowNeed(model.flow, model.frame_size, "model.flow") if self._sees_flow else None

    @property
    def _sees_flow(self) -> bool:
        return "flow" in (*self.detector_streams, *self.config.model.streams)

    def facts(self) -> dict[str, Any]:
        config = self.config
        return {
            "pretraining": "ImageNet (VGG16)" if config.model.pretrained else "none",
            "flow_source": config.model.flow if self._sees_flow else None,
            "boxes_from": f"tracks in {Path(config.tracks.file).name}" if config.tracks.file else "own",
            "frame_size": list(config.model.frame_size),
            "notes": self._notes(),
        }

    def _notes(self) -> tuple[str, ...]:
        several = (
            "Several labels a person: a box is learnt as the annotated one that overlaps it most, by one "
        )
        several += "softmax. The paper has no such data."
        return (several,) if self.info.multi_label else ()

    def check(self) -> None:
        config = self.config
        files = {"model.pretrained": config.model.pretrained, "tracks.file": config.tracks.file}
        for name, path in files.items():
            if path and not Path(path).is_file():
                raise ValueError(f"{name}: no file {path}; `bench weights {self.name}` lists the published")
        if config.tracks.file:
            TrackFile.open(Path(config.tracks.file))

    def training_config(self) -> Mapping[str, Any]:
        config = self.config
        stages = self.detection_stages()
        if config.tracks.box_size:
            stages[BOX_SIZE] = self.track_config()
        if config.model.scores == "recurrent":
            shuffled = config.training.shuffled_labels
            read = {"tracks": self.track_config(), "features": self.feature_config(), "shuffled": shuffled}
            read |= {"recurrent": asdict(config.model.recurrent), "learning": asdict(config.learning)}
            read["seed"] = config.recurrent_seed
            stages |= {f"recurrent-{stream}": read for stream in config.model.streams}
            if config.model.learned_fusion:
                stages[FUSION] = config.model.fusion
        return stages

    def detection_stages(self) -> dict[str, Any]:
        """The stages that tracks and features need, with what they read."""
        config, model = self.config, self.config.model
        weights = digest_file(Path(model.pretrained)) if model.pretrained else None
        read = {"frame_size": model.frame_size, "detector": asdict(model.detector), "weights": weights}
        return {stream: read | {"training": asdict(config.training)} for stream in self.detector_streams}

    def track_config(self) -> Any:
        """What the tracks are made by, beyond the stages they need."""
        tracks = self.config.tracks
        given = Path(tracks.file)
        return asdict(tracks) | {"file": digest_file(given) if tracks.file and given.is_file() else ""}

    def feature_config(self) -> Any:
        """What the features are made by, beyond the stages they need."""
        return "fc7"

    def prediction_config(self) -> Any:
        config = self.config
        return {"tracks": self.track_config(), "scores": config.model.scores, "floor": config.score_floor}

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.reclnet.box_size_training import BoxSizeStage
        from methods.reclnet.detector_training import DetectorStage
        from methods.reclnet.fusion import FusionStage
        from methods.reclnet.recurrent import StreamStage

        if name in self.detector_streams:
            return DetectorStage(name, self.config.training, self.info, data, seed, self.started_detector)
        if name == BOX_SIZE:
            return BoxSizeStage(data, PATHS)
        seed += self.config.recurrent_seed
        learning = self._learning(data, seed)
        if name == FUSION:
            return FusionStage(self.config.model.fusion, learning, data, seed, checkpoints)
        return StreamStage(name.removeprefix("recurrent-"), learning, data, seed)

    def _learning(self, data: TrainingData, seed: int) -> Learning:
        from methods.common.keyframes import with_shuffled_labels
        from methods.reclnet.labels import FrameLabels
        from methods.reclnet.recurrent import Learning

        config = self.config
        truth = with_shuffled_labels(data.truth, seed) if config.training.shuffled_labels else data.truth
        labels = FrameLabels.of(truth).labels
        return Learning(config.model.recurrent, config.learning, len(self.info.classes), labels)

    def extractions(self) -> Mapping[str, Extraction]:
        config, classes = self.config, len(self.info.classes)
        stages = self.detector_streams
        tracks = self.track_config()
        size = track_bytes(config.tracks, classes, len(stages))
        found = {}
        if config.tracks.box_size:
            found[PATHS] = Extraction(stages, tracks)
            stages = (*stages, BOX_SIZE)
        found[TRACKS] = Extraction(stages, tracks, size)
        if config.model.scores == "recurrent":
            found[FEATURES] = self.feature_extraction(stages)
        return found

    def feature_extraction(self, stages: tuple[str, ...]) -> Extraction:
        """The features, made after the stages that tracks need."""
        config = self.config
        per_frame = config.tracks.per_frame(len(self.info.classes))
        size = feature_bytes(per_frame, self.detector().trunk.feature_size, len(config.model.streams))
        return Extraction(stages, [self.feature_config(), list(config.model.streams)], size)

    def load_extraction(self, name: str, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.reclnet.box_size_training import load_box_size

        size: BoxSize | None = load_box_size(checkpoints[BOX_SIZE]) if BOX_SIZE in checkpoints else None
        detectors = self._detectors(checkpoints, device)
        self.makers[name] = TrackMaker(self.config.tracks, detectors, len(self.info.classes), size)

    def _detectors(self, checkpoints: Mapping[str, Path], device: str) -> Mapping[str, Detector]:
        """Those of an extraction before are taken again: all read the same checkpoints."""
        from methods.nn.weights import load_checked, read_tensors
        from methods.reclnet.network_detector import NetworkDetector

        for maker in self.makers.values():
            return maker.detectors
        found = {}
        for stream in self.detector_streams:
            network, path = self.detector(), checkpoints[stream]
            load_checked(network, read_tensors(path), str(path), hint="Another config trained it")
            found[stream] = NetworkDetector(network.to(device))
        return found

    def extract(self, name: str, footage: Footage) -> Arrays:
        maker = self.makers[name]
        if name == PATHS:
            return path_arrays(maker.paths(footage))
        if name == TRACKS:
            known = self.config.tracks.box_size
            paths = read_paths(footage.name, footage.extracted(PATHS)) if known else None
            return maker.tracks(footage, paths).arrays()
        return self.features(footage, Tracks.read(footage.extracted(TRACKS)))

    def features(self, footage: Footage, tracks: Tracks) -> Arrays:
        """The arrays of ``features``: fc7 of the detectors."""
        maker, kept = self.makers[FEATURES], self.config.tracks.kept
        detectors = {stream: maker.detectors[stream] for stream in self.config.model.streams}
        return box_features(footage, detectors, tracks, kept.batch)

    def detector(self) -> FasterRCNN:
        """The detector of a stream as it is before any weights are loaded."""
        from methods.nn.faster_rcnn.network import FasterRCNN

        return FasterRCNN(self.config.model.detector, len(self.info.classes), self.stack)

    def started_detector(self) -> FasterRCNN:
        """The detector with the weights that training starts from."""
        from methods.nn.faster_rcnn.weights import load_imagenet

        network = self.detector()
        if self.config.model.pretrained:
            load_imagenet(network, self.config.model.pretrained)
        return network

    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.reclnet.trained import TrackScores

        self.scores = TrackScores.load(self.config.model, len(self.info.classes), checkpoints, device)

    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        from methods.reclnet.scores import detections

        if self.scores is None:
            raise ValueError(f"{self.name}: load the checkpoints before predicting")
        tracks = footage.extracted(TRACKS)
        scores = self.scores.of(tracks, lambda: footage.extracted(FEATURES))
        found = detections(footage.name, tracks, scores, self.config.score_floor)
        return found[np.isin(found.frame, np.asarray(frames))]

    @classmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: Any, info: Info
    ) -> tuple[Detections, Tubes | None]:
        return postprocess.detections_and_tubes(predictions, num_frames, config.postprocess, info.linked)
