"""RecLNet as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.records import Array, Detections, Tubes
from methods.base import Extraction, Info, Reads, TrainingData, TrainingStage
from methods.nn import published
from methods.reclnet import postprocess
from methods.reclnet.config import configs
from methods.reclnet.described import bytes_per_frame, fc7, softmax
from methods.reclnet.steps import ROWS, Steps, features_of, frame_steps
from methods.reclnet.track_method import BOX_SIZE, TRACKS, TrackMethod, reads_of
from methods.reclnet.tracks import Tracks

if TYPE_CHECKING:
    from bench.footage import Arrays, Footage
    from bench.published import Weights
    from methods.reclnet.recurrent import Learning
    from methods.reclnet.trained import TrackScores

FUSION, RECURRENT, SOFTMAX = "fusion", "recurrent-", "softmax-"


class Reclnet(TrackMethod):
    """Scores along tracks by recurrent networks. See the package's docstring for the paper and its readings.

    Detectors are trained, tracks and the features of each stream extracted of every video once, and the
    recurrent networks learn from those. Where the detectors' own scores count, their softmax is extracted.
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
            stages[BOX_SIZE] = self.box_size_config()
        if config.model.scores == "recurrent":
            shuffled = config.training.shuffled_labels
            read = {"tracks": self.track_config(), "shuffled": shuffled, "seed": config.recurrent_seed}
            read |= {"recurrent": asdict(config.model.recurrent), "learning": asdict(config.learning)}
            for stream in config.model.streams:
                stages[f"{RECURRENT}{stream}"] = read | {"features": self.feature_config(stream)}
            if config.model.learned_fusion:
                stages[FUSION] = config.model.fusion
        return stages

    def feature_config(self, stream: str) -> Any:
        """What the features of a stream are made by, beyond the stages they need."""
        return "fc7"

    def prediction_config(self) -> Any:
        model = self.config.model
        scored = {"scores": model.scores, "streams": model.streams, "fusion": model.fusion}
        return {"tracks": self.track_config(), "floor": self.config.score_floor, **scored}

    def reads(self, stage: str) -> Reads:
        """A recurrent network reads the rows of its stream and the tracks, whatever there is of the other."""
        if stage.startswith(RECURRENT):
            return reads_of(self.extractions()[self.rows_of(stage.removeprefix(RECURRENT))])
        return super().reads(stage)

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
        labels = FrameLabels.of(truth, config.learning.label_iou).labels
        return Learning(
            config.model.recurrent, config.learning, len(self.info.classes), labels, self.steps,
            self.feature_size,
        )  # fmt: skip

    @property
    def feature_size(self) -> int:
        """Numbers of a row of features."""
        size: int = self.config.model.detector.trunk.feature_size
        return size

    def extractions(self) -> Mapping[str, Extraction]:
        found = {**super().extractions()}
        tracks = found[TRACKS]
        for stream in self.config.model.streams:
            rows = self.row_extraction(stream, tracks.stages)
            flow = tracks.flow or stream == "flow"
            found[self.rows_of(stream)] = replace(rows, flow=flow, after=(TRACKS,))
        return found

    def rows_of(self, stream: str) -> str:
        """The extraction of what a stream's scores are made from: its features, or its detector's softmax."""
        return features_of(stream) if self.config.model.scores == "recurrent" else f"{SOFTMAX}{stream}"

    def row_extraction(self, stream: str, needed: tuple[str, ...]) -> Extraction:
        """What :meth:`rows_of` names; ``needed``: the stages of the tracks."""
        recurrent = self.config.model.scores == "recurrent"
        numbers = self.feature_size if recurrent else len(self.info.classes) + 1
        stages = needed if stream in needed else (*needed, stream)
        size = bytes_per_frame(self.per_frame, numbers)
        return Extraction(stages, self.feature_config(stream) if recurrent else None, size)

    def extract(self, name: str, footage: Footage) -> Arrays:
        _, _, stream = name.partition("-")
        if not stream:
            return super().extract(name, footage)
        tracks = Tracks.read(footage.extracted(TRACKS))
        if name == features_of(stream):
            return {ROWS: self.features(footage, stream, tracks)}
        return {ROWS: softmax(footage, stream, self.detectors[stream], tracks, self.config.tracks.kept.batch)}

    def features(self, footage: Footage, stream: str, tracks: Tracks) -> Array:
        """The features of a stream, a row for each that :meth:`steps` point to: fc7 of its detector."""
        return fc7(footage, stream, self.detectors[stream], tracks, self.config.tracks.kept.batch)

    def steps(self, tracks: Arrays) -> Steps:
        """The time steps of tracks, from their arrays."""
        return frame_steps(tracks)

    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.reclnet.trained import TrackScores

        self.scores = TrackScores.load(self.config.model, len(self.info.classes), checkpoints, device)

    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        from methods.reclnet.scores import detections

        if self.scores is None:
            raise ValueError(f"{self.name}: load the checkpoints before predicting")
        tracks = footage.extracted(TRACKS)
        rows = {stream: footage.extracted(self.rows_of(stream))[ROWS] for stream in self.config.model.streams}
        scores = self.scores.of(self.steps(tracks), rows)
        found = detections(footage.name, tracks, scores, self.config.score_floor)
        return found[np.isin(found.frame, np.asarray(frames))]

    @classmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: Any, info: Info
    ) -> tuple[Detections, Tubes | None]:
        return postprocess.detections_and_tubes(predictions, num_frames, config.postprocess, info.linked)
