"""From a video to linked boxes: detect, fuse the streams, link.

Three ways of linking (the linker of :class:`Tracking` decides):

* ``viterbi``: UCF101-24's tracks are those of Saha et al. 2016, first pass alone: of every class five chains
  that last as long as the video. A frame in which a class has no box borrows those of the nearest frame that
  has some; a class without any box has no track, and one with fewer than five boxes in a frame fewer tracks.
* ``tracking``: DALY's tracks of persons, whatever they do, found by tracking-by-detection. A frame without a
  box of a person lies on the straight line between its neighbours; after ``max_gap`` of them a track ends.
  Boxes not above ``kept.score_floor`` take no part: some faint one overlaps the last nearly everywhere, and
  no track would end.
  The authors' person detector is trained on MPII; here a person is what the detector does not call
  background. Tracks of another detector come from a file (:mod:`methods.reclnet.track_files`).
* ``tubelet``: the tracks of RecLNet++ from stacks of K boxes (section 5.4), which may begin and end anywhere.
  A frame of a track that no stack covers lies on the straight line too. The authors' stacks on DALY do not
  cross from shot to shot; here nothing knows of shots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bench.footage import Footage
from bench.records import STREAMS, Detections
from bench.sources import SOURCE
from bench.tubes.fusion import BoostFusion
from bench.tubes.paths import Paths
from bench.tubes.tracks import TrackingByDetection
from bench.tubes.tubelet_linking import TubeletLinking
from bench.tubes.viterbi import SAHA, ViterbiLinking
from methods.reclnet.detecting import Detector, KeptBoxes, detections, tubelets

Linker = ViterbiLinking | TrackingByDetection | TubeletLinking
FLOOR = 0.05
"""Score that boxes of persons must have to be linked; ours."""
PERSONS = 16
"""Tracks of persons in a frame that space is reckoned with; ours. As many are found where a third of 24 boxes
a frame is above :data:`FLOOR` and nobody's; where hardly any is, as many as there are persons."""


@dataclass(frozen=True)
class Tracking:
    """How tracks are made, the defaults for UCF101-24.

    streams: whose detections are linked; ``tubelet`` takes one.
    kept: which boxes take part. fusion: of two streams. linker: see above.
    min_frames: fewest frames of a track.
    box_size: boxes are adapted to the annotation's (section 4.2, "annotation bias"). box_size_iou: that is
        learnt from track boxes that overlap an annotated one by at least this (the paper's).
    file: Parquet of tubes made elsewhere, in place of detections; empty: none.
    """

    streams: tuple[str, ...] = ("rgb", "flow")
    kept: KeptBoxes = KeptBoxes()
    fusion: BoostFusion = BoostFusion()
    linker: Linker = field(
        default=SAHA, metadata={"choices": (SAHA, TrackingByDetection(), TubeletLinking())}
    )
    min_frames: int = field(default=1, metadata={"range": (1, 30)})
    box_size: bool = False
    box_size_iou: float = field(default=0.5, metadata={"range": (0.3, 0.8)})
    file: str = field(default="", metadata=SOURCE)

    def __post_init__(self) -> None:
        unknown = set(self.streams) - set(STREAMS[:2])
        if unknown or len(set(self.streams)) != len(self.streams) or not self.streams:
            raise ValueError(f"tracks.streams is {self.streams}; name rgb, flow, or both once")
        if isinstance(self.linker, TubeletLinking) and len(self.streams) > 1:
            raise ValueError("tracks.streams names two, but stacks of one stream are linked; name one")
        if not 0 <= self.box_size_iou <= 1:
            raise ValueError(f"tracks.box_size_iou is {self.box_size_iou}, must be an IoU, 0 to 1")

    def per_frame(self, num_classes: int) -> int:
        """About how many track rows a frame has, for estimates of space."""
        if isinstance(self.linker, ViterbiLinking):
            return self.linker.tracks * num_classes
        if isinstance(self.linker, TrackingByDetection):
            return PERSONS if self.kept.score_floor >= FLOOR else self.kept.per_class
        return num_classes


FRAME_TRACKS = Tracking()
"""As :class:`Tracking` says, for UCF101-24."""

PERSON_TRACKS = Tracking(("rgb",), KeptBoxes(score_floor=FLOOR), linker=TrackingByDetection(), box_size=True)
"""DALY's, whose person detector sees RGB alone."""

STACK_TRACKS = Tracking(("rgb",), KeptBoxes(per_class=20), linker=TubeletLinking(), min_frames=15)
"""Those of RecLNet++, with the constants of the authors' program, which takes the RGB network.

Of a class ten stacks that begin in a frame are linked; twice as many are held until then.
"""


def linked(footage: Footage, detectors: Mapping[str, Detector], config: Tracking) -> Paths:
    """The paths of a video in annotation pixels, best first within a class; label -1: whatever the class.

    Raises ValueError for detectors whose number of frames does not fit the linker.
    """
    frames_V = np.array([len(footage)])
    if isinstance(config.linker, TubeletLinking):
        stream = config.streams[0]
        found = tubelets(footage, detectors[stream], stream, config.kept)
        paths = config.linker.link(found, frames_V)
        paths = paths.runs(paths.frame < len(footage))
    else:
        persons = isinstance(config.linker, TrackingByDetection)
        paths = config.linker.link(_fused(footage, detectors, config, persons), frames_V)
        if persons:
            paths = replace(paths, label=np.full(len(paths), -1))
    return paths.ordered(np.flatnonzero(paths.lengths >= config.min_frames))


def _fused(
    footage: Footage, detectors: Mapping[str, Detector], config: Tracking, persons: bool
) -> Detections:
    """The detections of the streams, of both fused."""
    found = [
        detections(footage, detectors[stream], stream, config.kept, persons) for stream in config.streams
    ]
    if len(found) == 1:
        return found[0]
    second = replace(found[1], box=found[1].box + len(found[0]))
    return config.fusion.fuse(Detections.concat([found[0], second]))
