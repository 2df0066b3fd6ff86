"""Forward time of a full-size network on this CPU, as it is and in the usual ways to make it faster.

    python tests/benchmarks/forward.py yowo|menet [--batch 1] [--rounds 5] [--threads 0]

``eager``: float32 as trained. ``channels-last``: weights and inputs in that layout. ``bfloat16``: weights and
inputs rounded to it, ``bfloat16-last``: in that layout too. ``compiled``: ``torch.compile`` of the first,
whose first call is left out (``--no-compile`` leaves the row out). The ways take turns, round by round; every
figure is the median of its rounds after one call that does not count. Random weights: time depends on shapes
alone. Clips of 16 frames at 224x224, 24 classes, up to the head's map.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

import click
import torch
from torch import Tensor, nn

from bench.machine import cores, cpu_name
from methods.base import Info, find
from methods.yowo.network import YowoNetwork

Inputs = Mapping[str, Tensor]
CLASSES = tuple(f"class {number}" for number in range(24))


def network_of(method: str) -> YowoNetwork:
    """The network of a method's default variant on UCF101-24, with random weights."""
    kind = find(method)
    made = kind(kind.configs("ucf24", "full")["default"], Info(CLASSES))
    network: YowoNetwork = made.network()  # type: ignore[attr-defined]  # MENet builds on it
    return network.eval()


def inputs_of(batch: int) -> dict[str, Tensor]:
    """Everything that the networks look at; one that does not know an input leaves it."""
    shapes = {"clip": (3, 16, 224, 224), "key": (3, 224, 224), "recent": (4, 3, 224, 224)}
    return {name: torch.rand(batch, *shape) for name, shape in shapes.items()}


def channels_last(network: YowoNetwork, inputs: Inputs) -> tuple[YowoNetwork, Inputs]:
    """Both in the layout whose last axis are the channels, pictures and clips."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)
        elif isinstance(module, nn.Conv3d):
            module.to(memory_format=torch.channels_last_3d)
    clip = inputs["clip"].contiguous(memory_format=torch.channels_last_3d)
    key = inputs["key"].contiguous(memory_format=torch.channels_last)
    return network, {**inputs, "clip": clip, "key": key}


def bfloat16(network: YowoNetwork, inputs: Inputs) -> tuple[YowoNetwork, Inputs]:
    """Both rounded."""
    rounded = copy.deepcopy(network).to(torch.bfloat16)
    return rounded, {name: value.bfloat16() for name, value in inputs.items()}


def ways(network: YowoNetwork, inputs: Inputs, compiled: bool) -> dict[str, Callable[[], Tensor]]:
    """Name -> a call of the network that way."""
    sides = {
        "eager": (network, inputs),
        "channels-last": channels_last(network, inputs),
        "bfloat16": bfloat16(network, inputs),
        "bfloat16-last": channels_last(*bfloat16(network, inputs)),
    }
    calls: dict[str, Callable[[], Tensor]] = {}
    for name, (side, seen) in sides.items():
        calls[name] = partial(side.head_map, seen)
    if compiled:
        calls["compiled"] = partial(torch.compile(network.head_map), inputs)
    return calls


@torch.no_grad()
def measure(calls: Mapping[str, Callable[[], Tensor]], rounds: int) -> dict[str, tuple[float, float]]:
    """Name -> median wall and CPU milliseconds of a call."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            passed = time.perf_counter() - wall, time.process_time() - cpu
            if number:
                found[name].append(passed)
    return {
        name: (1000 * statistics.median(w for w, _ in times), 1000 * statistics.median(c for _, c in times))
        for name, times in found.items()
    }


@click.command()
@click.argument("method", type=click.Choice(["yowo", "menet"]))
@click.option("--batch", default=1, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--threads", default=0, show_default=True, help="0: all cores.")
@click.option("--compile/--no-compile", "compiled", default=True)
def main(method: str, batch: int, rounds: int, threads: int, compiled: bool) -> None:
    """Print milliseconds a call of every way, and its share of the first's."""
    torch.manual_seed(0)
    torch.set_num_threads(threads or cores())
    network = network_of(method)
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{method}, {parameters:,} parameters, batch {batch}; {cpu_name()}, "
          f"{torch.get_num_threads()} threads, torch {torch.__version__}")  # fmt: skip
    found = measure(ways(network, inputs_of(batch), compiled), rounds)
    for name, (wall, cpu) in found.items():
        print(f"{name:14s} {wall:8.0f} ms, {cpu:8.0f} ms of CPU, {wall / found['eager'][0]:.2f} x eager")


if __name__ == "__main__":
    main()
