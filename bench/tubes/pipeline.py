"""From detections or tubelets to action tubes: fuse, link, trim, score, 3D-NMS."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.records import Array, Detections, Tubes
from bench.speed.marks import LINK, part
from bench.tubes.base import Found, Fusion, Linker, Trimming
from bench.tubes.fusion import AverageFusion, BoostFusion, GatingFusion, UnionFusion
from bench.tubes.labelling import BinaryLabelling, TemporalLabelling
from bench.tubes.online import OnlineLinking
from bench.tubes.scoring import TubeScoring, score_tubes
from bench.tubes.suppression import suppressed
from bench.tubes.tracks import GivenTracks, TrackingByDetection
from bench.tubes.trimming import ActionnessTrimming, ThresholdTrimming
from bench.tubes.tubelet_linking import MOC, TubeletLinking
from bench.tubes.viterbi import SAHA, YOWO, ViterbiLinking

FUSIONS: dict[str, Fusion] = {
    rule.name: rule for rule in (UnionFusion(), AverageFusion(), GatingFusion(), BoostFusion())
}
LINKERS: dict[str, Linker] = {
    rule.name: rule
    for rule in (OnlineLinking(), ViterbiLinking(), TubeletLinking(), TrackingByDetection(), GivenTracks())
}
TRIMMINGS: dict[str, Trimming] = {
    rule.name: rule
    for rule in (ThresholdTrimming(), TemporalLabelling(), BinaryLabelling(), ActionnessTrimming())
}


@dataclass(frozen=True)
class Linking:
    """What happens to predictions after the network; the defaults are those of Singh et al. 2017, untrimmed.

    A field is searched over its ``range``, or over its ``choices``: a rule is chosen with its own numbers.

    fusion: how two streams become one; None: there is one, or all rows count as they are.
    linker, trimming: rules; no trimming: None.
    scoring: what a tube's score is, and how long it must be.
    nms: a tube goes when its spatio-temporal IoU with a better one of its class is above this (3D-NMS,
        inclusive boxes); None: all stay.
    """

    fusion: Fusion | None = field(default=None, metadata={"choices": (None, *FUSIONS.values())})
    linker: Linker = field(default=OnlineLinking(), metadata={"choices": tuple(LINKERS.values())})
    trimming: Trimming | None = field(default=None, metadata={"choices": (None, *TRIMMINGS.values())})
    scoring: TubeScoring = TubeScoring()
    nms: float | None = field(default=None, metadata={"range": (0.05, 0.9)})

    def detections(self, found: Detections) -> Detections:
        """The detections that are linked: those of both streams fused."""
        return found if self.fusion is None else self.fusion.fuse(found)

    @part(LINK)
    def tubes(self, found: Found, frames_V: Array | None = None) -> Tubes:
        """Tubes of all videos of the detections or tubelets, by video, label, then best first.

        ``frames_V``: number of frames of each of ``found.videos``, for linking of whole videos; without it a
        video lasts from its first to its last box. Raises ValueError where a rule misses a column.
        """
        if isinstance(found, Detections):
            found = self.detections(found)
        elif self.fusion is not None:
            raise ValueError("fusion is of detections; tubelets have no streams: leave it out (none)")
        paths = self.linker.link(found, frames_V)
        if self.trimming is not None:
            paths = self.trimming.trim(paths, found)
        return suppressed(score_tubes(paths, self.scoring), self.nms)


PUBLISHED: dict[str, Linking] = {
    "act": Linking(linker=TubeletLinking(), scoring=TubeScoring(top=None, min_frames=15)),
    "moc": Linking(linker=MOC, scoring=TubeScoring(top=None, min_frames=15)),
    "pcsc": Linking(trimming=ActionnessTrimming()),
    "reclnet": Linking(
        linker=GivenTracks(), trimming=ThresholdTrimming(), scoring=TubeScoring(min_frames=1), nms=0.2
    ),
    "saha": Linking(
        fusion=BoostFusion(), linker=SAHA, trimming=BinaryLabelling(), scoring=TubeScoring(min_frames=1)
    ),
    "singh": Linking(trimming=TemporalLabelling()),
    "yowo": Linking(linker=YOWO, scoring=TubeScoring(top=None, min_frames=1), nms=0.3),
}
"""How papers make tubes, by the name of the paper or of its first author."""
