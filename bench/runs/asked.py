"""What a user asks for, and what the words of it mean: datasets with sizes, variants, protocols."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import methods.base
from bench.names import choose, guess, listed, plain
from bench.protocol import Protocol, named
from datasets import Dataset
from methods.base import SIZES, Method

FITS = ("train", "train-minus-val")
"""What may be trained on: all training videos, or all but those that validation gets."""

OPTIONS = {
    name: f"--{name.replace('_', '-')}"
    for name in ("method", "dataset", "variant", "split", "seed", "fit", "protocol", "device", "precision",
                 "data_root", "runs_dir", "feature_budget")
}  # fmt: skip
"""Field of a request -> option of `bench run` that takes one value."""


@dataclass(frozen=True)
class Request:
    """What a user asks for, in words.

    split: empty is the dataset's first; fit: one of :data:`FITS`; protocol: a further
    ``evaluator[+trimming]`` by which it is scored, or ``all``, which is shown and not kept; feature_budget:
    gigabytes that one large extraction may keep, above it it is computed whenever it is asked.
    """

    method: str
    dataset: str
    split: str = ""
    variant: str = ""
    seed: int = 0
    device: str = "auto"
    precision: str = "32-true"
    data_root: Path | None = None
    runs_dir: Path = Path("runs")
    overrides: tuple[str, ...] = ()
    partial: bool = False
    fit: str = FITS[0]
    protocol: str = ""
    feature_budget: float = 50.0

    @property
    def command(self) -> str:
        """The ``bench run`` that asks for it; what has its default is left out."""
        usual = Request(self.method, self.dataset)
        words = ["bench", "run"]
        for name, option in OPTIONS.items():
            value = getattr(self, name)
            if name in ("method", "dataset") or value != getattr(usual, name):
                words += [option, str(value)]
        words += [word for setting in self.overrides for word in ("--set", setting)]
        return shlex.join([*words, *["--partial"] * self.partial])


def protocol_named(dataset: Dataset, split: str, name: str) -> Protocol:
    """The protocol that ``evaluator[+trimming]`` means there. Raises ValueError naming what there is."""
    evaluator, trimming = named(name)
    return dataset.protocol(split, evaluator.name, trimming)


def dataset_named(name: str) -> tuple[str, str]:
    """(dataset, size) of ``ucf24-mini``, ``ucf24-mini.micro``, ``ucf24-mini@1.micro`` or ``ava-v2.1``."""
    from datasets.mini import Miniature

    if plain(name) in map(plain, (*datasets.names(), *datasets.ALIASES)):  # ava-v2.2 has a dot of its own
        kind = datasets.find(name)
        return kind.name, "small" if issubclass(kind, Miniature) else ""
    title, at, rest = name.partition("@")
    version, _, size = rest.partition(".") if at else ("", "", "")
    if not at:
        title, _, size = name.partition(".")
    kind = datasets.find(title)
    if not issubclass(kind, Miniature):
        if at or size:
            raise ValueError(f"--dataset {name}: {kind.title} has no versions or sizes; miniatures have")
        return kind.name, ""
    if at and version != str(kind.version):
        raise ValueError(f"--dataset {name}: this is version {kind.version} of {kind.name}, not {version}")
    return kind.name, size or "small"


def variant_named(text: str, dataset: str) -> tuple[str, str]:
    """(size, row) of ``[size+]row``; a size alone means its default row, nothing the dataset's usual size."""
    usual = "tiny" if dataset.endswith("-mini") else "full"
    first, plus, row = text.partition("+")
    if plus or plain(text) in SIZES:
        return choose(first, SIZES, "size"), row or "default"
    return usual, text or "default"


def row_of(request: Request) -> tuple[type[Method], str, Any]:
    """The method that is asked for, ``size+row`` and the config of that row, without overrides.

    Raises ValueError for unknown names.
    """
    kind = methods.base.find(request.method)
    name, _ = dataset_named(request.dataset)
    size, row = variant_named(request.variant, name)
    known = kind.configs(name, size)
    try:
        row = choose(row, known, "row")
    except ValueError:
        sizes = () if "+" in request.variant else SIZES
        there = f"{guess(row, (*known, *sizes))} there are".strip()
        raise ValueError(
            f"unknown variant of {kind.name} {row!r}; {there} sizes {' and '.join(SIZES)}, and rows "
            f"{listed(known)}; write --variant [size+]row"
        ) from None
    return kind, f"{size}+{row}", known[row]
