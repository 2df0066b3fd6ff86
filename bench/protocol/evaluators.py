"""The evaluators of the field, each a set of rules with a name: :data:`EVALUATORS`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bench.names import choose
from bench.protocol.rules import FrameRules, Rules, TubeRules


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


def evaluator(name: str) -> Evaluator:
    """The evaluator of that name. Raises ValueError naming near ones."""
    return EVALUATORS[choose(name, EVALUATORS, "evaluator")]
