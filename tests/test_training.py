"""The training loop: whatever kills it, it ends with the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.training import CHECKPOINT, CURVE, STATE, Compute, read_curve, train
from methods.base import TrainingStage


class Killed(Exception):
    """Stands for whatever stops a process."""


class Toy(TrainingStage):
    """Regression by a small network with dropout, so that random numbers matter; dies at step ``dies``."""

    name = "toy"

    def __init__(self, steps: int = 23, dies: int = -1, bad: int = -1) -> None:
        self.steps, self.dies, self.bad = steps, dies, bad
        self.seen: list[int] = []
        self.rates: list[float] = []

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1))

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        self.adam = torch.optim.AdamW(module.parameters(), lr=123.0)
        return self.adam

    def learning_rate(self, step: int) -> float:
        return 0.01 / (1 + step)

    def batch(self, step: int) -> Any:
        random = np.random.default_rng(step)
        x = torch.from_numpy(random.standard_normal((5, 6)).astype(np.float32))
        return {"x": x, "more": [x.sum(1)], "step": step}

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        self.seen.append(batch["step"])
        self.rates.append(self.adam.param_groups[0]["lr"])
        if batch["step"] == self.dies:
            raise Killed
        error = (module(batch["x"])[:, 0] - batch["more"][0]).square().mean()
        if batch["step"] == self.bad:
            error = error / 0
        return {"fit": error, "size": 0.01 * sum(p.square().sum() for p in module.parameters())}


def compute(save_every: int = 5) -> Compute:
    return Compute("cpu", threads=1, save_every=save_every)


def outcome(folder: Path) -> tuple[dict[str, Tensor], list[tuple[int, dict[str, float]]]]:
    return torch.load(folder / CHECKPOINT, weights_only=True), list(read_curve(folder / CURVE))


def assert_same(folder: Path, reference: Path) -> None:
    weights, curve = outcome(folder)
    wanted, wanted_curve = outcome(reference)
    assert weights.keys() == wanted.keys()
    assert all(torch.equal(weights[key], wanted[key]) for key in wanted)
    assert curve == wanted_curve


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an undisturbed training ended."""
    folder = tmp_path_factory.mktemp("whole")
    train(Toy(), folder, 7, compute())
    return folder


def test_a_training_does_all_steps_at_their_rates(tmp_path: Path, whole: Path) -> None:
    stage, told = Toy(), []
    facts = train(stage, tmp_path, 7, compute(), lambda *words: told.append(words))
    assert stage.seen == list(range(23))
    assert stage.rates == [0.01 / (1 + step) for step in range(23)]
    assert facts == {"steps": 23}
    assert [(done, total) for done, total, _ in told] == [(10, 23), (20, 23), (23, 23)]
    assert_same(tmp_path, whole)


def test_the_curve_has_the_mean_of_every_ten_steps(tmp_path: Path) -> None:
    train(Toy(), tmp_path, 7, compute())
    steps, rows = zip(*outcome(tmp_path)[1])
    assert steps == (10, 20, 23)
    assert all(set(row) == {"loss", "fit", "size"} for row in rows)
    assert all(row["loss"] == pytest.approx(row["fit"] + row["size"]) for row in rows)


def test_the_seed_matters(tmp_path: Path, whole: Path) -> None:
    train(Toy(), tmp_path, 8, compute())
    assert not torch.equal(outcome(tmp_path)[0]["0.weight"], outcome(whole)[0]["0.weight"])


@pytest.mark.parametrize("save_every", [1, 3, 10])
@pytest.mark.parametrize("dies", [0, 4, 11, 22])
def test_killed_at_any_step_and_continued_it_ends_bit_equal(
    tmp_path: Path, whole: Path, dies: int, save_every: int
) -> None:
    with pytest.raises(Killed):
        train(Toy(dies=dies), tmp_path, 7, compute(save_every))
    assert not (tmp_path / CHECKPOINT).exists()
    torch.rand(9)  # whatever random numbers another process has drawn
    again = Toy()
    train(again, tmp_path, 7, compute(save_every))
    assert again.seen == list(range(dies // save_every * save_every, 23))
    assert_same(tmp_path, whole)
    assert not (tmp_path / STATE).exists()


def test_killed_after_its_last_step_it_does_not_start_again(tmp_path: Path, whole: Path) -> None:
    """Weights and curve are written, but the run died before it said so."""
    train(Toy(), tmp_path, 7, compute())
    again = Toy()
    facts = train(again, tmp_path, 7, compute())
    assert again.seen == []
    assert facts["steps"] == 23
    assert_same(tmp_path, whole)


@pytest.mark.parametrize("moment", ["state.pt", "checkpoint.pt", "curve.csv"])
def test_a_real_kill_while_a_file_is_written(tmp_path: Path, whole: Path, moment: str) -> None:
    """SIGKILL between a file's temporary name and its own; then a run of another process to the end."""
    program = textwrap.dedent(f"""
        import importlib.util, os, signal, sys
        from pathlib import Path
        spec = importlib.util.spec_from_file_location("toy", {__file__!r})
        toy = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(toy)

        def kill(event, words):
            if event == "os.rename" and str(words[1]).endswith({moment!r}):
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        toy.train(toy.Toy(), Path({str(tmp_path)!r}), 7, toy.compute())
    """)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    again = Toy()
    train(again, tmp_path, 7, compute())
    assert again.seen[:1] == ([0] if moment == "state.pt" else [20])
    assert_same(tmp_path, whole)


def test_a_loss_that_is_no_number_is_refused_by_step(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the loss is inf at step 12 \(fit inf, size .*learning_rate"):
        train(Toy(bad=12), tmp_path, 7, compute())
    assert not (tmp_path / CHECKPOINT).exists()


def test_gradients_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """A finite loss can have them; weights full of NaN must not be saved."""

    class Steep(Toy):
        def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
            losses = super().losses(module, batch)
            weight = next(module.parameters())
            return losses | {"root": (weight - weight.detach()).abs().sqrt().sum()}

    with pytest.raises(ValueError, match=r"gradient.* step 0"):
        train(Steep(), tmp_path, 7, compute(1))
    assert not (tmp_path / STATE).exists()


def test_no_steps_leave_the_network_as_prepared(tmp_path: Path) -> None:
    stage = Toy(steps=0)
    train(stage, tmp_path, 7, compute())
    assert torch.equal(outcome(tmp_path)[0]["0.weight"], stage.prepare(tmp_path).state_dict()["0.weight"])
    assert outcome(tmp_path)[1] == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="cuda"):
        _ = Compute("cuda").torch_device


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Bit-equality is promised for one number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_stage_of_no_steps_keeps_what_prepare_made(tmp_path: Path) -> None:
    stage = Toy(steps=0)
    assert train(stage, tmp_path, 0, Compute("cpu")) == {"steps": 0}
    made = stage.prepare(tmp_path).state_dict()
    kept = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert all(torch.equal(made[name], kept[name]) for name in made)
    assert stage.seen == []
