"""What a user asks for, and what the words of it mean: datasets with sizes, variants, protocols."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import datasets
from bench.names import choose, plain
from bench.protocol import Protocol
from datasets import Dataset
from methods.base import SIZES

TRIMMINGS: dict[str, Literal["trimmed", "gt-trimmed"]] = {"trimmed": "trimmed", "gt-trimmed": "gt-trimmed"}
FITS = ("train", "train-minus-val")
"""What may be trained on: all training videos, or all but those that validation gets."""


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


def protocol_named(dataset: Dataset, split: str, name: str) -> Protocol:
    """The protocol that ``evaluator[+trimming]`` means there. Raises ValueError naming what there is."""
    evaluator, plus, trimming = name.partition("+")
    if not plus:
        return dataset.protocol(split, evaluator)
    return dataset.protocol(split, evaluator, TRIMMINGS[choose(trimming, TRIMMINGS, "trimming")])


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
    if plus:
        return choose(first, SIZES, "size"), row
    if text in SIZES:
        return text, "default"
    return usual, text or "default"
