"""Rules of scoring: how boxes and tubes match, and how AP is summed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Rules:
    """What frames and tubes have in common.

    box_extent: pixels added to ``x2 - x1`` for a width (1: inclusive pixel coordinates, 0: continuous).
    matching: ``best-remaining``: a prediction claims the best truth not yet taken;
        ``best-of-all``: it claims the best of all, and is a false positive when that is taken.
    strict: a match needs IoU > threshold instead of >=.
    equal_overlaps: of truths with equal IoU the prediction claims the ``first`` or the ``last`` annotated.
    claims: who claims first: the best ``score`` (of equal ones the first given), or the first in the order of
        ``input``. Only matching goes by it; AP is always summed by score.
    equal_scores: whether AP is summed with the ``first`` given of equal scores first, or with the ``last``.
    average: ``trapezoid`` under the raw curve (from recall 0, precision 1), ``envelope`` (VOC, all points),
        or ``101-points``: the envelope's height averaged over recall 0, .01 ... 1 (COCO).
    absent_classes: a class without truth counts as AP 0 in the mean (``zero``) or is left out (``skip``).
    undetected_classes: likewise a class without a prediction that counts.
    recall_epsilon: added to the number of truths that recall is a share of.
    """

    box_extent: Literal[0, 1] = 1
    matching: Literal["best-remaining", "best-of-all"] = "best-remaining"
    strict: bool = False
    equal_overlaps: Literal["first", "last"] = "first"
    claims: Literal["score", "input"] = "score"
    equal_scores: Literal["first", "last"] = "first"
    average: Literal["trapezoid", "envelope", "101-points"] = "trapezoid"
    absent_classes: Literal["zero", "skip"] = "zero"
    undetected_classes: Literal["zero", "skip"] = "zero"
    recall_epsilon: float = 0.0


@dataclass(frozen=True)
class FrameRules(Rules):
    """How boxes of single frames are scored.

    frames: those on which a detection counts. ``scored``: those that the truth lists
        (``GroundTruth.scored_frames``; where it lists none, every frame), ``annotated``: of these the ones
        with a truth box of some class, ``every``: also those that are not listed.
    excluded: what is on a frame that the truth excludes (``GroundTruth.excluded_frames``): all of it is
        ``dropped``; detections are dropped and the truth is ``missed``; all is ``kept``.
    frame_capacity: detections of a frame that count, best scores first, of equal scores the first given;
        None: all. Taken before ``empty_boxes``.
    class_capacity: likewise detections of a frame and class.
    empty_boxes: a detection with x2 <= x1 or y2 <= y1 is ``kept``, like any other, or ``dropped``. Truth of
        that kind always counts.
    coordinates: ``pixels`` as they are, or ``normalised``: divided by the video's width and height and
        rounded to six decimals, which restores exactly the decimals of AVA's files (float32 pixels tell six
        decimals apart), so that an IoU of exactly the threshold stays that.
    precision: of boxes and IoU.
    apart: boxes whose common area has a side below 0 are ``clipped`` to none; or only boxes that do not
        ``touch`` have none, and those that do have the product of the sides, so that boxes less than a pixel
        apart do not meet, and an inverted box meets what its mirror image meets (YOWO).
    """

    frames: Literal["scored", "annotated", "every"] = "scored"
    excluded: Literal["dropped", "missed", "kept"] = "dropped"
    frame_capacity: int | None = None
    class_capacity: int | None = None
    empty_boxes: Literal["kept", "dropped"] = "kept"
    coordinates: Literal["pixels", "normalised"] = "pixels"
    precision: Literal["float64", "float32"] = "float64"
    apart: Literal["clipped", "touch"] = "clipped"


@dataclass(frozen=True)
class TubeRules(Rules):
    """How tubes are scored, in the order in which the rules apply. Spans run from first to last frame.

    score_above: tubes need a score above this; None: all count.
    nms: spatio-temporal IoU above which a weaker tube of its class and video is dropped; None: no NMS.
    nms_at_limit: what becomes of a tube whose IoU is exactly that.
    score_decimals: scores are rounded to so many decimals before tubes are ranked; of those that become
        equal the better of a video comes first, as NMS left them. None: not rounded.
    shift, growth: pixels added to all coordinates of a predicted box, and to its width and height.
    overlap: ``spatio-temporal``: IoU of the spans times the mean box IoU over the frames that both tubes
        have; ``spatial``: that mean alone, between tubes whose spans meet.
    spans: of the truth: from its first to its last box, or as annotated.
    frame_extent: frames added to ``last - first`` for a length (1: both ends count).
    one_frame: whether spans with a single frame in common overlap, or count as apart.
    difficult: whether truth marked so counts, or is ignored: it is not missed, and who claims it is left
        out, neither a true nor a false positive.
    """

    score_above: float | None = None
    nms: float | None = None
    nms_at_limit: Literal["keep", "drop"] = "keep"
    score_decimals: int | None = None
    shift: int = 0
    growth: int = 0
    overlap: Literal["spatio-temporal", "spatial"] = "spatio-temporal"
    spans: Literal["boxes", "annotated"] = "boxes"
    frame_extent: Literal[0, 1] = 1
    one_frame: Literal["overlap", "apart"] = "overlap"
    difficult: Literal["count", "ignore"] = "count"
