"""The ceiling of one box a frame, by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.metrics import evaluate
from bench.protocol import Protocol, evaluator

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "metrics"))
import one_box
import worked

BOX, OTHER = (0.0, 0.0, 9.0, 9.0), (20.0, 0.0, 29.0, 9.0)


def test_of_two_people_in_a_frame_one_is_found() -> None:
    rows = [(0, 0, range(4), BOX), (0, 0, range(2, 4), OTHER)]
    truth = worked.truth(rows, classes="A")
    found = one_box.one_true_box(truth)
    assert found.frame.tolist() == [0, 1, 2, 3]
    assert found.label.tolist() == [0] * 4
    metrics = evaluate(truth, found, None, Protocol("any", "1", evaluator("voc"))).metrics
    assert metrics["frame_map/0.50"] == pytest.approx(100 * 4 / 6)


def test_the_paper_s_protocol_comes_first(micro_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").symlink_to(micro_cache)
    words = ["--dataset", "ucf24-mini.micro", "--runs-dir", str(tmp_path)]
    answer = CliRunner().invoke(one_box.main, words)
    assert answer.exit_code == 0, answer.output
    paper, standard = answer.output.splitlines()[4:6]
    assert "/1/voc+trimmed@1" in paper
    assert "/1/act@1" in standard
    assert all(50 < float(cell) < 100 for cell in paper.split("|")[2:4])
