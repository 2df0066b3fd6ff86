"""dAP of tubes: every kind and its fix by hand, and what holds for any input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics import evaluate
from bench.metrics.errors.dap import KINDS, TubeErrors, dap
from bench.metrics.errors.tube_pairs import TubePairs
from bench.protocol import EVALUATORS, Protocol, TubeRules
from bench.records import GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
import error_scenes
import worked
from worked import BOX

PLAIN = TubeRules()
HALF = (0.0, 0.0, 4.0, 9.0)
FORTY = (0.0, 0.0, 3.0, 9.0)
"""IoU with BOX: 0.5 and 0.4."""
FAR = (100.0, 100.0, 109.0, 109.0)


def errors(truth: GroundTruth, found: Tubes, rules: TubeRules = PLAIN) -> TubeErrors:
    return TubeErrors.find(TubePairs.build(truth, found, rules), 0.5)


def gains(truth: GroundTruth, found: Tubes, rules: TubeRules = PLAIN) -> dict[str, list[float]]:
    """dAP of each class, of the kinds that have any."""
    values = dap(TubePairs.build(truth, found, rules), 0.5)
    return {kind: value.round(9).tolist() for kind, value in values.items() if value.any()}


def one(label: int, frames: Sequence[int], box: Sequence[float] = BOX) -> Tubes:
    return worked.tubes([(0, label, frames, box, 0.9)])


TRUTH = worked.truth([(0, 0, range(10), BOX)])


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (one(0, range(10), HALF), "true positive"),
        (one(1, range(10), HALF), "class"),
        (one(0, range(4)), "time"),  # spans .4, boxes 1
        (one(0, range(10), FORTY), "boxes"),  # spans 1, boxes .4
        (one(0, range(8), FORTY), "boxes"),
        (one(0, range(3), HALF), "time"),
        (one(0, range(5), HALF), "boxes"),  # as bad as each other
        (one(0, range(10), FAR), "background"),
        (one(0, range(1), HALF), "background"),  # .1 * .5
        (one(0, [0]), "time"),  # exactly .1
        (one(1, range(4)), "background"),  # of another class and misplaced
    ],
)
def test_each_kind(found: Tubes, kind: str) -> None:
    names = ("true positive", *KINDS)
    assert [names[code] for code in errors(TRUTH, found).kind_N] == [kind]


def test_duplicate() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (1, 0, range(10), BOX)], classes="A")
    found = worked.tubes(
        [(0, 0, range(10), BOX, 0.9), (0, 0, range(10), HALF, 0.8), (1, 0, range(10), BOX, 0.7)]
    )
    # precision 1, 1/2, 2/3; without the duplicate 1, 1
    before = (1 + (1 / 2 + 2 / 3) / 2) / 2
    assert gains(truth, found) == {"duplicate": [pytest.approx(100 * (1 - before))]}


def test_wrong_class() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (1, 1, range(10), BOX)])
    found = worked.tubes([(0, 0, range(10), BOX, 0.8), (1, 0, range(10), BOX, 0.9)])
    # class A: wrong, right = (0 + 1/2) / 2, then right alone; class B: nothing, then found. It is not missed
    assert gains(truth, found) == {"class": [75, 100]}


@pytest.mark.parametrize(("frames", "box", "kind"), [(range(4), BOX, "time"), (range(10), FORTY, "boxes")])
def test_misplaced(frames: Sequence[int], box: Sequence[float], kind: str) -> None:
    assert gains(TRUTH, one(0, frames, box)) == {kind: [100, 0]}


def test_background() -> None:
    found = worked.tubes([(0, 0, range(10), FAR, 0.9), (0, 0, range(10), BOX, 0.8)])
    assert gains(TRUTH, found) == {"background": [75, 0]}


def test_missed() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (1, 0, range(10), BOX)], classes="A")
    assert gains(truth, one(0, range(10))) == {"missed": [50]}


def test_a_class_of_which_everything_was_missed() -> None:
    found = worked.tubes([(0, 0, range(10), FAR, 0.9)])
    assert gains(TRUTH, found) == {"missed": [100, 0]}  # without the background tube nothing would be found


def test_a_misplaced_tube_on_claimed_truth_is_removed() -> None:
    found = worked.tubes([(0, 0, range(4), BOX, 0.9), (0, 0, range(10), BOX, 0.8)])
    assert gains(TRUTH, found) == {"time": [75, 0]}


def test_of_two_misplaced_tubes_the_better_takes_the_truth() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (1, 0, range(10), BOX)], classes="A")
    found = worked.tubes(
        [(0, 0, range(4), BOX, 0.7), (0, 0, range(4), BOX, 0.9), (1, 0, range(10), BOX, 0.8)]
    )
    # before: ranks wrong, right, wrong; fixed: both right, the third removed
    assert gains(truth, found) == {"time": [100 - 100 * (0 + 1 / 2) / 2 / 2]}


def test_a_kind_on_the_way_to_another_is_not_counted_twice() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (0, 1, range(10), HALF)])
    # class A: IoU .5 with HALF of class B reaches the threshold, .3 with its own does not
    found = one(0, range(3), BOX)
    assert errors(truth, found).kind_N.tolist() == [KINDS.index("time") + 1]
    assert errors(truth, one(0, range(10), (0.0, 0.0, 3.0, 9.0))).kind_N.tolist() == [
        KINDS.index("class") + 1
    ]


def test_ignored_truth_is_neither_missed_nor_a_target() -> None:
    truth = replace(TRUTH, tubes=replace(TRUTH.tubes, difficult=[True]))
    ignoring = TubeRules(difficult="ignore", absent_classes="skip")
    assert len(errors(truth, one(0, range(10)), ignoring).kind_N) == 0
    found = errors(truth, one(0, range(4)), ignoring)
    assert found.kind_N.tolist() == [KINDS.index("background") + 1]
    assert not found.missed_M.any()
    assert np.isnan(found.percents(["missed"])).all()


def test_the_threshold_must_leave_room_for_misplaced_tubes() -> None:
    with pytest.raises(ValueError, match=r"above 0\.1"):
        dap(TubePairs.build(TRUTH, one(0, range(4)), PLAIN), 0.1)


SEEDS = st.integers(0, 2**32 - 1)
PROPERTY = settings(max_examples=60, deadline=None)
SCORING_TUBES = [name for name, found in EVALUATORS.items() if found.tubes]
AVERAGES = ["trapezoid", "envelope", "101-points"]


@PROPERTY
@given(SEEDS, st.sampled_from(SCORING_TUBES), st.sampled_from(AVERAGES), st.sampled_from(["zero", "skip"]))
def test_no_fix_hurts_and_all_fixes_give_100(seed: int, name: str, average: str, absent: str) -> None:
    scripted = EVALUATORS[name].tubes
    assert scripted
    changes = {"average": average, "absent_classes": absent, "recall_epsilon": 0.0}
    rules = replace(scripted, **changes)  # type: ignore[arg-type]
    truth, found = error_scenes.truth(seed), error_scenes.tubes(seed)
    mistakes = errors(truth, found, rules)
    before, after = mistakes.percents(()), mistakes.percents(KINDS)
    for value in dap(TubePairs.build(truth, found, rules), 0.5).values():
        assert (np.isnan(value) == np.isnan(before)).all()
        assert np.nanmin(value, initial=0) > -1e-9
    counted = ~np.isnan(before)
    assert after[counted] == pytest.approx(np.where(mistakes.truths_C > 0, 100, 0)[counted])


@PROPERTY
@given(SEEDS, st.sampled_from(SCORING_TUBES))
def test_what_is_fixed_is_the_protocols_ap_and_every_tube_has_one_kind(seed: int, name: str) -> None:
    truth, found, evaluator = error_scenes.truth(seed), error_scenes.tubes(seed), EVALUATORS[name]
    assert evaluator.tubes
    result = evaluate(truth, None, found, Protocol("any", "1", evaluator))
    mistakes = errors(truth, found, evaluator.tubes)
    expected = list(result.per_class["video_ap/0.50"].values())
    assert [None if np.isnan(ap) else ap for ap in mistakes.percents(())] == pytest.approx(expected)
    rows = result.matches[result.matches["threshold"] == 0.5]
    assert ((mistakes.kind_N == 0) == rows["true_positive"].to_numpy()).all()
    assert set(mistakes.kind_N) <= set(range(len(KINDS)))
