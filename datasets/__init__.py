"""Datasets and how they are found by name.

A real dataset lies in its folder below the data root; a miniature, ``NAME-mini``, is rendered on first use.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.names import choose
from datasets.base import DataError, Dataset, Split

__all__ = ["DataError", "Dataset", "Split", "find", "names", "prepare", "rendered_motion"]

MODULES = {
    "ucf24": "datasets.ucf24:Ucf24",
    "jhmdb": "datasets.jhmdb:Jhmdb",
    "daly": "datasets.daly:Daly",
    "ava-v2.2": "datasets.ava:AvaV22",
    "ava-v2.1": "datasets.ava:AvaV21",
    "ava-v1.0": "datasets.ava:AvaV10",
    "custom": "datasets.custom:Custom",
    "ucf24-mini": "datasets.mini:Ucf24Mini",
    "jhmdb-mini": "datasets.mini:JhmdbMini",
    "daly-mini": "datasets.mini:DalyMini",
    "ava-mini": "datasets.mini:AvaMini",
}
ALIASES = {
    "ucf101-24": "ucf24", "ucf101": "ucf24", "ucf-24": "ucf24", "jhmdb-21": "jhmdb", "jhmdb21": "jhmdb",
    "ava": "ava-v2.2", "ava2.2": "ava-v2.2", "ava2.1": "ava-v2.1", "ava1.0": "ava-v1.0",
    "ucf101-24-mini": "ucf24-mini", "jhmdb-21-mini": "jhmdb-mini",
    "ava-v2.2-mini": "ava-mini",
}  # fmt: skip


def names() -> list[str]:
    """All dataset names."""
    return list(MODULES)


def find(name: str) -> type[Dataset]:
    """The dataset class of that name. Raises ValueError that names near ones."""
    module, _, attribute = MODULES[choose(name, MODULES, "dataset", ALIASES)].partition(":")
    return getattr(importlib.import_module(module), attribute)


def prepare(name: str, data_root: Path | None, cache: Path, size: str = "small") -> Dataset:
    """The dataset, ready to be read: a miniature is rendered below ``cache`` when it is not there yet.

    Raises DataError when a real dataset is asked for without a data root, or its folder is not there.
    """
    from datasets.mini import Miniature

    kind = find(name)
    if issubclass(kind, Miniature):
        return kind.rendered(cache, size)
    return kind(_real_folder(kind, data_root))


def rendered_motion() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rendered training clips, uint8 [T, H, W, 3], and their true flow, float32 [T, H, W, 2].

    They are the same for every dataset: motion is known of nothing but what is rendered.
    """
    from datasets.mini.motion import training_clips

    return training_clips()


def _real_folder(kind: type[Dataset], data_root: Path | None) -> Path:
    instead = f". `--dataset {kind.miniature}` needs no data: it is rendered" if kind.miniature else ""
    if data_root is None:
        named = "its folder" if kind.folder == "." else f"the folder that holds {kind.folder}/"
        raise DataError(
            f"where is {kind.title}? Name {named} with --data-root or BENCH_DATA. "
            f"It wants: {kind.layout}{instead}"
        )
    folder = data_root / kind.folder
    if not folder.is_dir():
        raise DataError(f"no {kind.title} in {folder}. The folder wants: {kind.layout}{instead}")
    return folder
