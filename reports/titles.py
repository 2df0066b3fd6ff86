"""Protocols in words, as headings."""

from __future__ import annotations

from reports.published import DATASETS

NAMES = DATASETS | {"ava": "AVA", "ava-v2.1": "AVA 2.1", "ava-v2.2": "AVA 2.2"}


def board_title(protocol: str) -> str:
    """``ucf24-mini@1.small/1/act@1`` -> ``UCF101-24 mini (small), split 1, evaluator act``."""
    dataset, split, evaluator = protocol.split("/", 2)
    return f"{place_title(dataset, split)}, evaluator {evaluator.partition('@')[0]}"


def place_title(dataset: str, split: str) -> str:
    """``jhmdb``, ``1`` -> ``J-HMDB-21, split 1``."""
    name, _, version = dataset.partition("@")
    real, mini = name.removesuffix("-mini"), name.endswith("-mini")
    words = NAMES.get(real, real) + f" mini ({version.rpartition('.')[2]})" * mini
    return f"{words}, {'mean of splits' if split == 'mean' else f'split {split}'}"
