"""The one training loop: steps of a :class:`methods.base.TrainingStage`, saved and continued.

Every N steps the whole state is saved (weights, optimiser, curve). Batches and random numbers are functions
of seed and step, so nothing else is needed to go on: on a CPU with the same number of threads a continued
run ends bit-equal to one that was never stopped.
"""

from __future__ import annotations

import csv
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities import move_data_to_device

from bench.store import write_atomic
from methods.base import TrainingStage

CHECKPOINT, STATE, CURVE = "checkpoint.pt", "state.pt", "curve.csv"
GRADIENT_NORM = 10.0
"""Gradients are scaled down to this norm, against the rare exploding step."""


@dataclass(frozen=True)
class Compute:
    """Where training and prediction run: ``cpu``, ``cuda`` or ``auto``, and ``32-true`` or ``bf16-mixed``.

    threads: of a network on a CPU; 0: all cores. save_every: steps between saved states.
    """

    device: str = "auto"
    precision: str = "32-true"
    threads: int = 0
    save_every: int = 100

    def __post_init__(self) -> None:
        torch.set_num_threads(self.threads or len(os.sched_getaffinity(0)))

    def fabric(self) -> Fabric:
        """Lightning Fabric on one device."""
        return Fabric(accelerator=self.device, devices=1, precision=self.precision)  # type: ignore[arg-type]

    @property
    def torch_device(self) -> str:
        """``cpu`` or ``cuda``, with ``auto`` resolved."""
        if self.device != "auto":
            return self.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    @property
    def workers(self) -> int:
        """Videos predicted side by side: as many as the cores hold networks of ``threads`` threads."""
        if self.torch_device != "cpu" or not self.threads:
            return 1
        return max(1, len(os.sched_getaffinity(0)) // self.threads)


Progress = Callable[[int, int, float], None]
"""Called with (steps done, steps in all, loss)."""


def train(
    stage: TrainingStage, folder: Path, seed: int, compute: Compute, progress: Progress | None = None
) -> dict[str, Any]:
    """Train a stage to its end in ``folder`` and write ``checkpoint.pt`` and ``curve.csv`` there.

    Goes on from ``state.pt`` where there is one. Returns facts: steps, seconds of this call, parameters.
    Raises ValueError when the loss stops being a number.
    """
    began = time.monotonic()
    fabric = compute.fabric()
    module = stage.prepare(folder)
    optimiser = stage.optimiser(module)
    first, curve = _restore(folder / STATE, module, optimiser)
    wrapped, optimiser = fabric.setup(module, optimiser)
    sums: dict[str, float] = {}
    for step, batch in _prefetched(stage, first):
        _seed(seed, step)
        for group in optimiser.param_groups:
            group["lr"] = stage.learning_rate(step)
        losses = stage.losses(wrapped, move_data_to_device(batch, fabric.device))
        total = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        fabric.backward(total)
        fabric.clip_gradients(wrapped, optimiser, max_norm=GRADIENT_NORM, error_if_nonfinite=False)
        optimiser.step()
        _add(sums, losses, float(total.detach()), step)
        done = step + 1
        if done % 10 == 0 or done == stage.steps:
            curve.append({"step": done, **{k: v / ((done - 1) % 10 + 1) for k, v in sums.items()}})
            sums = {}
            if progress:
                progress(done, stage.steps, curve[-1]["loss"])
        if done % compute.save_every == 0 and done < stage.steps:
            _save(folder / STATE, module, optimiser, done, curve)
    _finish(folder, module, curve)
    count = sum(p.numel() for p in module.parameters())
    return {"steps": stage.steps, "seconds": round(time.monotonic() - began, 3), "parameters": count}


def _add(sums: dict[str, float], losses: dict[str, torch.Tensor], total: float, step: int) -> None:
    if not math.isfinite(total):
        parts = ", ".join(f"{name} {float(term.detach()):.3g}" for name, term in losses.items())
        raise ValueError(f"the loss is {total} at step {step} ({parts}); lower training.learning_rate")
    for name, term in losses.items():
        sums[name] = sums.get(name, 0.0) + float(term.detach())
    sums["loss"] = sums.get("loss", 0.0) + total


def _prefetched(stage: TrainingStage, first: int) -> Iterator[tuple[int, Any]]:
    """(step, batch) from ``first`` on; the next batch is made while the caller works on this one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(stage.batch, first)
        for step in range(first, stage.steps):
            batch = coming.result()
            if step + 1 < stage.steps:
                coming = pool.submit(stage.batch, step + 1)
            yield step, batch


def _seed(seed: int, step: int) -> None:
    torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1))


def _save(
    path: Path, module: torch.nn.Module, optimiser: Any, step: int, curve: list[dict[str, float]]
) -> None:
    state = {"module": module.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "curve": curve}
    write_atomic(path, lambda temporary: torch.save(state, temporary))


def _restore(
    path: Path, module: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, list[dict[str, float]]]:
    """(first step to do, curve so far)."""
    if not path.is_file():
        return 0, []
    state = torch.load(path, map_location="cpu", weights_only=True)
    module.load_state_dict(state["module"])
    optimiser.load_state_dict(state["optimiser"])
    return state["step"], state["curve"]


def _finish(folder: Path, module: torch.nn.Module, curve: list[dict[str, float]]) -> None:
    """Write weights and curve, then drop the state that is needed no more."""

    def write_curve(path: Path) -> None:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(curve[0]) if curve else ["step"])
            writer.writeheader()
            writer.writerows(curve)

    weights = {key: value.cpu() for key, value in module.state_dict().items()}
    write_atomic(folder / CHECKPOINT, lambda temporary: torch.save(weights, temporary))
    write_atomic(folder / CURVE, write_curve)
    (folder / STATE).unlink(missing_ok=True)


def read_curve(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """(step, loss terms) of every row of a stored curve."""
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield int(row.pop("step")), {name: float(value) for name, value in row.items()}
