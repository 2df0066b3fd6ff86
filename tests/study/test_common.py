"""The block that the studies share, with runs that only say what they found."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from bench.files.decode import decode
from bench.protocol import Protocol, evaluator
from bench.results.matches import MATCH_COLUMNS, TRUTH_COLUMNS
from bench.results.result import Estimate, Result, write_matches
from bench.runs import many
from bench.runs.asked import Request
from bench.runs.many import Outcome
from reports.tables import EMPTY

sys.path.insert(0, str(Path(__file__).parent))
import common
import fusions

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "result-schema.md"
MICRO = "ucf24-mini@1.micro"


def made_up(value: float, rules: str = "act", **parts: object) -> Result:
    """A result whose frame-mAP at 0.5 is ``value``."""
    block = re.search(r"```json\n(.*?)```", SCHEMA.read_text(), re.DOTALL)
    assert block
    content = json.loads(block[1])
    content.pop("synthetic")
    result: Result = decode(Result, content, "example:")
    protocol = Protocol(MICRO, "1", evaluator(rules))
    return replace(
        result,
        protocol=protocol.id, dataset=MICRO, split="1", data_kind="rendered", rules=protocol,
        metrics={"frame_map/0.50": Estimate(value), "video_map/0.20": None},
        **parts,
    )  # fmt: skip


def columns() -> list[common.Column]:
    return [common.Column("found", lambda result: common.metric_of(result, "frame_map/0.50"))]


def figures(**values: list[float]) -> common.Figures:
    return common.Figures.of({name: [made_up(v) for v in row] for name, row in values.items()}, columns())


class Runs:
    """In place of running: the result is the seed, or the reason why there is none."""

    def __init__(self, failing: int | None = None) -> None:
        self.asked: list[tuple[str, int]] = []
        self.failing = failing

    def __call__(self, request: Request) -> Outcome:
        self.asked.append((request.variant, request.seed))
        if request.seed == self.failing:
            return Outcome(request, why="the disk is full")
        found = {Path(name): made_up(request.seed + n, name) for n, name in enumerate(("act", "road"))}
        return Outcome(request, found)


def asked(name: str, seeds: int, protocol: str = "") -> list[Request]:
    return [
        Request("pcsc", "ucf24-mini.micro", variant=name, seed=seed, protocol=protocol)
        for seed in range(seeds)
    ]


def test_one_seed_of_all_rows_is_run_before_the_next() -> None:
    runs = Runs()
    found = common.results_of({"a": asked("a", 3), "b": asked("b", 1)}, runs)
    assert runs.asked == [("a", 0), ("b", 0), ("a", 1), ("a", 2)]
    assert [len(row) for row in found.values()] == [3, 1]


@pytest.mark.parametrize(("protocol", "value"), [("", 0.0), ("act", 0.0), ("road", 1.0)])
def test_results_are_those_of_the_protocol_that_was_asked_for(protocol: str, value: float) -> None:
    (result,) = common.results_of({"a": asked("a", 1, protocol)}, Runs())["a"]
    assert common.metric_of(result, "frame_map/0.50") == value


def test_a_run_that_fails_ends_the_study_and_is_named() -> None:
    with pytest.raises(click.ClickException, match="a, seed 1: the disk is full"):
        common.results_of({"a": asked("a", 3)}, Runs(failing=1))


@dataclass(frozen=True)
class Planned:
    """In place of a plan, which would render a dataset: where a request's only result lies."""

    request: Request
    protocols: tuple[str, ...] = ("act",)

    @classmethod
    def of(cls, request: Request) -> Planned:
        return cls(request)

    def folder_of(self, protocol: str) -> Path:
        return self.request.runs_dir / f"{protocol}_{self.request.seed}"


def test_what_has_its_result_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def run(plan: Planned, reporter: object) -> None:
        begun.append(plan.request.seed)
        if len(begun) == 2:
            raise KeyboardInterrupt
        empty = (pd.DataFrame(columns=list(names), dtype=object) for names in (MATCH_COLUMNS, TRUTH_COLUMNS))
        folder = plan.folder_of("act")
        made_up(plan.request.seed, matches_digest=write_matches(folder, *empty)).write(folder)

    monkeypatch.setattr(many, "Plan", Planned)
    monkeypatch.setattr(many, "run", run)
    rows = {"a": [replace(request, runs_dir=tmp_path) for request in asked("", 2)]}
    with pytest.raises(KeyboardInterrupt):
        common.results_of(rows)
    found = common.results_of(rows)["a"]
    assert begun == [0, 1, 1]
    assert [common.metric_of(result, "frame_map/0.50") for result in found] == [0.0, 1.0]


