"""UCF101-24: 3,194 untrimmed videos of 24 sports, people annotated while they act.

Annotation, the first that is there: ``pyannot.pkl`` or ``finalAnnots.mat`` (:mod:`datasets.ucf24_sources`),
or ``UCF101v2-GT.pkl`` (:mod:`datasets.act`), whose boxes are taken as they stand. 13 of the listed videos
have no annotation and are left out, as everybody leaves them out: split 1 tests 910 videos.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench.names import choose
from bench.records import GroundTruth
from datasets.act import ActFile, read_act
from datasets.annotation import Annotated, ground_truth
from datasets.base import DataError, Dataset, Quirk, Split
from datasets.files import check_name, read_lines
from datasets.ucf24_sources import FPS, Source, read_final_annots, read_pyannot, source_group


class Ucf24(Dataset):
    """UCF101-24 in its usual layout.

    Boxes are ``x-1, y-1, x-1+w, y-1+h`` at 320x240, whatever size the files decode to; a source group is
    ``Class/gXX``: clips of one class cut from one recording.
    """

    name = "ucf24"
    title = "UCF101-24"
    folder = "ucf24"
    miniature = "ucf24-mini"
    layout = (
        "splitfiles/pyannot.pkl (or finalAnnots.mat, or UCF101v2-GT.pkl), "
        "splitfiles/{train,test}list0{1,2,3}.txt, "
        "videos/<Class>/v_<Class>_gXX_cYY.{avi,mp4} or rgb-images/<Class>/v_<Class>_gXX_cYY/*.jpg"
    )
    video_folders = ("videos", "UCF-101", "rgb-images")
    splits: ClassVar[tuple[str, ...]] = ("1", "2", "3")
    trimmed = False

    @cached_property
    def source(self) -> Source | ActFile:
        """The annotation file that is used."""
        for file, read in (("pyannot.pkl", read_pyannot), ("finalAnnots.mat", read_final_annots)):
            path = self.root / "splitfiles" / file
            if path.is_file():
                return read(path)
        for path in (self.root / "UCF101v2-GT.pkl", self.root / "splitfiles" / "UCF101v2-GT.pkl"):
            if path.is_file():
                return read_act(path, FPS, source_group)
        raise self.missing(f"{self.root / 'splitfiles' / 'pyannot.pkl'}")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class folders in the order of the annotation's labels (alphabetical in UCF101-24)."""
        return self.source.classes if isinstance(self.source, ActFile) else self.source.classes()

    def split(self, name: str) -> Split:
        """The annotated videos of split 1, 2 or 3 in the order of the official lists."""
        number = choose(name, self.splits, f"split of {self.title}")
        lists = [self.root / "splitfiles" / f"{part}list0{number}.txt" for part in ("train", "test")]
        where = f"{lists[0]} and {lists[1].name}"
        if isinstance(self.source, ActFile) and not any(path.is_file() for path in lists):
            found, where = self.source.split(int(number)), str(self.source.path)
        else:
            found = Split.of(self._listed(lists[0]), self._listed(lists[1]), where)
        train, test = (
            tuple(v for v in part if v in self.source.videos) for part in (found.train, found.test)
        )
        if not train or not test:
            raise DataError(f"{where}: split {number} lists no annotated video for training or for test")
        return Split(train, test)

    def _listed(self, path: Path) -> list[str]:
        """Videos of a list with lines ``Class/v_name.avi [label]``."""
        if not path.is_file():
            raise self.missing(str(path))
        entries = ((number, text.split()[0].removesuffix(".avi")) for number, text in read_lines(path))
        return [check_name(name, f"{path}, line {number}") for number, name in entries]

    def ground_truth(self) -> GroundTruth:
        """All annotated videos, in the order of their names."""
        return self._ground_truth

    @cached_property
    def _ground_truth(self) -> GroundTruth:
        return ground_truth(self.classes, self.source.videos, self.source.path)

    def published_counts(self) -> dict[str, int]:
        """Of ``pyannot.pkl`` and ``finalAnnots.mat`` with the official lists; other annotation has others."""
        if not isinstance(self.source, Source):
            return {}
        found = {
            "classes": 24, "videos": 3194, "tubes": 4458, "boxes": 573_862, "most tubes in a video": 10,
            "shortest tube, frames": 4, "longest tube, frames": 880, "untrimmed videos": 1249,
            "videos of more than one class": 0, "tubes that repeat another of their video exactly": 2,
            "split 1: test tubes": 1315, "split 1: test boxes": 170_580,
        }  # fmt: skip
        for split, (train, test) in {"1": (2284, 910), "2": (2300, 894), "3": (2295, 899)}.items():
            found |= {f"split {split}: training videos": train, f"split {split}: test videos": test}
        return found

    def second_sources(self) -> Iterator[tuple[str, int, int]]:
        """``finalAnnots.mat`` against ``pyannot.pkl``, and the list of annotated test videos of split 1."""
        folder = self.root / "splitfiles"
        matlab, listed = folder / "finalAnnots.mat", folder / "testlist01_annotated.txt"
        if matlab.is_file() and self.source.path.name == "pyannot.pkl":
            other, here = read_final_annots(matlab).videos, self.source.videos
            same = sum(name in other and _content(other[name]) == _content(here[name]) for name in here)
            yield f"videos that {matlab.name} annotates alike", same, max(len(other), len(here))
        if listed.is_file():
            names, test = set(self._listed(listed)), set(self.split("1").test)
            yield f"test videos of split 1 in {listed.name}", len(names & test), len(names | test)

    def quirks(self) -> tuple[Quirk, ...]:
        """Listed videos without annotation, boxes in integers too small for sums, and repeated tubes."""
        left_out = {
            path.stem: {v for v in self._listed(path) if v.split("/")[0] in self.classes}
            - set(self.source.videos)
            for path in sorted((self.root / "splitfiles").glob("t*list0[123].txt"))
        }
        said = ", ".join(f"{len(names)} in {stem}" for stem, names in left_out.items())
        found = [
            Quirk(
                f"videos listed without annotation ({said})",
                len(set().union(*left_out.values())),
                "left out of training and test, as everybody leaves them out",
            ),
            Quirk("tubes that repeat another of their video exactly", self._repeated(), "kept and counted"),
        ]
        if isinstance(self.source, Source):
            small = {name: n for name, n in self.source.types.items() if name in ("uint8", "uint16")}
            said = ", ".join(f"{n} {name}" for name, n in sorted(small.items()))
            treatment = "cast to float32 before any arithmetic, as x + w overflows"
            found.append(
                Quirk(f"tubes with boxes in small integers ({said})", sum(small.values()), treatment)
            )
        return tuple(found)

    def _repeated(self) -> int:
        tubes = Counter(
            (name, tube.label, tube.start, tube.boxes_N4.tobytes())
            for name, video in self.source.videos.items()
            for tube in video.tubes
        )
        return sum(n - 1 for n in tubes.values())


def _content(video: Annotated) -> tuple[object, ...]:
    """All that is said of a video, to be compared."""
    return video.frames, [(t.label, t.start, t.end, t.boxes_N4.tobytes()) for t in video.tubes]
