"""A study as a table and as pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bench.results.comparison import MetricDifference
from bench.tuning.record import Searched, StudyRecord, Trial
from reports.studies import pictures, study_table, write_study

SPACE = (
    Searched("linker.nms", 0.45, (), 0.2, 0.8, False),
    Searched("floor", 0.001, (), 0.0001, 0.1, True),
    Searched("trimming", "none", ("none", "threshold<b>"), 0.0, 0.0, False),
)
METRIC = "video_map/0.50"


def record(speed: bool = False, trials: int = 9) -> StudyRecord:
    """Trial 5 is the best; trial 3 was pruned."""
    rows = []
    for i in range(trials):
        values = (30.0 + 10 * (i == 5) + i / 10, 100.0 * (trials - i))[: 1 + speed]
        params = {"linker.nms": 0.2 + 0.05 * i, "floor": 0.001 * (i + 1), "trimming": SPACE[2].choices[i % 2]}
        pruned = i == 3
        rows.append(Trial(i, "pruned" if pruned else "complete", () if pruned else values, params, "", 0.1))
    objectives = (METRIC, "fps/postprocess")[: 1 + speed]
    return StudyRecord(
        "toy", "Toy <default>", "ucf24-mini@1.micro/1/act@1", "ucf24-mini@1.micro", 0, "validation of train",
        12, objectives, SPACE, tuple(rows), 5, (0, 1, 2, 4, 5) if speed else (5,), ("linker.nms=0.45",),
        {"linker.nms": 0.7, "trimming": 0.2, "floor": 0.1},
        comparison=MetricDifference(METRIC, 41.0, 39.5, 1.5, -0.25, 3.25, 0.1),
    )  # fmt: skip


def text(record: StudyRecord) -> str:
    console = Console(width=120, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(study_table(record))
    return console.export_text()


def test_the_table_has_both_settings_where_tuned_and_where_scored() -> None:
    shown = text(record())
    for expected in ("30.00", "40.50", "+10.50", "39.50", "41.00", "+1.50 [-0.25, +3.25]", "trial 5"):
        assert expected in shown
    assert "9 trials" in shown


def test_where_nothing_is_better_it_says_so() -> None:
    assert "no trial is better" in text(replace(record(), best=0, comparison=None))


@pytest.mark.parametrize("speed", [False, True])
def test_the_pictures_are_the_same_each_time_and_only_those_that_say_something(speed: bool) -> None:
    drawn = pictures(record(speed))
    names = ["history.svg", "importances.svg", "slices.svg", "pareto.svg"]
    assert list(drawn) == names[: 3 + speed]
    assert drawn == pictures(record(speed))
    assert "linker.nms" in drawn["importances.svg"]
    assert "threshold&lt;b&gt;" in drawn["slices.svg"]
    assert "best so far" in drawn["history.svg"]


def test_without_importances_there_is_the_history_alone() -> None:
    assert set(pictures(replace(record(), importances={}))) == {"history.svg"}


def test_the_record_names_its_pictures(tmp_path: Path) -> None:
    path = write_study(record(), tmp_path)
    names = StudyRecord.read(path).pictures
    assert names == ("history.svg", "importances.svg", "slices.svg")
    assert all((tmp_path / name).is_file() for name in names)
