"""The method of a finished run, with its weights: for videos that are of no dataset."""

from __future__ import annotations

from pathlib import Path

import datasets
import methods.base
from bench.files.store import digest_file
from bench.names import choose
from bench.results.result import Result
from bench.runs import settings
from bench.runs.begun import check_config, read_today
from bench.runs.reopen import Finished
from methods.base import Info, Method


def checkpoints(run: Finished) -> dict[str, Path]:
    """Training stage -> checkpoint, each with the digest that the result says.

    Raises ValueError where one is gone or is another one.
    """
    from bench.training import CHECKPOINT

    found = {}
    for stage, expected in run.result.identity.checkpoint_digests.items():
        path = run.store.folder("train", run.result.inputs[stage]) / CHECKPOINT
        if not path.is_file():
            raise ValueError(f"{run.folder}: the checkpoint of stage {stage} is gone ({path}); run it again")
        if digest_file(path) != expected:
            raise ValueError(f"{path} is not the checkpoint that {run.folder} was made with; run it again")
        found[stage] = path
    return found


def classes_of(result: Result) -> tuple[str, ...]:
    """The classes that a result is of, in label order."""
    return tuple(next(iter(result.per_class.values())))


def method_of(run: Finished) -> Method:
    """The method as it was configured, without its weights; neither the dataset nor its videos are opened.

    Raises ValueError where this version makes another configuration of what was asked for then.
    """
    identity = run.result.identity
    kind = methods.base.find(identity.method)
    name = run.result.dataset.partition("@")[0]
    dataset = datasets.find("custom" if name.startswith("custom-") else name)
    variant, said = settings.of_label(identity.variant)
    size, _, row = variant.partition("+")
    rows = kind.configs(dataset.name, size)
    with read_today(run.folder):
        default = rows[choose(row, rows, f"variant of {kind.name}")]
        config = settings.apply(default, settings.restored(default, said, identity.config))
    check_config(run.folder, run.result, config)
    return kind(config, Info(classes_of(run.result), dataset.multi_label, dataset.trimmed))
