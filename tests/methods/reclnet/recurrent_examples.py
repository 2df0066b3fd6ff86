"""Tracks and features of videos that nobody filmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.runs.recent import Recent
from methods.base import TrainingData
from methods.reclnet.recurrent import Learning
from methods.reclnet.recurrent_config import RecurrentConfig, RecurrentTraining
from methods.reclnet.steps import ROWS, frame_steps

Arrays = dict[str, np.ndarray]


def track_arrays(lengths: Sequence[int], label: int = -1, start: int = 0) -> Arrays:
    """Tracks from frame ``start`` on, each of a box of its own that moves by one pixel a frame."""
    track = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    frame = np.concatenate([np.arange(n, dtype=np.int32) for n in lengths] or [np.zeros(0, np.int32)]) + start
    left = 100 * track + frame
    boxes = np.stack([left, left, left + 50, left + 60], axis=1).astype(np.float32).reshape(-1, 4)
    rows = np.arange(len(track), dtype=np.int32)
    return {
        "track_N": track, "frame_N": frame, "boxes_N4": boxes, "row_N": rows,
        "label_T": np.full(len(lengths), label, np.int16), "frame_M": frame, "distinct_M4": boxes,
    }  # fmt: skip


def features_of(tracks: Arrays, width: int, seed: int) -> Arrays:
    """A row of noise for each track row, by stream."""
    rng = np.random.default_rng(seed)
    shape = len(tracks["track_N"]), width
    return {stream: rng.normal(size=shape).astype(np.float16) for stream in ("rgb", "flow")}


@dataclass(frozen=True)
class World:
    """Videos with tracks, features and labels of the track rows; made: features that had to be computed."""

    tracks: Mapping[str, Arrays]
    features: Mapping[str, Arrays]
    labels: Mapping[str, np.ndarray]
    made: list[str] = field(default_factory=list)

    @classmethod
    def remembered(cls, videos: int = 6, lengths: Sequence[int] = (50, 30, 45, 62)) -> World:
        """What a track is shows in its first step alone; all later steps are noise."""
        tracks = {f"v{i}": track_arrays(lengths) for i in range(videos)}
        features = {name: features_of(found, 4, i) for i, (name, found) in enumerate(tracks.items())}
        labels = {}
        for i, (name, found) in enumerate(tracks.items()):
            kind = np.random.default_rng([i, 1]).integers(0, 2, len(lengths))
            head = np.flatnonzero(np.diff(found["track_N"], prepend=-1))
            for stream in ("rgb", "flow"):
                features[name][stream] *= np.float16(0.1)
                features[name][stream][:, 0] = 0
                features[name][stream][head, 0] = np.where(kind == 0, -2, 2)
            labels[name] = (1 + kind)[found["track_N"]].astype(np.int16)
        return cls(tracks, features, labels)

    def data(self, held: int | None = None) -> TrainingData:
        """As a stage is given it; ``held``: bytes of features that are held, which are not kept then."""
        recent = Recent(2**40 if held is None else held)
        made = self.made

        class Footage:
            def __init__(self, arrays: Mapping[str, Arrays]) -> None:
                self.arrays = arrays

            def extracted(self, name: str) -> Arrays:
                key = name, str(id(self))
                if name != "tracks" and recent.get(key) is None:
                    made.append(name)
                    recent.put(key, self.arrays[name], self.arrays[name][ROWS].nbytes)
                return self.arrays[name]

        footage = {
            name: Footage(
                {"tracks": self.tracks[name]}
                | {f"features-{stream}": {ROWS: rows} for stream, rows in self.features[name].items()}
            )
            for name in self.tracks
        }
        truth: Any = SimpleNamespace(videos=SimpleNamespace(names=tuple(self.tracks)))
        remade = frozenset({"features-rgb", "features-flow"} if held is not None else ())
        return TrainingData(truth, footage, remade=remade, held=held or 0)  # type: ignore[arg-type]

    def learning(self, network: RecurrentConfig | None = None, **training: Any) -> Learning:
        """Two classes; narrow networks in small batches unless told otherwise."""
        settings = {"tracks": 6, "length": 20, "steps": 4, "learning_rate": 0.01, **training}
        return Learning(
            network or RecurrentConfig(hidden=8, units=(8, 8)),
            RecurrentTraining(**settings),
            2,
            lambda video, tracks: self.labels[video],
            frame_steps,
            width=4,
        )
