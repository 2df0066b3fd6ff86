"""The detector of MENet: what it sees of a key-frame, and its training from the distilled branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from bench.footage import Footage
from methods.base import TrainingData
from methods.common.flow import FlowScale, scaled_flow
from methods.menet.clips import channels_first, recent_frames, unit_pictures
from methods.menet.config import MenetConfig
from methods.menet.distillation import load_student
from methods.yowo import clips
from methods.yowo.network import YowoNetwork
from methods.yowo.training import DetectorStage, View

if TYPE_CHECKING:
    from methods.menet.method import Menet


def detector_stage(
    method: Menet, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
) -> DetectorStage:
    """YOWO's training with MENet's network, whose 3-D branch begins as the stage before left it."""
    config: MenetConfig = method.config
    inputs = view_inputs(config)

    def build() -> YowoNetwork:
        network = method.started_network(checkpoints.get("crops"))
        if "student" in checkpoints:
            load_student(network, checkpoints["student"])
        return network

    return DetectorStage(
        config.model, config.training, method.info, data, seed, build,
        lambda view: inputs(view.footage, view.frame, view),
    )  # fmt: skip


def view_inputs(config: MenetConfig) -> Callable[[Footage, int, View | None], Mapping[str, Tensor]]:
    """What the network sees of a frame, by name; with a view cut, mirrored and distorted as it says.

    Clip, key-frame and recent frames are drawn together, so that colours change alike.
    """
    model, motion = config.model, config.motion
    recent = motion.spatial == "srm" and "2d" in model.branches

    def inputs(footage: Footage, frame: int, view: View | None) -> Mapping[str, Tensor]:
        clip = clips.clip_frames(frame, model)
        frames = np.concatenate([clip, recent_frames(frame, motion.maps)]) if recent else clip
        rgb = footage.clip(frames)
        if view is not None:
            rgb = clips.augmented(rgb, view.window, view.mirror, config.training.colour, view.rng)
        found = clips.inputs(rgb[: len(clip)], model)
        if recent:
            found["recent"] = unit_pictures(rgb[len(clip) :])
        if motion.spatial == "flow" and "2d" in model.branches:
            window, mirror = (view.window, view.mirror) if view else (None, False)
            last = np.array([max(frame - 1, 0)])  # flow is to the next frame: this one ends at the key-frame
            scale = FlowScale(motion.flow_clip)
            found["flow"] = channels_first(scaled_flow(footage, last, scale, window, mirror))[:, 0]
        return found

    return inputs