def test_spread_is_the_sample_standard_deviation_and_of_one_seed_there_is_none() -> None:
    assert common.spread(np.array([1.0, 2.0, 3.0])) == "2.0 ± 1.0"
    assert common.spread(np.array([2.0])) == "2.0"
    assert common.spread(np.array([1.0, 3.0]), signed=True) == "+2.0 ± 1.4"
    assert common.spread(np.array([1.0, np.nan])) == EMPTY


def test_differences_are_made_seed_by_seed() -> None:
    table = figures(a=[10.0, 50.0], b=[9.0, 48.0]).means("T", [("a", "b"), ("b", "a")])
    assert dict(table.rows) == {
        "a": "30.0 ± 28.3", "b": "28.5 ± 27.6", "a less b": "+1.5 ± 0.7", "b less a": "-1.5 ± 0.7",
    }  # fmt: skip


def test_every_seed_has_a_line_of_its_own() -> None:
    table = figures(a=[10.0, 50.0], b=[9.0]).seeds("T")
    assert table.rows == (("a, seed 0", "10.0"), ("a, seed 1", "50.0"), ("b, seed 0", "9.0"))


def test_results_of_several_protocols_are_in_no_table() -> None:
    with pytest.raises(ValueError, match=r"act@1, .*road@1"):
        common.Figures.of({"a": [made_up(1.0), made_up(1.0, "road")]}, columns())


def test_motion_alone_is_the_mean_over_the_classes_that_share_their_poses() -> None:
    per_class = {
        "WaveSlow": Estimate(20.0),
        "WaveFast": Estimate(40.0),
        "WalkLeftSlow": None,
        "PushUp": Estimate(90.0),
    }
    result = made_up(50.0, per_class={"frame_ap/0.50": per_class, "video_ap/0.20": dict.fromkeys(per_class)})
    found = common.metric_columns(("frame_map/0.50", "video_map/0.20"), "ucf24-mini.micro")
    assert [column.of(result) for column in found] == [50.0, 30.0, None, None]
    assert len(common.told_by_motion("jhmdb-mini")) == 12


def test_shares_of_the_errors_are_those_of_the_result() -> None:
    kinds = common.KINDS["frame"]
    result = made_up(1.0, errors={"frame": {kind: float(n) for n, kind in enumerate(kinds)}})
    assert [column.of(result) for column in common.error_columns("frame")] == list(
        map(float, range(len(kinds)))
    )


def test_tables_are_printed_and_written_as_markdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "study.md"
    common.show([figures(a=[1.0, 3.0]).means("Title"), figures(a=[1.0]).seeds("Every seed")], out)
    text = out.read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    assert text.splitlines()[:5] == ["## Title", "", "|  | found |", "| --- | ---: |", "| a | 2.0 ± 1.4 |"]
    assert f"{MICRO}/1/act@1" in text
    assert "## Every seed" in text


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--dataset", "ucf24-mimi"], "ucf24-mini"),
        (["--dataset", "jhmdb"], "studies are of"),
        (["--seeds", "0"], "x>=1"),
    ],
)
def test_what_cannot_be_studied_is_refused_before_anything_runs(words: list[str], why: str) -> None:
    answer = CliRunner().invoke(fusions.main, words)
    assert answer.exit_code == 2
    assert why in answer.output


def test_equal_values_share_a_place() -> None:
    assert fusions.places({"a": 1.0, "b": 3.0, "c": 1.0, "d": 0.5}) == {"a": 2, "b": 1, "c": 2, "d": 4}


def test_the_paper_s_order_of_the_fusions_is_read_from_its_table() -> None:
    assert fusions.places(fusions.published("frame_map/0.50")) == {
        "m-concat": 1, "m-average": 2, "stfp": 3, "m-sum": 4,
    }  # fmt: skip
    assert fusions.places(fusions.published("video_map/0.20"))["stfp"] == 3
