"""Training of the layer that fuses both streams, whose networks stay as they are (section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from methods.base import TrainingData
from methods.reclnet.network import FusedNetwork
from methods.reclnet.recurrent import Learning, TrackStage
from methods.reclnet.recurrent_config import FusionKind
from methods.reclnet.trained import load_stream


class FusionStage(TrackStage):
    """The gating or fusion layer on top of both trained streams; its checkpoint holds the streams too."""

    name = "fusion"

    def __init__(
        self,
        kind: FusionKind,
        learning: Learning,
        data: TrainingData,
        seed: int,
        checkpoints: Mapping[str, Path],
    ) -> None:
        """``checkpoints``: those of ``recurrent-rgb`` and ``recurrent-flow``."""
        super().__init__(("rgb", "flow"), learning, data, seed)
        self.kind, self.checkpoints = kind, checkpoints

    def network(self) -> FusedNetwork:
        learning = self.learning
        rgb, flow = (
            load_stream(self.checkpoints[f"recurrent-{stream}"], learning.network, learning.classes)
            for stream in self.streams
        )
        return FusedNetwork(rgb, flow, learning.network, self.kind)
