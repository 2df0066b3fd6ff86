"""What is scored where a protocol trims: cut, scored anew, and only then suppressed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from bench.protocol import Protocol, evaluator
from bench.records import Tubes
from bench.results.scoring import Scored

sys.path.insert(0, str(Path(__file__).parents[1] / "metrics"))
import worked
from worked import BOX


def scored(trimming: Literal["", "trimmed", "gt-trimmed"]) -> Tubes:
    """Two tubes in one place, of which the second is better within the annotated frames 4 to 8."""
    truth = worked.truth([(0, 0, range(4, 8), BOX)], classes="A")
    truth = replace(truth, scored_frames=np.array([[0, frame] for frame in range(4, 8)]))
    found = worked.tubes([(0, 0, range(8), BOX, 0.9), (0, 0, range(8), BOX, 0.5)])
    scores = np.repeat([0.9, 0.2, 0.1, 0.8], 4)
    protocol = Protocol("any", "1", evaluator("road"), trimming=trimming)
    left = Scored(truth, None, replace(found, frame_score=scores)).cut(protocol).tubes
    assert left is not None
    return left


def test_of_tubes_cut_to_the_truth_the_best_that_is_left_stays() -> None:
    left = scored("gt-trimmed")
    assert left.frame.tolist() == [4, 5, 6, 7]
    assert left.score.tolist() == pytest.approx([0.8] * 4)


@pytest.mark.parametrize(("trimming", "scores"), [("trimmed", [0.2, 0.8]), ("", [0.9, 0.5])])
def test_otherwise_all_stay(trimming: Literal["", "trimmed"], scores: list[float]) -> None:
    left = scored(trimming)
    assert left.score[left.starts].tolist() == pytest.approx(scores)
