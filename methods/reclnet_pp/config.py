"""Configuration of RecLNet++ and its variants. Values that the paper does not state are marked *ours*."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import methods.reclnet.config as reclnet
from bench.sources import SOURCE
from methods.nn.faster_rcnn.config import RESNET101, VGG16
from methods.reclnet.config import DetectorTraining, ModelConfig, PostprocessConfig
from methods.reclnet.i3d_config import I3DFeatures
from methods.reclnet.recurrent_config import RecurrentTraining
from methods.reclnet.tracking import FRAME_TRACKS, STACK_TRACKS, Tracking


@dataclass(frozen=True)
class ClipTraining:
    """I3D learns the classes of annotated boxes in clips, where no published weights are named; ours."""

    steps: int = 0  # 0: there is no such stage
    batch: int = 8
    length: int = 16  # frames of a clip, the annotated one in its middle
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    colour: tuple[float, float, float] = (0.5, 2.0, 2.0)  # as for the detector


@dataclass(frozen=True)
class ReclnetPpConfig:
    """The whole method; fields that RecLNet has mean the same. stack: frames that the detector sees at once.

    training: its steps and their drop are those of RecLNet's detectors (ours); the authors' program drops the
    rate every five epochs.
    i3d: folder with the published I3D weights ``rgb.*`` and ``flow.*``; empty: ``clips`` trains them.
    """

    model: ModelConfig = ModelConfig(detector=RESNET101)
    stack: int = 5
    training: DetectorTraining = DetectorTraining(weight_decay=1e-4)
    tracks: Tracking = STACK_TRACKS
    features: I3DFeatures = I3DFeatures()
    i3d: str = field(default="", metadata=SOURCE)
    clips: ClipTraining = ClipTraining()
    learning: RecurrentTraining = RecurrentTraining(group_gb=32.0)  # a stream of UCF101-24 takes 25
    recurrent_seed: int = 0
    postprocess: PostprocessConfig = PostprocessConfig()
    score_floor: float = 0.01
    cpu_threads: int = 0  # of one network on a CPU; 0: all cores


def base(dataset: str, size: str) -> ReclnetPpConfig:
    """The paper's settings on that dataset, or the tiny ones."""
    like = reclnet.base(dataset, size)
    made = ReclnetPpConfig(postprocess=like.postprocess)
    if size != "tiny":
        return made
    clips = ClipTraining(steps=400 if dataset.endswith("-mini") else 2000)
    return replace(
        made,
        model=like.model,
        stack=3,
        training=like.training,
        tracks=replace(STACK_TRACKS, min_frames=8),
        features=I3DFeatures(frame_size=(128, 96), width=0.125, stem_kernel=(3, 5, 5), chunk=200, context=32),
        clips=clips,
        learning=like.learning,
        cpu_threads=like.cpu_threads,
    )


def configs(dataset: str, size: str) -> dict[str, ReclnetPpConfig]:
    """Row -> config, all of Table 9: ``default`` and ``fc`` on tracks of stacks, ``frame-tracks`` and
    ``fc-frame-tracks`` on RecLNet's. Tables 10 and 11 are of the default. ``shuffled-labels``: ours, a
    control.
    """
    whole = base(dataset, size)
    tracks = FRAME_TRACKS if not dataset.startswith(("daly", "ava")) else reclnet.base(dataset, size).tracks
    detector = VGG16 if size == "full" else whole.model.detector
    frames = replace(whole, stack=1, tracks=tracks, model=replace(whole.model, detector=detector))
    rows = {"default": whole, "frame-tracks": frames}
    for name, row in (("fc", whole), ("fc-frame-tracks", frames)):
        rows[name] = replace(row, model=replace(row.model, recurrent=reclnet.fully_connected(row.model)))
    shuffled: dict[str, Any] = {"shuffled_labels": True}
    rows["shuffled-labels"] = replace(whole, training=replace(whole.training, **shuffled))
    return rows
