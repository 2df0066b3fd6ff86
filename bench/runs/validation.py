"""Which training videos validation gets: whole source groups, so that no near copy of one is trained on."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from bench.records import GroundTruth

SHARE = 1 / 5
"""Of the source groups of every class."""


def held_out(truth: GroundTruth, share: float = SHARE) -> tuple[str, ...]:
    """The videos of about ``share`` of the source groups of every class, in the order of ``truth``.

    A pure function of the annotation's names, groups and classes. A group's class is that of most of its
    tubes, the first of equals, as in the bootstrap; groups without tubes are a class of their own. Which of
    a class's groups are taken is decided by the SHA-256 of their names: at least one, never all of them, and
    none of a class that has a single group, which would vanish from training.
    """
    taken: set[str] = set()
    for groups in _groups_by_class(truth):
        number = min(max(round(share * len(groups)), 1), len(groups) - 1)
        taken.update(sorted(groups, key=lambda name: sha256(name.encode()).digest())[:number])
    table = truth.videos
    return tuple(name for name, group in zip(table.names, table.group) if group in taken)


def _groups_by_class(truth: GroundTruth) -> list[list[str]]:
    names = sorted(set(truth.videos.group))
    number = {name: i for i, name in enumerate(names)}
    group_V = np.array([number[group] for group in truth.videos.group], np.int64)
    counts_GC = np.zeros((len(names), len(truth.classes)), np.int64)
    np.add.at(counts_GC, (group_V[truth.tubes.video], truth.tubes.label), 1)
    label_G = np.where(counts_GC.any(axis=1), counts_GC.argmax(axis=1), -1)
    return [[names[i] for i in np.flatnonzero(label_G == label)] for label in np.unique(label_G)]
