"""Errors of tubes by MultiSports' definitions: every kind by hand, and where the reference stops."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.errors.tube import KINDS, multisports, tube_errors, tube_kinds
from bench.metrics.errors.tube_pairs import TubePairs
from bench.protocol import TubeRules
from bench.records import GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
import error_scenes
import worked

ACT = TubeRules(nms=0.3)
BOX = (0.0, 0.0, 10.0, 10.0)
SIXTY = (0.0, 0.0, 6.0, 10.0)
HALF = (0.0, 0.0, 5.0, 10.0)
"""Continuous IoU with BOX: 0.6 and 0.5; the root of the threshold is 0.707."""

TRUTH = worked.truth([(0, 0, range(11), BOX), (0, 1, range(20, 31), BOX)])
"""Class A on frames 0-10 of v0, then class B on 20-30: lengths of 10 without the last frame."""


def kinds(truth: GroundTruth, found: Tubes, rules: TubeRules = ACT) -> list[str]:
    """Kind of each tube in the order given."""
    pairs = TubePairs.build(truth, found, multisports(rules))
    codes = tube_kinds(pairs)
    names = ("true positive", *KINDS)
    return [names[codes[i]] for i in np.argsort(pairs.ranking.row_N)]


def one(label: int, frames: Sequence[int], box: Sequence[float] = BOX, video: int = 0) -> Tubes:
    return worked.tubes([(video, label, frames, box, 0.9)])


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (one(0, range(11), HALF), "true positive"),
        (one(1, range(11), HALF), "class"),
        (one(0, range(11), BOX, video=1), "extra"),
        (one(0, range(40, 50)), "extra"),
        (one(0, range(10, 20)), "extra"),  # one frame in common is no overlap
        (one(0, range(9), (0.0, 0.0, 5.0, 10.0)), "location"),  # spans .8, boxes .5
        (one(0, range(5)), "time"),  # spans .4, boxes 1
        (one(0, range(8), SIXTY), "time+location"),  # spans .7, boxes .6
        (one(1, range(9), HALF), "class+location"),
        (one(1, range(5)), "class+time"),
        (one(1, range(8), SIXTY), "class+time+location"),
    ],
)
def test_each_kind(found: Tubes, kind: str) -> None:
    assert kinds(TRUTH, found) == [kind]


def test_repeat_and_missed_by_hand() -> None:
    found = worked.tubes([(0, 0, range(11), BOX, 0.9), (0, 0, range(11), HALF, 0.8)])
    assert kinds(TRUTH, found) == ["true positive", "repeat"]
    shares = tube_errors(TRUTH, found, ACT)
    # the envelope at recall 1 is the greatest fraction from rank 1 on: 1/2 at rank 2
    assert shares["repeat"].tolist() == [50, 0]
    assert shares["missed"].tolist() == [0, 100]


def test_the_truth_that_is_overlapped_most_decides_between_classes() -> None:
    truth = worked.truth([(0, 0, range(11), BOX), (0, 1, range(4, 15), BOX)])
    assert kinds(truth, one(0, range(7, 12))) == ["class+time"]  # .27 of its class, .4 of the other
    assert kinds(truth, one(0, range(6, 11))) == ["time"]  # .4 of both
    assert kinds(truth, one(0, range(7, 15))) == ["class"]


def test_gaps_have_the_span_from_first_to_last_box() -> None:
    gaps = [0, 1, 4, 5, 10]
    assert kinds(TRUTH, one(0, gaps)) == ["true positive"]
    assert kinds(worked.truth([(0, 0, gaps, BOX)]), one(0, range(11))) == ["true positive"]


@pytest.mark.parametrize("box", [(5.0, 5.0, 5.0, 5.0), BOX])
def test_spans_and_boxes_that_cover_nothing_overlap_nothing(box: Sequence[float]) -> None:
    frames = range(11) if box is not BOX else [3]
    assert kinds(worked.truth([(0, 0, frames, box)]), one(0, frames, box)) == ["extra"]


def test_spans_and_ignored_truth_are_the_protocols() -> None:
    marked = replace(TRUTH.tubes, start=[0, 20], end=[31, 31], difficult=[True, False])
    truth = replace(TRUTH, tubes=marked)
    assert kinds(truth, one(0, range(11)), TubeRules(spans="annotated")) == ["time"]
    ignoring = TubeRules(difficult="ignore")
    shares = tube_errors(
        truth, worked.tubes([(0, 0, range(11), BOX, 0.9), (0, 1, range(20, 31), BOX, 0.8)]), ignoring
    )
    assert {kind: value.tolist() for kind, value in shares.items() if value.any()} == {"missed": [100, 0]}
    # the tube on ignored truth of its class is no error; of another class it only meets ignored truth
    assert kinds(truth, one(1, range(11)), ignoring) == ["extra"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_tube_has_one_kind_and_shares_stay_below_100(seed: int) -> None:
    truth, found = error_scenes.truth(seed), error_scenes.tubes(seed)
    assert len(kinds(truth, found)) == len(found.starts)
    shares = np.stack(list(tube_errors(truth, found, ACT).values()))
    assert shares.min() >= 0
    assert (shares[:-1] + shares[-1] <= 100 + 1e-9).all()
