"""From the tracks of a video to scored boxes: every step of every track by the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from bench.footage import Arrays
from bench.records import STREAMS, Array, Detections
from methods.reclnet.network import FusedNetwork, StreamNetwork
from methods.reclnet.schedule import plan
from methods.reclnet.sequences import Sequences
from methods.reclnet.steps import Steps

LANES, LENGTH = 100, 20
"""Tracks and time steps that are scored at once."""


@torch.no_grad()
def network_scores(network: StreamNetwork | FusedNetwork, steps: Steps, features: Sequence[Array]) -> Array:
    """The softmax (eq. 4) of every track row, scores_NC float32, background first.

    ``features``: rows_SD of each stream that the network takes. Track rows of one step, as those of four
    frames with I3D, share its scores.
    """
    bounds, total = steps.bounds, len(steps.feature_P)
    count = len(bounds) - 1
    scores_PC = np.zeros((total, network.classes + 1), np.float32)
    if not count:
        return scores_PC
    sequences = Sequences(
        ("",), np.zeros(count, np.int32), bounds, steps.feature_P, np.zeros(total, np.int16)
    )
    device, lanes = next(network.parameters()).device, min(LANES, count)
    state_BS = torch.zeros(lanes, network.state_size, device=device)
    for stretches in plan(sequences.lengths_T, np.arange(count), lanes, LENGTH):
        seen = [
            sequences.features(stretches, LENGTH, {"": rows_SD}.__getitem__).to(device)
            for rows_SD in features
        ]
        goes_on_B = torch.from_numpy(stretches.start_L > 0).to(device)
        logits_TBC, _, state_BS = network(*seen, state_BS * goes_on_B[:, None])
        found_TBC = logits_TBC.float().softmax(dim=2).cpu().numpy()
        for lane, part in sequences.lanes(stretches, LENGTH):
            scores_PC[part] = found_TBC[: part.stop - part.start, lane]
    return scores_PC[steps.of_N]


def detections(video: str, tracks: Arrays, scores: Mapping[str, Array], floor: float) -> Detections:
    """Every track row a box, numbered by its row, with its scores of the classes, by stream and row.

    ``scores``: scores_NC as above of each stream, ``rgb``, ``flow``, or ``fused`` alone. A track of one class
    (``label_T``) has rows of that class only. Scores below the floor in all streams are left out; but a
    track that is above it somewhere keeps the best score of each of its boxes, so that it has no gaps.
    """
    kept_NC = _kept(tracks, np.maximum.reduce([s[:, 1:] for s in scores.values()]), floor)
    row, label = np.nonzero(kept_NC)
    many = len(scores)
    row_R, label_R = np.tile(row, many), np.tile(label, many)
    return Detections(
        videos=(video,),
        video=np.zeros(len(row_R)),
        frame=tracks["frame_N"][row_R],
        box=row_R,
        boxes_N4=tracks["boxes_N4"][row_R],
        label=label_R,
        score=np.concatenate([s[row, label + 1] for s in scores.values()]),
        stream=np.repeat([STREAMS.index(stream) for stream in scores], len(row)),
        track=tracks["track_N"][row_R],
    )


def _kept(tracks: Arrays, best_NC: Array, floor: float) -> Array:
    """Which scores are kept, bool [N, C]; ``best_NC``: the highest of all streams, without background."""
    track_N, label_T = tracks["track_N"], tracks["label_T"]
    if not len(track_N):
        return np.zeros(best_NC.shape, bool)
    head_T = np.flatnonzero(np.diff(track_N, prepend=-1))
    own_TC = (label_T[:, None] < 0) | (label_T[:, None] == np.arange(best_NC.shape[1]))
    wanted_TC = own_TC & (np.maximum.reduceat(best_NC, head_T) >= floor)
    worth_NC = np.where(wanted_TC[track_N], best_NC, -1)
    return (worth_NC >= floor) | ((worth_NC >= 0) & (worth_NC == worth_NC.max(axis=1, keepdims=True)))
