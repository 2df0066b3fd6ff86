"""Networks of RecLNet from the checkpoints of their training stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from torch import Tensor

from bench.records import Array
from methods.nn.weights import load_checked, read_tensors
from methods.reclnet.config import ModelConfig
from methods.reclnet.network import FusedNetwork, StreamNetwork
from methods.reclnet.recurrent_config import FusionKind, RecurrentConfig
from methods.reclnet.scores import network_scores
from methods.reclnet.steps import Steps

PREFIX = "network."
"""Of the names of a checkpoint's weights; beside them lie the states of the tracks last trained on."""
OTHER_CONFIG = "It was trained with another config"


def load_stream(path: Path, config: RecurrentConfig, classes: int) -> StreamNetwork:
    """The network of a stream; raises ValueError for a checkpoint of another config."""
    tensors = _weights(path)
    network = StreamNetwork(config, _width(tensors, "fc.weight"), classes)
    load_checked(network, tensors, str(path), hint=OTHER_CONFIG)
    return network.eval()


def load_fused(path: Path, config: RecurrentConfig, classes: int, kind: FusionKind) -> FusedNetwork:
    """Both streams and their fusion; raises ValueError for a checkpoint of another config."""
    tensors = _weights(path)
    rgb, flow = (
        StreamNetwork(config, _width(tensors, f"{stream}.fc.weight"), classes) for stream in ("rgb", "flow")
    )
    network = FusedNetwork(rgb, flow, config, kind)
    load_checked(network, tensors, str(path), hint=OTHER_CONFIG)
    return network.eval()


def _weights(path: Path) -> dict[str, Tensor]:
    found = read_tensors(path)
    return {name.removeprefix(PREFIX): t for name, t in found.items() if name.startswith(PREFIX)}


def _width(tensors: Mapping[str, Tensor], name: str) -> int:
    """Numbers of a row of features; any where the checkpoint is of something else, which is refused later."""
    return tensors[name].shape[-1] if name in tensors else 1


@dataclass(frozen=True)
class TrackScores:
    """What scores the boxes of tracks: the networks by stream, one for both (``fused``), or the detectors.

    networks: none where the detectors' own scores are taken (*CNN* in Table 1).
    """

    networks: Mapping[str, StreamNetwork | FusedNetwork]

    @classmethod
    def load(cls, model: ModelConfig, classes: int, checkpoints: Mapping[str, Path], device: str) -> Self:
        """From the checkpoints of all stages. Raises ValueError for one of another config."""
        networks: dict[str, StreamNetwork | FusedNetwork] = {}
        if model.learned_fusion and model.fusion != "average":
            networks["fused"] = load_fused(checkpoints["fusion"], model.recurrent, classes, model.fusion)
        elif model.scores == "recurrent":
            for stream in model.streams:
                path = checkpoints[f"recurrent-{stream}"]
                networks[stream] = load_stream(path, model.recurrent, classes)
        return cls({name: network.to(device) for name, network in networks.items()})

    def of(self, steps: Steps, rows: Mapping[str, Array]) -> dict[str, Array]:
        """scores_NC of every track row, float32, background first, by stream.

        ``rows``: what the steps point to, by stream: its features, or the softmax of its detector.
        """
        if not self.networks:
            row_N = steps.feature_P[steps.of_N]
            return {stream: rows_SD[row_N].astype(np.float32) for stream, rows_SD in rows.items()}
        of_network = {"fused": list(rows.values())} | {stream: [rows_SD] for stream, rows_SD in rows.items()}
        return {
            name: network_scores(network, steps, of_network[name]) for name, network in self.networks.items()
        }
