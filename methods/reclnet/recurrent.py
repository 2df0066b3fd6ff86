"""Training of the recurrent networks on stored tracks and features (section 3.4)."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.footage import Arrays
from bench.records import Array
from methods.base import TrainingData, TrainingStage
from methods.common.schedules import drops
from methods.reclnet.labels import UNKNOWN
from methods.reclnet.network import FusedNetwork, Output, StreamNetwork
from methods.reclnet.recurrent_config import RecurrentConfig, RecurrentTraining
from methods.reclnet.schedule import Groups, Schedule
from methods.reclnet.sequences import Labels, Sequences
from methods.reclnet.steps import ROWS, Steps, features_of

log = logging.getLogger("bench")


@dataclass(frozen=True)
class Learning:
    """What the stages of the recurrent part have in common.

    labels: what tracks are to be taken for. steps: of tracks, from their arrays. width: numbers of a row of
    features.
    """

    network: RecurrentConfig
    training: RecurrentTraining
    classes: int
    labels: Labels
    steps: Callable[[Arrays], Steps]
    width: int


class Carried(nn.Module):
    """A network in training, with the states of a batch's tracks between one stretch and the next.

    The states are a buffer, so that what is saved of a training that is killed holds them; in a checkpoint
    they mean nothing, and :mod:`methods.reclnet.trained` leaves them.
    """

    state_BS: Tensor

    def __init__(self, network: StreamNetwork | FusedNetwork, tracks: int):
        super().__init__()
        self.network = network
        self.register_buffer("state_BS", torch.zeros(tracks, network.state_size))

    def forward(self, features: Sequence[Tensor], labels_TB: Tensor, goes_on_B: Tensor) -> Tensor:
        """The softmax negative log-likelihood (eq. 3) summed over all steps with a label, by T times B.

        So every step of every track has one weight, in a batch that is not full too.

        features: of each stream of the network, [T, B, D]. labels: 0 background, c + 1 of class c,
        :data:`UNKNOWN` where nothing is learnt from.
        goes_on: 1 where a track goes on from the stretch before, 0 where one begins.
        """
        output: Output = self.network(*features, self.state_BS * goes_on_B[:, None])
        self.state_BS.copy_(output.state_BS.detach())
        loss = F.cross_entropy(
            output.logits_TBC.flatten(0, 1), labels_TB.flatten(), ignore_index=UNKNOWN, reduction="sum"
        )
        return loss / labels_TB.numel()


class TrackStage(TrainingStage):
    """A network learns from the tracks of all training videos, stretch by stretch.

    Truncated back-propagation: a stretch's gradient ends at its first step, its state goes on to the next.
    The order of tracks (:mod:`methods.reclnet.schedule`) is the same whether features are kept or not.
    """

    steps = 0

    def __init__(self, streams: Sequence[str], learning: Learning, data: TrainingData, seed: int) -> None:
        self.streams, self.learning, self.data, self.seed = tuple(streams), learning, data, seed

    @abstractmethod
    def network(self) -> StreamNetwork | FusedNetwork:
        """What is trained."""

    def prepare(self, folder: Path) -> nn.Module:
        """Reads tracks alone, no features."""
        training, footage = self.learning.training, self.data.footage
        self.sequences = Sequences.of(
            self._videos(),
            lambda video: footage[video].extracted("tracks"),
            self.learning.steps,
            self.learning.labels,
        )
        self.schedule = Schedule(
            self.sequences.lengths_T, training.tracks, training.length, self.seed, self._groups()
        )
        self.steps = training.steps or self.schedule.batches(training.epochs)
        torch.manual_seed(self.seed)
        return Carried(self.network(), self.schedule.lanes)

    def _groups(self) -> Groups:
        """The videos that tracks are drawn from at a time, by the size of what is read of them.

        Warns where they are not all, and where features that are not kept are more than can be held: a
        quarter of what is held is left for what else is asked for, such as tracks that are not kept either.
        """
        room = int(1e9 * self.learning.training.group_gb)
        bytes_V = self.sequences.rows_V * 2 * self.learning.width * len(self.streams)
        whole = int(bytes_V.sum())
        if whole > room:
            log.warning(
                "%s: features take %.1f GB, so that a batch is of few videos (learning.group_gb)",
                self.name, whole / 1e9,
            )  # fmt: skip
        remade = self.data.remade.intersection(features_of(stream) for stream in self.streams)
        at_once = min(room, whole) * len(remade) // len(self.streams)
        if at_once > 3 * self.data.held // 4:
            log.warning(
                "%s: %.1f GB of %s, not kept, are drawn from at a time and computed again and again; raise "
                "--feature-budget, or lower learning.group_gb, which changes the order of tracks",
                self.name, at_once / 1e9, " and ".join(sorted(remade)),
            )  # fmt: skip
        return Groups(self.sequences.video_T, bytes_V, room)

    def _videos(self) -> Iterator[str]:
        """The training videos, reporting how far their reader is."""
        names = self.data.truth.videos.names
        for done, name in enumerate(names, 1):
            yield name
            self.data.report("labels of tracks", done, len(names))

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        training = self.learning.training
        learnt = [parameter for parameter in module.parameters() if parameter.requires_grad]
        return torch.optim.Adam(
            learnt, training.learning_rate, weight_decay=training.weight_decay, fused=True
        )

    def learning_rate(self, step: int) -> float:
        training = self.learning.training
        return drops(training.learning_rate, step, [training.drop * self.steps], 0.1)

    def batch(self, step: int) -> Any:
        stretches, length = self.schedule[step], self.schedule.length
        return {
            "features": [self.sequences.features(stretches, length, self._rows(s)) for s in self.streams],
            "labels_TB": self.sequences.labels(stretches, length),
            "goes_on_B": torch.from_numpy(stretches.start_L > 0),
        }

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        return {"nll": module(**batch)}

    def _rows(self, stream: str) -> Callable[[str], Array]:
        """Reads the features of a video."""
        return lambda video: self.data.footage[video].extracted(features_of(stream))[ROWS]


class StreamStage(TrackStage):
    """The network of one stream: stage ``recurrent-rgb`` or ``recurrent-flow``."""

    def __init__(self, stream: str, learning: Learning, data: TrainingData, seed: int) -> None:
        super().__init__([stream], learning, data, seed)
        self.name = f"recurrent-{stream}"

    def network(self) -> StreamNetwork:
        return StreamNetwork(self.learning.network, self.learning.width, self.learning.classes)
