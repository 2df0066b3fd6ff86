"""DALY (Weinzaepfel et al., 2016): 510 videos of ten daily actions, all timed, with boxes on key-frames."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench.files.store import locked, remove
from bench.files.tables import digest_ground_truth, read_ground_truth, read_metadata, write_ground_truth
from bench.names import choose
from bench.protocol import Protocol
from bench.records import GroundTruth
from bench.video import Video
from datasets.annotation import ground_truth
from datasets.base import DataError, Dataset, Quirk, Split
from datasets.daly_annotation import DalyFile, read_daly
from datasets.files import reading
from datasets.kept_boxes import KeptBoxes
from datasets.keyframes import Tracker, extend_keyframes, key_agreement
from datasets.trackers import csrt
from datasets.trimming import trimmed


class Daly(Dataset):
    """DALY in its official layout.

    Boxes are the annotated shares times the video's width and height. Seconds become the frames shown nearest
    to them; the frame nearest to ``endTime`` is the last. An instance is difficult, so that scoring may pass
    over it, where its person is a reflection, its action ambiguous, or it has no key-frame. Videos keep their
    official names, which end in ``.mp4``; a source group is a video.
    """

    name = "daly"
    title = "DALY"
    folder = "daly"
    miniature = "daly-mini"
    layout = (
        "daly1.1.0.pkl, here or in annotations/; videos/<video>.{mp4,mkv,webm} or frames/<video>/*.jpg; for "
        "extended-st also extended/, the truth in every frame"
    )
    video_folders = ("videos", "DALY_videos", "frames")
    splits: ClassVar[tuple[str, ...]] = ("1",)
    trimmed = False
    default_evaluator = "extended-st"
    ranking_metric = "video_map/0.20"

    @cached_property
    def _file(self) -> DalyFile:
        for path in (self.root / "daly1.1.0.pkl", self.root / "annotations" / "daly1.1.0.pkl"):
            if path.is_file():
                return read_daly(path, self.find_video)
        raise self.missing(str(self.root / "daly1.1.0.pkl"))

    @property
    def classes(self) -> tuple[str, ...]:
        """The ten actions in the file's order, which is alphabetical."""
        return self._file.classes

    def split(self, name: str) -> Split:
        """The one split: the videos listed for test, and all others for training."""
        choose(name, self.splits, f"split of {self.title}")
        test = set(self._file.test)
        train = [name for name in self._file.videos if name not in test]
        return Split.of(train, self._file.test, self._file.path)

    def ground_truth(self) -> GroundTruth:
        """What was annotated: spans, and boxes on key-frames; in the order of names."""
        return self._ground_truth

    @cached_property
    def _ground_truth(self) -> GroundTruth:
        return ground_truth(self.classes, self._file.videos, self._file.path)

    def truth(self, protocol: Protocol) -> GroundTruth:
        """As annotated, or with the boxes in every frame that :meth:`extend` wrote."""
        found = self.extended() if protocol.evaluator.truth == "extended" else self.ground_truth()
        return trimmed(found) if protocol.trimming else found

    def extend(
        self,
        tracker: Tracker = csrt,
        name: str = "csrt",
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Path:
        """Track from every key-frame (:mod:`datasets.keyframes`) and keep the result in ``extended/``.

        ``name`` is the tracker's, its settings or weights included: it is written beside the result, with
        how well that agrees with the key-frames. Takes hours for all of DALY; what a call that was stopped
        finished by a tracker of that name is taken over. One call at a time works in a folder. Raises
        DataError for missing videos.
        """
        truth = self.ground_truth()
        table = truth.videos
        videos = [
            Video(name, self.video_path(name), int(width), int(height))
            for name, width, height in zip(table.names, table.width, table.height)
        ]
        folder = self.root / "extended"
        facts = {"tracker": name, "annotation": digest_ground_truth(truth)}
        with locked(folder / ".lock"):
            kept = KeptBoxes(folder / f"unfinished-{name}")
            found = extend_keyframes(truth, videos, tracker, progress, kept)
            write_ground_truth(folder, found, facts | {"agreed": key_agreement(truth, found)})
            remove(kept.folder)
        return folder

    def extended(self) -> GroundTruth:
        """What :meth:`extend` wrote. Raises DataError where it is not there or of another annotation."""
        folder = self.root / "extended"
        if not (folder / "videos.parquet").is_file():
            raise self.missing(f"{folder}: run `bench data extend daly`, or score with --protocol sparse-st")
        with reading(folder):
            made_of = read_metadata(folder / "videos.parquet").get("annotation")
            found = read_ground_truth(folder, self.classes)
        if made_of != digest_ground_truth(self.ground_truth()):
            raise DataError(f"{folder}: made of another annotation; run `bench data extend daly` again")
        return found

    def quirks(self) -> tuple[Quirk, ...]:
        """What the annotation file leaves open, with what is made of it."""
        _ = self.ground_truth()
        return tuple(Quirk(name, self._file.odd[name], treatment) for name, treatment in TREATMENTS.items())


TREATMENTS = {
    "difficult instances": "marked so: reflections and ambiguous ones, which the protocols of DALY pass over",
    "instances without a key-frame": "marked difficult, as nothing can be said of their place",
    "key-frames with more than one box": "the first box is taken",
    "key-frames on the frame of another": "the first is taken",
    "key-frames outside their span": "kept",
    "spans that end after their video": "end with it",
    "videos of unknown size": "taken as 1000 x 1000 pixels, which changes no overlap",
}
"""By what :func:`datasets.daly_annotation.read_daly` counts."""
