"""The one training loop: steps of a :class:`methods.base.TrainingStage`, saved and continued.

Every N steps the whole state is saved (weights, optimiser, curve). Batches and random numbers are functions
of seed and step, so nothing else is needed to go on: on a CPU with the same number of threads a continued
run ends bit-equal to one that was never stopped.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities import move_data_to_device

from bench.files.curves import read_curve
from bench.files.store import write_atomic
from bench.machine import cores, cpu_name
from methods.base import TrainingStage

CHECKPOINT, STATE, CURVE = "checkpoint.pt", "state.pt", "curve.csv"
GRADIENT_NORM = 10.0
"""Gradients are scaled down to this norm, against the rare exploding step."""


CURVE_STEPS = 10
"""Steps that one row of the curve averages."""


@dataclass(frozen=True)
class Compute:
    """Where training and prediction run: ``cpu``, ``cuda`` or ``auto``, and ``32-true`` or ``bf16-mixed``.

    threads: of a network on a CPU; 0: all cores. save_every: steps between saved states.
    """

    device: str = "auto"
    precision: str = "32-true"
    threads: int = 0
    save_every: int = 100

    def fabric(self) -> Fabric:
        """Lightning Fabric on one device."""
        return Fabric(accelerator=self.torch_device, devices=1, precision=self.precision)  # type: ignore[arg-type]

    @property
    def torch_device(self) -> str:
        """``cpu`` or ``cuda``, with ``auto`` resolved. Raises ValueError for a GPU that is not there."""
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("--device cuda: PyTorch finds no CUDA device; use --device cpu or auto")
        if self.device != "auto":
            return self.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    @property
    def hardware(self) -> str:
        """The GPU's name, or the CPU's and its cores."""
        if self.torch_device == "cuda":
            return torch.cuda.get_device_name()
        return f"{cpu_name()}, {cores()} cores"

    @property
    def workers(self) -> int:
        """Videos predicted side by side: as many as the cores hold networks of ``threads`` threads."""
        if self.torch_device != "cpu" or not self.threads:
            return 1
        return max(1, cores() // self.threads)

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        if self.torch_device == "cuda":
            torch.cuda.synchronize()

    def set_threads(self) -> None:
        """Make this process's networks use ``threads`` threads."""
        torch.set_num_threads(self.threads or cores())


Progress = Callable[[int, int, float], None]
"""Called with (steps done, steps in all, loss)."""


def train(
    stage: TrainingStage, folder: Path, seed: int, compute: Compute, progress: Progress | None = None
) -> dict[str, Any]:
    """Train a stage to its end in ``folder`` and write ``checkpoint.pt`` and ``curve.csv`` there.

    The curve grows while it trains, for whoever follows it; the checkpoint is written last. Goes on from
    ``state.pt`` where there is one; returns at once where both files are there. Returns the number of steps.
    Raises ValueError when loss or gradient stop being numbers.
    """
    if (folder / CHECKPOINT).is_file() and (folder / CURVE).is_file():
        return _facts(folder)
    compute.set_threads()
    loop = _Loop(stage, stage.prepare(folder), compute.fabric())
    loop.restore(folder / STATE)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / CURVE).open("w", newline="") as growing:
        _write_rows(growing, loop.curve)
        for step, batch in _prefetched(stage, loop.step):
            _seed(seed, step)
            loop.advance(batch)
            if loop.step % CURVE_STEPS == 0 or loop.step == stage.steps:
                _write_rows(growing, loop.curve[-1:])
                if progress:
                    progress(loop.step, stage.steps, loop.curve[-1]["loss"])
            if loop.step % compute.save_every == 0 and loop.step < stage.steps:
                loop.save(folder / STATE)
    _finish(folder, loop)
    return _facts(folder)


