"""RAFT (Teed & Deng, ECCV 2020), torchvision's implementation with weights from a file.

torch is imported when the network is needed. The weights are torchvision's: ``C_T_SKHT_V2`` (large) and
``C_T_V2`` (small) where torchvision has downloaded them before, or any file of the same layout; ``C_T_V1``
are the original authors' weights, converted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlparse

import numpy as np

from bench.flow.base import Flow, Frames, LearnedSource, UnavailableError
from bench.flow.pairs import of_pairs

if TYPE_CHECKING:
    import torch

STRIDE = 8
"""The network wants sides that are multiples of it."""
SMALLEST_SIDE = 128
"""Below it the pyramid of correlations has an empty level."""


@dataclass(frozen=True)
class Raft(LearnedSource):
    """RAFT, the large network. ``updates``: steps of its recurrent unit."""

    name = "raft"
    advice = "It is torchvision's raft_large: https://docs.pytorch.org/vision/stable/models/raft.html"
    architecture: ClassVar[str] = "raft_large"

    updates: int = 12

    @classmethod
    def cached(cls) -> Path | None:
        """The file of torchvision's default weights in its cache."""
        import torch
        from torchvision.models import get_model_weights

        url = urlparse(get_model_weights(cls.architecture).DEFAULT.url)
        path = Path(torch.hub.get_dir()) / "checkpoints" / PurePosixPath(url.path).name
        return path if path.is_file() else None

    def load(self) -> torch.nn.Module:
        """See :class:`LearnedSource`; on the GPU where there is one."""
        import torch

        return _network(self.architecture, self.weights, "cuda" if torch.cuda.is_available() else "cpu")

    def between(self, frames_THW3: Frames) -> Flow:
        """See :class:`FlowSource`."""
        network = self.load()

        def estimate(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            return network(first / 127.5 - 1, second / 127.5 - 1, num_flow_updates=self.updates)[-1]

        (top, left), padded = _padded(frames_THW3)
        flow = of_pairs(padded, estimate, next(network.parameters()).device)
        height, width = frames_THW3.shape[1:3]
        return flow[:, top : top + height, left : left + width]


@dataclass(frozen=True)
class RaftSmall(Raft):
    """RAFT, the small network."""

    name = "raft-small"
    advice = "It is torchvision's raft_small: https://docs.pytorch.org/vision/stable/models/raft.html"
    architecture = "raft_small"


@lru_cache(maxsize=1)
def _network(architecture: str, weights: Path, device: str) -> torch.nn.Module:
    import torch
    from torchvision.models import get_model

    network = get_model(architecture, weights=None)
    try:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except Exception as error:  # what is no checkpoint fails to unpickle in many ways
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise UnavailableError(f"{weights} does not fit torchvision's {architecture}: {said}") from error
    return network.to(device).eval()


def _padded(frames_THW3: Frames) -> tuple[tuple[int, int], Frames]:
    """((rows above, columns to the left), frames of a size that the network takes); edges are repeated."""
    pads = []
    for side in frames_THW3.shape[1:3]:
        more = max(-side % STRIDE, SMALLEST_SIDE - side)
        pads.append((more // 2, more - more // 2))
    return (pads[0][0], pads[1][0]), np.pad(frames_THW3, [(0, 0), *pads, (0, 0)], mode="edge")
