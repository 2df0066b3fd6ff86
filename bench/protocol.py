"""Protocols: what a number means. Which videos and frames count, how boxes and tubes match, how AP is summed.

A protocol's id is ``dataset/split/evaluator[+trimmed|+gt-trimmed]@version``; results of different ids are
never ranked together. :data:`EVALUATORS` holds each evaluator's rules by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bench.names import choose

FRAME_THRESHOLDS = (0.2, 0.5, 0.75)
AUC_THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(1, 20))
VIDEO_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75)
COCO_THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


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


@dataclass(frozen=True)
class Evaluator:
    """The rules of one published evaluation script; None for a level that it does not score.

    truth: the boxes that were annotated, or those that a tracker extended to every frame of the annotated
        spans, where only some frames are annotated.
    """

    name: str
    version: int = 1
    frames: FrameRules | None = None
    tubes: TubeRules | None = None
    truth: Literal["annotated", "extended"] = "annotated"

    def rules(self, level: str) -> Rules:
        """Of level ``frame`` or ``tube``. Raises ValueError for one that the evaluator does not score."""
        found = self.frames if level == "frame" else self.tubes
        if found is None:
            raise ValueError(f"the evaluator {self.name} does not score {level}s")
        return found


_VOC = FrameRules(box_extent=0, matching="best-of-all", average="envelope", absent_classes="skip")
_VOC_TUBES = TubeRules(box_extent=0, matching="best-of-all", average="envelope", absent_classes="skip")
_DALY = replace(_VOC_TUBES, strict=True, spans="annotated", difficult="ignore")
_DALY_SCRIPT = replace(
    _DALY, score_above=0.0, nms=0.3, nms_at_limit="drop", score_decimals=3, undetected_classes="skip"
)
_AVA = replace(_VOC, equal_scores="last", frame_capacity=50, empty_boxes="dropped", coordinates="normalised")

EVALUATORS = {
    found.name: found
    for found in (
        Evaluator("act", frames=FrameRules(), tubes=TubeRules(nms=0.3)),
        Evaluator("multisports", frames=_VOC, tubes=replace(_VOC_TUBES, frame_extent=0)),
        Evaluator(
            "yowo",
            frames=replace(_VOC, box_extent=1, frames="annotated", apart="touch"),
            tubes=TubeRules(nms=0.3, one_frame="apart", average="envelope", recall_epsilon=1e-5),
        ),
        Evaluator(
            "road",
            frames=FrameRules(box_extent=0, average="envelope"),
            tubes=TubeRules(
                box_extent=0, shift=1, growth=1, one_frame="apart", strict=True, average="envelope"
            ),
        ),
        Evaluator("retinanet3d", frames=FrameRules(box_extent=0), tubes=TubeRules()),
        Evaluator("sparse-spatial", tubes=replace(_DALY_SCRIPT, overlap="spatial")),
        Evaluator("sparse-st", tubes=_DALY_SCRIPT),
        Evaluator("extended-st", tubes=_DALY, truth="extended"),
        Evaluator("voc", frames=replace(_VOC, strict=True)),
        Evaluator("ava", frames=replace(_AVA, excluded="kept")),
        Evaluator("ava-2019", frames=replace(_AVA, frames="every")),
        Evaluator("ava-slowfast", frames=replace(_AVA, frames="every", frame_capacity=None, claims="input")),
        Evaluator(
            "ava-mmaction2",
            frames=replace(
                _AVA,
                frames="annotated",
                excluded="missed",
                frame_capacity=None,
                empty_boxes="kept",
                precision="float32",
                undetected_classes="skip",
            ),
        ),
        Evaluator(
            "coco",
            frames=replace(
                _VOC,
                matching="best-remaining",
                equal_overlaps="last",
                average="101-points",
                class_capacity=100,
            ),
        ),
    )
}
"""By name.

act             Kalogeiton et al. 2017, ACT.py; MOC computes the same
multisports     evaluate_multisports.py
yowo            frames: the PASCAL VOC script that YOWO ships, on the frames of its test list, which are those
                with truth; tubes: core/eval_results.py
road            Singh et al. 2017, frames: utils/evaluation.py, tubes: get_PR_curve.m
retinanet3d     3D-RetinaNet and ROAD, modules/evaluation.py
sparse-spatial  DALY on its annotated key-frames, quick_tube_eval of beyond_keyframes: place alone
sparse-st       the same with the spans' overlap
extended-st     DALY on truth that a tracker extended to every frame (RecLNet), without that script's own NMS,
                rounding and score floor
voc             PASCAL VOC 2010 on continuous coordinates
ava             get_ava_performance.py of 2020 (AVA-Kinetics)
ava-2019        the same script of March 2019
ava-slowfast    SlowFast's copy of it: detections claim truth in the order of the file
ava-mmaction2   mmaction2's
coco            pycocotools' COCOeval: AP at one IoU, all areas, at most 100 detections

A reference that stops with an error on some input gives no number to be equal to; there the plain meaning
holds. Limits of memory, such as the 220 detections a frame of road's script, are no rules.
"""


@dataclass(frozen=True)
class Protocol:
    """One way of scoring one split of one dataset.

    dataset: as in ids, with a miniature's version and size: ``ucf24``, ``ucf24-mini@1.small``.
    split: ``1``, ``2``, ``3`` (``mean`` for the mean of splits).
    ranking_metric: the one metric that leaderboards of this protocol are sorted by.
    boxes: whose boxes are scored: the method's own, the truth's, or given proposals.
    """

    dataset: str
    split: str
    evaluator: Evaluator
    ranking_metric: str = "video_map/0.50"
    trimming: Literal["", "trimmed", "gt-trimmed"] = ""
    boxes: Literal["own", "truth", "given"] = "own"
    frame_thresholds: tuple[float, ...] = FRAME_THRESHOLDS
    video_thresholds: tuple[float, ...] = VIDEO_THRESHOLDS

    @property
    def id(self) -> str:
        """``dataset/split/evaluator[+trimming]@version``."""
        trimming = f"+{self.trimming}" if self.trimming else ""
        return f"{self.dataset}/{self.split}/{self.evaluator.name}{trimming}@{self.evaluator.version}"

    @property
    def synthetic(self) -> bool:
        """Whether the videos are rendered; such results never share a table with real ones."""
        return "-mini@" in self.dataset


def evaluator(name: str) -> Evaluator:
    """The evaluator of that name. Raises ValueError naming near ones."""
    return EVALUATORS[choose(name, EVALUATORS, "evaluator")]