class _Loop:
    """A module in training: one step at a time, and the state that a later process continues from."""

    def __init__(self, stage: TrainingStage, module: torch.nn.Module, fabric: Fabric) -> None:
        self.stage, self.module, self.fabric = stage, module, fabric
        self.optimiser = stage.optimiser(module)
        self.wrapped, self.stepper = fabric.setup(module, self.optimiser)
        self.step = 0
        self.curve: list[dict[str, float]] = []
        self.sums: dict[str, float] = {}

    def advance(self, batch: Any) -> None:
        """One optimiser step."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.stage.learning_rate(self.step) * group.get("lr_scale", 1.0)
        losses = self.stage.losses(self.wrapped, move_data_to_device(batch, self.fabric.device))
        total = torch.stack(list(losses.values())).sum()
        self._note(losses, float(total.detach()))
        self.stepper.zero_grad()
        self.fabric.backward(total)
        norm = self.fabric.clip_gradients(
            self.wrapped, self.stepper, max_norm=GRADIENT_NORM, error_if_nonfinite=False
        )
        if norm is not None and not bool(torch.isfinite(norm)):
            raise ValueError(
                f"the gradient is not a number at step {self.step}; lower training.learning_rate"
            )
        self.stepper.step()
        self.step += 1
        self._close_row()

    def _note(self, losses: dict[str, torch.Tensor], total: float) -> None:
        terms = {name: float(term.detach()) for name, term in losses.items()}
        if not math.isfinite(total):
            parts = ", ".join(f"{name} {value:.3g}" for name, value in terms.items())
            raise ValueError(
                f"the loss is {total} at step {self.step} ({parts}); lower training.learning_rate"
            )
        for name, value in {"loss": total, **terms}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def _close_row(self) -> None:
        if self.step % CURVE_STEPS == 0 or self.step == self.stage.steps:
            steps = (self.step - 1) % CURVE_STEPS + 1
            self.curve.append({"step": self.step, **{name: v / steps for name, v in self.sums.items()}})
            self.sums = {}

    def save(self, path: Path) -> None:
        """The whole state, in one file."""
        state = {
            "module": self.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "curve": self.curve,
            "sums": self.sums,
        }
        _write(path, state)

    def restore(self, path: Path) -> None:
        """Go on from a saved state, if there is one."""
        if not path.is_file():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.module.load_state_dict(state["module"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.curve, self.sums = state["step"], state["curve"], state["sums"]


def _prefetched(stage: TrainingStage, first: int) -> Iterator[tuple[int, Any]]:
    """(step, batch) from ``first`` on; the next batch is made while the caller works on this one."""
    if first >= stage.steps:
        return
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(stage.batch, first)
        for step in range(first, stage.steps):
            batch = coming.result()
            if step + 1 < stage.steps:
                coming = pool.submit(stage.batch, step + 1)
            yield step, batch


def _seed(seed: int, step: int) -> None:
    torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1))


def _write(path: Path, content: dict[str, Any]) -> None:
    """``torch.save`` through an open file: given a name, it would store the temporary name."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            torch.save(content, file)

    write_atomic(path, write)


def _finish(folder: Path, loop: _Loop) -> None:
    """Write curve and weights, then drop the state that is needed no more."""

    def write_curve(path: Path) -> None:
        with path.open("w", newline="") as file:
            _write_rows(file, loop.curve)

    weights = {key: value.cpu() for key, value in loop.module.state_dict().items()}
    write_atomic(folder / CURVE, write_curve)
    _write(folder / CHECKPOINT, weights)
    (folder / STATE).unlink(missing_ok=True)


def _write_rows(file: TextIO, rows: list[dict[str, float]]) -> None:
    """Rows of a curve, with a header before the first, so that they can be read at once."""
    if not rows:
        return
    writer = csv.DictWriter(file, fieldnames=list(rows[0]))
    if not file.tell():
        writer.writeheader()
    writer.writerows(rows)
    file.flush()


def _facts(folder: Path) -> dict[str, Any]:
    return {"steps": max((step for step, _ in read_curve(folder / CURVE)), default=0)}
