"""Features of tracks from I3D: its maps after Mixed_4f, pooled along each track (section 5.4).

A map is made of every four frames; a row of features is of one track and the box in the middle of its four
frames (of those that the track has, where it begins or ends between them). Pooling is unstated: RoIAlign to
one cell, the mean over the box (ours). A video longer than ``chunk`` goes through in pieces that overlap, as
in the authors' program; a map sees some thirty frames to both sides, fewer than ``context``.

RGB is in [-1, 1]. Flow is that of RecLNet's flow picture, x and y, 0..255 to [-1, 1]: so 8 pixels of motion
are 1, where the published network was trained with 20. The authors pad DALY's videos to 320x240; here they
are scaled to it, as all footage is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bench.footage import Footage
from bench.records import Array
from methods.common.windows import to_network
from methods.nn.i3d import I3D, I3DConfig
from methods.nn.roi_align import roi_align
from methods.reclnet.described import mapped
from methods.reclnet.pictures import pictures
from methods.reclnet.tracks import Tracks

ENDPOINT = "Mixed_4f"
FRAMES, PIXELS = 4, 16
"""Of the video that a cell of the endpoint's map stands for."""
SAMPLES = 16
"""Points along each side of a box that are averaged: one a cell at least, on maps of up to 20 x 15."""
POOLED, READ = 16, 64
"""Maps that are pooled from, and frames that are read, at a time."""
CHANNELS = {"rgb": 3, "flow": 2}


@dataclass(frozen=True)
class I3DFeatures:
    """The network of each stream, and how much of a video it sees at a time.

    frame_size: width and height of the frames, which may be other than the footage's.
    width, stem_kernel: as in :class:`methods.nn.i3d.I3DConfig`.
    chunk: most frames of a piece; context: those on each side whose maps are dropped. Multiples of four.
    """

    frame_size: tuple[int, int] = (320, 240)
    width: float = 1.0
    stem_kernel: tuple[int, int, int] = (7, 7, 7)
    chunk: int = 1000
    context: int = 100

    def __post_init__(self) -> None:
        whole = self.chunk % FRAMES == 0 and self.context % FRAMES == 0
        if not whole or not 0 <= 2 * self.context < self.chunk:
            raise ValueError(
                f"features.chunk {self.chunk} and context {self.context} must be multiples of {FRAMES}, "
                "and a chunk longer than the context on both its sides"
            )

    def network(self, stream: str) -> I3D:
        """The network of a stream, up to the endpoint, with random weights that keep the scale of maps."""
        network = I3D(self._shape(stream))
        for module in network.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        return network

    @property
    def channels(self) -> int:
        """Length of a row of features."""
        return self._shape("rgb").channels(ENDPOINT)

    def _shape(self, stream: str) -> I3DConfig:
        return I3DConfig(
            in_channels=CHANNELS[stream], num_classes=None, width=self.width,
            stem_kernel=self.stem_kernel, last_endpoint=ENDPOINT,
        )  # fmt: skip


@dataclass(frozen=True)
class Steps:
    """The S rows of features of tracks: by track, then time.

    of_N: step of each track row, int32. map_S: the map, which is of the frames 4 m to 4 m + 3. middle_S:
    the track row whose box is pooled from.
    """

    of_N: Array
    map_S: Array
    middle_S: Array

    @classmethod
    def of(cls, tracks: Tracks) -> Steps:
        """The steps of these tracks."""
        map_N = tracks.frame_N // FRAMES
        new_N = (np.diff(tracks.track_N, prepend=-1) != 0) | (np.diff(map_N, prepend=-1) != 0)
        head_S = np.flatnonzero(new_N)
        middle_S = head_S + np.diff(head_S, append=len(map_N)) // 2
        return cls((np.cumsum(new_N) - 1).astype(np.int32), map_N[head_S], middle_S)


def track_features(
    footage: Footage, networks: Mapping[str, I3D], tracks: Tracks, config: I3DFeatures
) -> dict[str, Array]:
    """``rgb_SD`` and ``flow_SD`` of the networks that there are, float16, and ``step_N``, int32.

    One row a track and four frames. Networks must be in eval mode. Only one piece of the video is in memory,
    and the features lie in a file without a name.
    """
    steps = Steps.of(tracks)
    scale = np.tile(np.divide(config.frame_size, footage.size), 2).astype(np.float32)
    boxes_S4 = to_network(tracks.boxes_N4[steps.middle_S], footage) * scale
    found = {
        f"{stream}_SD": _pooled(footage, stream, network, (steps.map_S, boxes_S4), config)
        for stream, network in networks.items()
    }
    return found | {"step_N": steps.of_N}


def bytes_per_frame(per_frame: int, channels: int, streams: int) -> int:
    """About how many bytes the features take for a frame of ``per_frame`` track rows."""
    return per_frame * (channels * 2 * streams // FRAMES + 4)


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
