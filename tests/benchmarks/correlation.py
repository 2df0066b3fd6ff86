"""Time of ways to correlate two feature maps on a CPU, and of the convolutions around them.

    python tests/benchmarks/correlation.py

Prints milliseconds of CPU (median of five, one thread) of the forward and of the backward pass at the sizes
of FlowNetC and of PWC-Net's finest level, frames of 320x320. `product` is what the suite uses.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from methods.nn.flow.flownet import FlowNetC
from methods.nn.flow.matching import correlation

Way = Callable[[Tensor, Tensor, int, int], Tensor]


def by_shifted_products(a_NCHW: Tensor, b_NCHW: Tensor, reach: int, stride: int) -> Tensor:
    """A product of the maps and its sum over channels for every displacement."""
    height, width = a_NCHW.shape[2:]
    padded = F.pad(b_NCHW, [reach] * 4)
    steps = range(0, 2 * reach + 1, stride)
    shifted = (padded[:, :, y : y + height, x : x + width] for y in steps for x in steps)
    return torch.stack([(a_NCHW * other).mean(1) for other in shifted], dim=1)


def by_all_pairs(a_NCHW: Tensor, b_NCHW: Tensor, reach: int, stride: int) -> Tensor:
    """Every place with every other by one matrix product; those that are asked for are picked out."""
    batch, channels, height, width = a_NCHW.shape
    table = torch.bmm(a_NCHW.flatten(2).transpose(1, 2), b_NCHW.flatten(2)) / channels
    padded = F.pad(table.view(batch, height, width, height, width), [reach] * 4)
    s = padded.stride()
    side = 2 * (reach // stride) + 1
    picked = padded.as_strided(
        (batch, side, side, height, width),
        (s[0], stride * s[3], stride * s[4], s[1] + s[3], s[2] + s[4]),
    )
    return picked.reshape(batch, side * side, height, width)


def by_unfolding(a_NCHW: Tensor, b_NCHW: Tensor, reach: int, stride: int) -> Tensor:
    """The windows of the second map laid out in memory, then one sum."""
    batch, channels, height, width = a_NCHW.shape
    padded = F.pad(b_NCHW, [reach] * 4)
    windows = padded.unfold(2, height, stride).unfold(3, width, stride)
    found = torch.einsum("nchw,ncyxhw->nyxhw", a_NCHW, windows) / channels
    return found.reshape(batch, -1, height, width)


WAYS: dict[str, Way] = {
    "product": correlation,
    "shifted products": by_shifted_products,
    "all pairs": by_all_pairs,
    "unfolding": by_unfolding,
}
SIZES = {
    "FlowNetC, 256x40x40, 20 by 2": ((1, 256, 40, 40), 20, 2),
    "PWC-Net, 32x80x80, 4 by 1": ((1, 32, 80, 80), 4, 1),
}


def milliseconds(work: Callable[[], object], times: int = 5) -> float:
    """Median CPU time of a call, after one that is not timed."""
    work()
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(1000 * (time.process_time() - began))
    return statistics.median(found)


def measured(way: Way, shape: tuple[int, ...], reach: int, stride: int) -> tuple[float, float]:
    """(forward, forward and backward)."""
    torch.manual_seed(0)
    a, b = torch.randn(shape, requires_grad=True), torch.randn(shape, requires_grad=True)

    def both() -> None:
        way(a, b, reach, stride).square().sum().backward()

    with torch.no_grad():
        forward = milliseconds(lambda: way(a, b, reach, stride))
    return forward, milliseconds(both)


def main() -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    for title, size in SIZES.items():
        print(f"\n{title}\n| way | forward, ms | with backward, ms |\n|---|---|---|")
        for name, way in WAYS.items():
            print("| {} | {:.1f} | {:.1f} |".format(name, *measured(way, *size)), flush=True)
    network = FlowNetC().eval()
    frames = torch.rand(2, 1, 3, 320, 320) * 255
    with torch.no_grad():
        whole = milliseconds(lambda: network(*frames), 3)
    print(f"\nFlowNetC at 320x320, all of it: {whole:.0f} ms")


if __name__ == "__main__":
    main()
