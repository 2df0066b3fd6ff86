"""ACT's and MOC's pickles: ground truth, tubelets or boxes of every frame, and linked tubes.

Frames and start frames are 1-based, boxes 0-based pixels whose width is ``x2 - x1 + 1``, so nothing is added
to them (ACT.py, ``extract_tubelets``; MOC's ``normal_inference.py``). A folder of results holds, by video,

``Class/video/00001.pkl``    tubelets that begin in frame 1. ACT: a pair, of which the first counts: rows
                             [label (0-based), score, K times x1 y1 x2 y2]. MOC: label (1-based) -> rows
                             [K times x1 y1 x2 y2, score]
``Class/video_tubes.pkl``    label (0-based) -> list of (rows [frame, x1, y1, x2, y2, score], score)
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from bench.interop.act_files import ActFolder, Tubelets, read_tubelets, read_tubes
from bench.interop.act_frames import ACT_NMS, MOC_NMS, frame_detections
from bench.interop.base import Content, Format, Look, Role, Shift, Truth, source_group
from bench.interop.pickled import is_pickle


class Act(Format):
    """Folders of results, and ``*-GT.pkl``."""

    name = "act"
    title = "pickles of ACT or MOC"
    files: ClassVar[str] = "a folder of CLASS/VIDEO/00001.pkl ... and CLASS/VIDEO_tubes.pkl; truth: *-GT.pkl"
    shift = Shift(frames=-1)

    def recognises(self, look: Look, role: Role) -> bool:
        return is_pickle(look) if role == "truth" else look.holds("**/*.pkl")

    def truth(self, path: Path, split: str | None) -> Truth:
        return read_gt(path, split)

    def content(self, path: Path, truth: Truth) -> Content:
        folder = ActFolder.of(path)
        tubes = read_tubes(folder) if folder.tubes else None
        if not folder.tubelets:
            return Content(None, tubes, tuple(folder.tubes))
        tubelets = read_tubelets(folder)
        if truth.lengths_known:
            check_complete(folder, tubelets.length, truth)
        linked = f"no *_tubes.pkl in {path}: no tubes to score"
        notes = (_how(tubelets), *[linked] * (tubes is None))
        videos = (*folder.tubelets, *too_short(truth, tubelets.length))
        return Content(frame_detections(tubelets, len(truth.annotation.classes)), tubes, videos, notes)


def read_gt(path: Path, split: str | None) -> Truth:
    """The test videos of a split of a ``*-GT.pkl``, in its order. Frames become 0-based, boxes stay."""
    from datasets.act import read_act
    from datasets.annotation import ground_truth

    file = read_act(path, 0.0, source_group)
    split = split or "1"
    if not (split.isascii() and split.isdecimal() and int(split)):
        raise ValueError(f"--split {split}: {path} numbers its splits, 1 to {len(file.splits)}")
    names = file.split(int(split)).test
    lacking = [name for name in names if name not in file.videos]
    if lacking or not names:
        what = f"lacks the tubes of {lacking[0]}" if lacking else f"has no test videos in split {split}"
        raise ValueError(f"{path} {what}; get the file again")
    annotation = ground_truth(file.classes, {name: file.videos[name] for name in names}, path)
    others = frozenset(file.videos) - set(names)
    return Truth(annotation, split, others, numbered=True)


def check_complete(folder: ActFolder, length: int, truth: Truth) -> None:
    """Raise ValueError for a start frame that has no file. Boxes of single frames may lack frames."""
    table = truth.annotation.videos
    for name, frames in zip(table.names, table.frames):
        wanted = range(1, int(frames) - length + 2)
        gaps = sorted(set(wanted).difference(folder.tubelets.get(name, wanted)))
        if gaps and length > 1:
            raise ValueError(
                f"{folder.root}: {name} has no {gaps[0]:05}.pkl; {len(gaps)} of its {len(wanted)} files are "
                "missing, complete the extraction"
            )


def too_short(truth: Truth, length: int) -> list[str]:
    """Videos of so few frames that no tubelet begins in them."""
    table = truth.annotation.videos
    return [
        name for name, frames in zip(table.names, table.frames) if truth.lengths_known and frames < length
    ]


def _how(tubelets: Tubelets) -> str:
    if tubelets.length == 1:
        return "boxes of single frames, taken as they are"
    how = f"scores reduced above IoU {MOC_NMS}, as MOC" if tubelets.soft else f"NMS at IoU {ACT_NMS}, as ACT"
    return f"frame detections are the boxes of tubelets of {tubelets.length} frames: {how} makes them"
