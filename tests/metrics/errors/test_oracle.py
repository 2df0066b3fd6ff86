"""RecLNet's oracle: by hand, against the protocol's own mAP, and when assuming more cannot hurt."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.metrics import evaluate
from bench.metrics.errors.oracle import KINDS, oracle
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
THIRTY = (0.0, 0.0, 2.0, 9.0)
"""IoU with BOX: 0.5 and 0.3."""
TRUTH = worked.truth([(0, 0, range(10), BOX)], classes="A")


def of_class_a(truth: GroundTruth, found: Tubes, rules: TubeRules = PLAIN) -> dict[str, float]:
    return {kind: float(ap[0]) for kind, ap in oracle(TubePairs.build(truth, found, rules)).items()}


def one(frames: Sequence[int], box: Sequence[float]) -> Tubes:
    return worked.tubes([(0, 0, frames, box, 0.9)])


@pytest.mark.parametrize(
    ("found", "sufficient"),
    [
        (one(range(10), BOX), set(KINDS)),
        (one(range(10), HALF), {"spatial", "spatial+class", "temporal+spatial", "temporal+spatial+class"}),
        (one(range(5), BOX), {"temporal", "temporal+class", "temporal+spatial", "temporal+spatial+class"}),
        (one(range(5), HALF), {"temporal+spatial", "temporal+spatial+class"}),
        (one(range(10), THIRTY), set()),  # 0.3 is not above 0.3
        (one(range(3), BOX), set()),
    ],
)
def test_a_component_is_correct_above_an_overlap_of_three_tenths(found: Tubes, sufficient: set[str]) -> None:
    assert {kind for kind, ap in of_class_a(TRUTH, found).items() if ap == 100} == sufficient


def test_with_correct_classes_ap_is_the_recall() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (1, 0, range(10), BOX)], classes="A")
    found = worked.tubes([(0, 0, range(30, 40), BOX, 0.9), (0, 0, range(10), BOX, 0.8)])
    aps = of_class_a(truth, found)
    assert aps["none"] == pytest.approx(100 / 2 * (0 + 1 / 2) / 2)
    assert aps["class"] == pytest.approx(50)


def test_false_positives_are_those_left_by_the_other_assumptions() -> None:
    found = worked.tubes([(0, 0, range(20, 30), BOX, 0.9), (0, 0, range(10), HALF, 0.8)])
    aps = of_class_a(TRUTH, found)
    assert (aps["class"], aps["spatial"], aps["spatial+class"]) == (0, 25, 100)


SEEDS = st.integers(0, 2**32 - 1)
PROPERTY = settings(max_examples=60, deadline=None)
SCORING_TUBES = [name for name, found in EVALUATORS.items() if found.tubes]


@PROPERTY
@given(SEEDS, st.sampled_from(SCORING_TUBES))
def test_assuming_nothing_is_the_protocols_ap(seed: int, name: str) -> None:
    truth, found, evaluator = error_scenes.truth(seed), error_scenes.tubes(seed), EVALUATORS[name]
    assert evaluator.tubes
    expected = evaluate(truth, None, found, Protocol("any", "1", evaluator)).per_class["video_ap/0.75"]
    ours = oracle(TubePairs.build(truth, found, evaluator.tubes))["none"]
    assert [None if np.isnan(ap) else ap for ap in ours] == pytest.approx(list(expected.values()))


def parts(kind: str) -> set[str]:
    return set(kind.split("+")) - {"none"}


def never_lower(aps: dict[str, np.ndarray], pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether no AP falls and the same classes are left out."""
    return all(
        np.array_equal(np.isnan(aps[more]), np.isnan(aps[less])) and not np.any(aps[more] < aps[less] - 1e-9)
        for less, more in pairs
    )


MORE = [(less, more) for less in KINDS for more in KINDS if parts(less) < parts(more)]
ALWAYS = [(less, more) for less, more in MORE if less == "none" or parts(more) - parts(less) == {"class"}]


@PROPERTY
@given(SEEDS, st.sampled_from(SCORING_TUBES))
@example(134, "sparse-spatial")  # the only tube of a class comes to claim ignored truth
def test_more_than_nothing_and_correct_classes_never_hurt(seed: int, name: str) -> None:
    rules = EVALUATORS[name].tubes
    assert rules
    aps = oracle(TubePairs.build(error_scenes.truth(seed), error_scenes.tubes(seed), rules))
    assert never_lower(aps, ALWAYS)
    if rules.matching == "best-of-all":
        assert never_lower(aps, MORE)


@PROPERTY
@given(SEEDS, st.sampled_from(SCORING_TUBES))
@example(62146, "sparse-spatial")
def test_assuming_more_never_hurts_with_one_truth_of_a_class_in_a_video(seed: int, name: str) -> None:
    rules = EVALUATORS[name].tubes
    assert rules
    truth = error_scenes.truth(seed, one_a_class=True)
    assert never_lower(oracle(TubePairs.build(truth, error_scenes.tubes(seed), rules)), MORE)


def test_assuming_both_can_cost_a_truth_where_tubes_overlap_two() -> None:
    right = (3.0, 0.0, 9.0, 9.0)  # IoU .7 with BOX, .2 with HALF
    truth = worked.truth([(0, 0, range(7), BOX), (0, 0, range(10), HALF)], classes="A")
    found = worked.tubes([(0, 0, range(10), BOX, 0.9), (0, 0, range(7), right, 0.8)])
    aps = of_class_a(truth, found)
    # boxes correct: the first tube can only claim HALF. Both correct: it prefers BOX (.7 over .5), which the
    # second needs
    assert (aps["spatial"], aps["temporal+spatial"]) == (100, 50)
    aps = of_class_a(truth, found, replace(PLAIN, matching="best-of-all"))
    # the first tube may only ever claim BOX
    assert (aps["spatial"], aps["temporal+spatial"]) == (12.5, 50)
