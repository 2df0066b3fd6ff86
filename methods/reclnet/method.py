"""RecLNet as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.records import Detections, Tubes
from methods.base import Extraction, Info, TrainingData, TrainingStage
from methods.nn import published
from methods.reclnet import postprocess
from methods.reclnet.config import configs
from methods.reclnet.features import box_features, bytes_per_frame
from methods.reclnet.track_method import BOX_SIZE, TRACKS, TrackMethod
from methods.reclnet.tracks import Tracks

if TYPE_CHECKING:
    from bench.footage import Arrays, Footage
    from bench.published import Weights
    from methods.reclnet.recurrent import Learning
    from methods.reclnet.trained import TrackScores

FEATURES, FUSION, RECURRENT = "features", "fusion", "recurrent-"


class Reclnet(TrackMethod):
    """Scores along tracks by recurrent networks. See the package's docstring for the paper and its readings.

    Detectors are trained, tracks and features extracted of every video once, and the recurrent networks
    learn from those.
    """

    name, title, paper, lookahead = "reclnet", "RecLNet", "reclnet2018", None
    paper_protocols: ClassVar[Mapping[str, str]] = {"ucf24": "road"}
    weights: ClassVar[tuple[Weights, ...]] = (published.VGG16_IMAGENET,)

    def __init__(self, config: Any, info: Info) -> None:
        super().__init__(config, info)
        self.scores: TrackScores | None = None

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, Any]:
        return configs(dataset, size)

    def facts(self) -> dict[str, Any]:
        config = self.config
        several = (
            "Several labels a person: a box is learnt as the annotated one that overlaps it most, by one "
            "softmax. The paper has no such data."
        )
        return {
            "pretraining": "ImageNet (VGG16)" if config.model.pretrained else "none",
            "flow_source": config.model.flow if self.sees_flow else None,
            "boxes_from": f"tracks in {Path(config.tracks.file).name}" if config.tracks.file else "own",
            "frame_size": list(config.model.frame_size),
            "notes": (several,) if self.info.multi_label else (),
        }

    def check(self) -> None:
        super().check()
        model, fusion = self.config.model, self.config.postprocess.linking.fusion
        apart = len(model.streams) == 2 and not model.learned_fusion
        if apart and fusion is None:
            raise ValueError(
                "the scores of both streams are stored apart and nothing fuses them: --set "
                "postprocess.linking.fusion=average, as --variant gru-average has it"
            )
        if fusion is not None and not apart:
            raise ValueError(
                f"postprocess.linking.fusion={fusion.name} is of two streams, and there is one to link: "
                "--set postprocess.linking.fusion=none"
            )

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
            stages |= {f"{RECURRENT}{stream}": read for stream in config.model.streams}
            if config.model.learned_fusion:
                stages[FUSION] = config.model.fusion
        return stages

    def feature_config(self) -> Any:
        """What the features are made by, beyond the stages they need."""
        return "fc7"

    def prediction_config(self) -> Any:
        model = self.config.model
        scored = {"scores": model.scores, "streams": model.streams, "fusion": model.fusion}
        return {"tracks": self.track_config(), "floor": self.config.score_floor, **scored}

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.reclnet.fusion import FusionStage
        from methods.reclnet.recurrent import StreamStage

        if name in (*self.detector_streams, BOX_SIZE):
            return self.track_stage(name, data, seed)
        learning = self._learning(data, seed)
        seed += self.config.recurrent_seed
        if name == FUSION:
            return FusionStage(self.config.model.fusion, learning, data, seed, checkpoints)
        return StreamStage(name.removeprefix(RECURRENT), learning, data, seed)

    def _learning(self, data: TrainingData, seed: int) -> Learning:
        """``seed``: the run's, so that shuffled labels are those that the detectors learnt."""
        from methods.common.keyframes import with_shuffled_labels
        from methods.reclnet.labels import FrameLabels
        from methods.reclnet.recurrent import Learning

        config = self.config
        truth = with_shuffled_labels(data.truth, seed) if config.training.shuffled_labels else data.truth
        labels = FrameLabels.of(truth).labels
        return Learning(config.model.recurrent, config.learning, len(self.info.classes), labels)

    def extractions(self) -> Mapping[str, Extraction]:
        found = super().extractions()
        if self.config.model.scores == "detector":
            return found
        return {**found, FEATURES: self.feature_extraction(found[TRACKS].stages)}

    def feature_extraction(self, stages: tuple[str, ...]) -> Extraction:
        """The features, made after the stages that tracks need."""
        model, tracks = self.config.model, self.config.tracks
        per_frame = tracks.per_frame(len(self.info.classes))
        size = bytes_per_frame(per_frame, model.detector.trunk.feature_size, len(model.streams))
        return Extraction(stages, [self.feature_config(), list(model.streams)], size)

    def extract(self, name: str, footage: Footage) -> Arrays:
        if name != FEATURES:
            return super().extract(name, footage)
        return self.features(footage, Tracks.read(footage.extracted(TRACKS)))

    def features(self, footage: Footage, tracks: Tracks) -> Arrays:
        """The arrays of ``features``: fc7 of the detectors."""
        assert self.maker is not None
        detectors = {stream: self.maker.detectors[stream] for stream in self.config.model.streams}
        return box_features(footage, detectors, tracks, self.config.tracks.kept.batch)

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
