"""The files of ACT's and MOC's folders of results, found by walking the folder and read as rows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.files.pickles import load_plain
from bench.interop.base import Places, Table
from bench.interop.pickled import numeric, read_tube, tube_table, whole
from bench.records import Array

TUBES = "_tubes.pkl"


@dataclass(frozen=True)
class ActFolder:
    """What lies where. tubelets: video -> 1-based start frame -> file; tubes: video -> file."""

    root: Path
    tubelets: dict[str, dict[int, Path]]
    tubes: dict[str, Path]

    @classmethod
    def of(cls, root: Path) -> ActFolder:
        """Raises ValueError if it holds neither tubelets nor tubes. Other files are passed over."""
        tubelets: dict[str, dict[int, Path]] = {}
        tubes = {}
        for folder, below, files in os.walk(root):
            below.sort()
            video = Path(folder).relative_to(root).as_posix()
            for file in sorted(files):
                path = Path(folder) / file
                if re.fullmatch(r"\d{1,9}\.pkl", file):
                    tubelets.setdefault(video, {})[int(path.stem)] = path
                elif file.endswith(TUBES):
                    tubes[path.relative_to(root).as_posix().removesuffix(TUBES)] = path
        if not tubelets and not tubes:
            raise ValueError(f"{root} holds neither CLASS/VIDEO/00001.pkl ... nor CLASS/VIDEO{TUBES}")
        return cls(root, {name: dict(sorted(files.items())) for name, files in tubelets.items()}, tubes)


@dataclass(frozen=True)
class Tubelets:
    """M tubelets of K boxes; start frames 1-based, labels 0-based. soft: of MOC's files, not of ACT's."""

    videos: tuple[str, ...]
    video_M: Array
    start_M: Array
    label_M: Array
    score_M: Array
    boxes_MK4: Array
    soft: bool
    places: Places

    @property
    def length(self) -> int:
        """Frames of a tubelet, K."""
        return self.boxes_MK4.shape[1]


def read_tubelets(folder: ActFolder) -> Tubelets:
    """All tubelets by video, start frame and row. Raises ValueError naming the file that holds no such."""
    starts = [(v, start, path) for v, of in enumerate(folder.tubelets.values()) for start, path in of.items()]
    read = [(v, start, path, *_read(path)) for v, start, path in starts]
    full = [entry for entry in read if len(entry[3])] or read[:1]
    for _, _, path, rows, soft in full:
        if (rows.shape[1], soft) != (full[0][3].shape[1], full[0][4]):
            raise ValueError(f"{path} has tubelets of another length or method than {full[0][2]}")
    count_F = [len(entry[3]) for entry in full]
    rows_M = np.concatenate([entry[3] for entry in full])
    rows_M = rows_M if len(rows_M) else np.zeros((0, 6))
    number_M = np.arange(len(rows_M)) - np.repeat(np.cumsum(count_F) - count_F, count_F)
    places = Places(
        [entry[2] for entry in full], np.repeat(np.arange(len(full)), count_F), number_M, "tubelet"
    )
    video_M, start_M = (np.repeat([entry[i] for entry in full], count_F) for i in (0, 1))
    boxes_MK4 = rows_M[:, 2:].reshape(len(rows_M), rows_M.shape[1] // 4, 4)
    return Tubelets(tuple(folder.tubelets), video_M, start_M, rows_M[:, 0], rows_M[:, 1], boxes_MK4,
                    full[0][4], places)  # fmt: skip


def _read(path: Path) -> tuple[Array, bool]:
    """Rows [label (0-based), score, K boxes] of a file, and whether it is MOC's."""
    content = load_plain(path)
    if isinstance(content, (tuple, list)) and len(content) == 2:
        rows = numeric(content[0], (), str(path))
        if len(rows) and (rows.shape[1] < 6 or rows.shape[1] % 4 != 2):
            raise ValueError(f"{path}: rows of {rows.shape[1]} numbers, not a label, a score and boxes")
        return rows, False
    if not isinstance(content, dict):
        raise ValueError(f"{path}: {type(content).__name__} instead of ACT's pair of arrays or MOC's dict")
    parts = [part for label, rows in content.items() if len(part := _of_label(path, label, rows))]
    if len({part.shape[1] for part in parts}) > 1:
        raise ValueError(f"{path}: tubelets of different lengths")
    return np.concatenate(parts) if parts else np.zeros((0, 0)), True


def _of_label(path: Path, label: Any, rows: Any) -> Array:
    """One entry of MOC's dict as rows [label (0-based), score, K boxes]."""
    if whole(label, f"{path}, a label") < 1:
        raise ValueError(f"{path}: label {label}; the labels of MOC's files start at 1")
    rows = numeric(rows, (), f"{path}, label {label}")
    if len(rows) and (rows.shape[1] < 5 or rows.shape[1] % 4 != 1):
        raise ValueError(f"{path}, label {label}: rows of {rows.shape[1]} numbers, not boxes and a score")
    return np.column_stack([np.full(len(rows), label - 1), rows[:, -1:], rows[:, :-1]])


def read_tubes(folder: ActFolder) -> Table:
    """All tubes by video, label and place in the list. Raises ValueError naming the file that has none."""
    found = []
    for video, path in folder.tubes.items():
        content = load_plain(path)
        if not isinstance(content, dict) or any(type(listed) is not list for listed in content.values()):
            raise ValueError(f"{path}: not a dict from label to a list of tubes")
        for label, listed in content.items():
            for number, pair in enumerate(listed):
                if type(pair) not in (list, tuple) or len(pair) != 2:
                    raise ValueError(
                        f"{path}, label {label!r:.40}: a tube is a pair of its rows and its score"
                    )
                found.append(read_tube((path, label, number), video, pair[1], pair[0]))
    return tube_table(found)
