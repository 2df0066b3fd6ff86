"""Flow of neighbouring frames by a network. torch is imported when it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from bench.flow.base import Flow, Frames

if TYPE_CHECKING:
    import torch

    Estimate = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    """RGB pictures float32 [N, 3, H, W] in [0, 255], and those that follow them -> flow [N, 2, H, W]."""

AT_ONCE = 4


def of_pairs(frames_THW3: Frames, estimate: Estimate, device: torch.device) -> Flow:
    """Flow float32 [T - 1, H, W, 2] of each frame to the next, some pairs at a time.

    On one thread, so that a CPU's result does not depend on their number.
    """
    import torch

    fields = []
    with torch.inference_mode(), _one_thread():
        for start in range(0, len(frames_THW3) - 1, AT_ONCE):
            chunk = torch.from_numpy(frames_THW3[start : start + AT_ONCE + 1]).to(device)
            pictures = chunk.permute(0, 3, 1, 2).float()
            flow = estimate(pictures[:-1], pictures[1:])
            fields.append(flow.permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(fields)


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
