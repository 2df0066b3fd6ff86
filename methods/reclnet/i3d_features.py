"""Features of tracks from I3D: its maps after Mixed_4f, pooled along each track (section 5.4).

A map is made of every four frames; a row of features is of one track and the box in the middle of its four
frames (of those that the track has, where it begins or ends between them). Pooling is unstated: RoIAlign to
one cell, the mean over the box (ours). A video longer than ``chunk`` goes through in pieces that overlap, as
in the authors' program. A map sees 31 frames to both sides (the paper says roughly one hundred in all).

RGB is in [-1, 1]. Flow is that of RecLNet's flow picture, x and y, 0..255 to [-1, 1]: so 8 pixels of motion
at ``model.flow_size`` are 1, where the published network was trained with 20. The authors pad DALY's videos
to 320x240; here they are scaled to it, as all footage is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from bench.footage import Arrays, Footage
from bench.records import Array
from methods.common.windows import to_network
from methods.nn.i3d import I3D, I3DConfig
from methods.nn.roi_align import roi_align
from methods.reclnet.described import mapped
from methods.reclnet.i3d_config import FRAMES, PIXELS, I3DFeatures
from methods.reclnet.pictures import pictures
from methods.reclnet.steps import Steps, steps_of
from methods.reclnet.tracks import Tracks

ENDPOINT = "Mixed_4f"
SAMPLES = 16
"""Points along each side of a box that are averaged: one a cell at least, on maps of up to 20 x 15."""
POOLED, READ = 16, 64
"""Maps that are pooled from, and frames that are read, at a time."""
CHANNELS = {"rgb": 3, "flow": 2}


def i3d_of(config: I3DFeatures, stream: str) -> I3D:
    """The network of a stream, up to the endpoint, with random weights that keep the scale of maps."""
    network = I3D(_shape(config, stream))
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return network


def channels_of(config: I3DFeatures) -> int:
    """Length of a row of features."""
    return _shape(config, "rgb").channels(ENDPOINT)


def _shape(config: I3DFeatures, stream: str) -> I3DConfig:
    return I3DConfig(
        in_channels=CHANNELS[stream], num_classes=None, width=config.width,
        stem_kernel=config.stem_kernel, last_endpoint=ENDPOINT,
    )  # fmt: skip


def track_features(footage: Footage, stream: str, network: I3D, tracks: Tracks, config: I3DFeatures) -> Array:
    """The features of every step of :func:`map_steps`, float16 [S, D]. The network must be in eval mode.

    Only one piece of the video is in memory, and the features lie in a file without a name.
    """
    steps = steps_of(tracks.track_N, tracks.frame_N // FRAMES)
    scale = np.tile(np.divide(config.frame_size, footage.size), 2).astype(np.float32)
    boxes_S4 = to_network(tracks.boxes_N4[steps.middle_P], footage) * scale
    return _pooled(footage, stream, network, (steps.feature_P, boxes_S4), config)


def map_steps(tracks: Arrays) -> Steps:
    """A step a track and four frames of the video, each with features of its own."""
    steps = steps_of(tracks["track_N"], tracks["frame_N"] // FRAMES)
    return steps._replace(feature_P=np.arange(len(steps.track_P)))


def bytes_per_frame(per_frame: float, channels: int) -> int:
    """About how many bytes the features of a stream take for a frame of ``per_frame`` track rows."""
    return math.ceil(per_frame * channels * 2 / FRAMES)


@torch.no_grad()
def _pooled(
    footage: Footage, stream: str, network: I3D, regions: tuple[Array, Array], config: I3DFeatures
) -> Array:
    """Features [S, D] of the boxes (network pixels) of the given maps."""
    map_S, boxes_S4 = regions
    features_SD = mapped((len(map_S), network.config.channels(ENDPOINT)))
    device = next(network.parameters()).device
    for first, last, kept in pieces(len(footage), config):
        if not np.any((map_S >= kept.start) & (map_S < kept.stop)):
            continue
        clip = _clip(footage, stream, range(first, last), config.frame_size).to(device)
        map_MCHW = network.forward_endpoints(clip, [ENDPOINT])[ENDPOINT][0].transpose(0, 1)
        for at in range(kept.start, kept.stop, POOLED):
            rows = np.flatnonzero((map_S >= at) & (map_S < min(at + POOLED, kept.stop)))
            maps = map_MCHW[at - first // FRAMES :][:POOLED]
            place = torch.from_numpy(map_S[rows] - at).long().to(device)
            boxes = torch.from_numpy(boxes_S4[rows]).to(device)
            pooled = roi_align([maps], boxes, place, [PIXELS], size=1, sampling_ratio=SAMPLES)
            features_SD[rows] = pooled[:, :, 0, 0].half().cpu().numpy()
    return features_SD


def pieces(frames: int, config: I3DFeatures) -> Iterator[tuple[int, int, range]]:
    """First frame, frame after the last, and the maps that are kept, of each piece of a video."""
    if frames <= config.chunk:
        yield 0, frames, range(-(-frames // FRAMES))
        return
    inner = config.chunk - 2 * config.context
    for start in range(0, frames, inner):
        end = min(start + inner, frames)
        maps = range(start // FRAMES, -(-end // FRAMES))
        yield max(start - config.context, 0), min(end + config.context, frames), maps


def _clip(footage: Footage, stream: str, frames: range, size: tuple[int, int]) -> Tensor:
    """(1, C, T, H, W) in [-1, 1], frames of this width and height."""
    width, height = size
    clip_CTHW = torch.empty(CHANNELS[stream], len(frames), height, width)
    for at in range(0, len(frames), READ):
        numbers = np.arange(frames.start, frames.stop)[at : at + READ]
        shown_THWC = pictures(footage, stream, numbers, size)[..., : len(clip_CTHW)]
        clip_CTHW[:, at : at + READ] = torch.from_numpy(np.moveaxis(shown_THWC, -1, 0).astype(np.float32))
    return clip_CTHW.div_(127.5).sub_(1)[None]
