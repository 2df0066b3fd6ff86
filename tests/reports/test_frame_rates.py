"""Frame rates in tables are those of `bench speed`, each with the device that it was measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.commands.reproduce import command
from bench.results.result import Result
from bench.speed.rows import FOLDER, RANDOM, Key, Part, Rate, Row, add_rows, by_device
from bench.tracking.values import flat_metrics
from bench.tracking.view import _state
from reports.board_tables import leaderboard_table
from reports.boards import Board, boards
from reports.leaderboard import write_report
from reports.reproduce import reproduce
from reports.speed_plot import panels, speed_accuracy

Make = Callable[..., Path]
GPU, OTHER = "Example GPU", "Another GPU"
HERE = "2 CPU cores"
"""The hardware of the made-up results."""


def row(fps: float, made: str = "2020-01-01T00:00:00+00:00", **changes: Any) -> Row:
    """A measurement of the two-stream YOLO's best row on UCF101-24; ``changes``: of its key."""
    key = Key(
        method="two-stream-yolo", variant="full+tuned-flownet2-kinetics", weights=RANDOM, device=GPU,
        driver="570.1", torch="2.8.0", precision="fp32", compiled=False, batch=1, threads=0,
        input_size=(320, 320), dataset="ucf24", video="Basketball/v_Basketball_g01_c01",
    )  # fmt: skip
    rate = Rate(fps, 1000 / fps, 1000 / fps, "one file of 100 frames 320x240: decoding to tubes")
    parts = {"network": Part(1.0, 100.0)}
    return Row(replace(key, **changes), rate, rate, parts, None, 1, 1.0, 1.0, "tensors", 100, 5, made)


def everything(method: str, variant: str, dataset: str) -> bool:
    return True


def ours(*timed: Row) -> list[str]:
    """Column *speed, ours* of Table IV of El-Nouby et al."""
    table = reproduce("elnouby2018", "IV", [], everything, timed).table
    place = next(i for i, name in enumerate(table.columns) if "FPS" in name and name.endswith(", ours"))
    return [cells[place] for cells in table.rows if cells[0] == "Ours"]


def test_a_papers_frame_rate_is_answered_by_its_variant_dataset_and_batch() -> None:
    cells = ours(row(31.25), row(90.0, batch=4), row(50.0, variant="full+tuned-flownet2-sd-kinetics"))
    assert cells == [f"31.2 on {GPU} (a)", f"90.0 on {GPU} (b)", "–", "–", f"50.0 on {GPU} (c)", "–"]
    found = reproduce("elnouby2018", "IV", [], everything, [row(31.25)])
    assert (found.answered, found.answerable, len(found.jobs)) == (1, 6, 5)
    said = found.table.notes[-1]
    assert said.startswith(
        "(a) two-stream-yolo full+tuned-flownet2-kinetics, one frame at a time: one file of"
    )
    for word in (
        GPU,
        "driver 570.1",
        "torch 2.8.0",
        "320x320",
        "one frame at a time",
        "not as after training",
    ):
        assert word in said


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": "ucf24-mini@1.micro"},
        {"variant": "tiny+tuned-flownet2-kinetics"},
        {"variant": "full+tuned-flownet2-kinetics model.flow=dis"},
        {"method": "rfb-flow"},
        {"batch": 2},
        {"precision": "bf16"},
        {"compiled": True},
    ],
)
def test_measurements_of_anything_else_answer_nothing(changes: dict[str, Any]) -> None:
    assert ours(row(31.25, **changes)) == ["–"] * 6


def test_every_device_stands_for_itself() -> None:
    assert ours(row(10.0), row(20.0, device=OTHER))[0] == f"20.0 on {OTHER} (a); 10.0 on {GPU} (b)"


def test_a_trained_network_comes_before_a_random_one_then_the_last_measurement() -> None:
    trained = row(12.0, weights="a-run")
    later = row(13.0, made="2021-01-01T00:00:00+00:00", torch="2.9.0")
    for given, wanted in (([row(10.0), later], 13.0), ([trained, later], 12.0), ([later, trained], 12.0)):
        key = given[0].key
        found = by_device(given, key.method, key.variant, key.dataset)
        assert [one.end_to_end.fps for one in found.values()] == [wanted]


def test_the_command_reads_what_bench_speed_wrote(tmp_path: Path) -> None:
    add_rows(tmp_path / FOLDER, [row(31.25)])
    done = CliRunner().invoke(command, ["elnouby/4", "--runs-dir", str(tmp_path)])
    assert done.exit_code == 0, done.exception
    assert "answered   1 of 6" in done.output
    assert "note       (a) two-stream-yolo full+tuned-flownet2-kinetics, one frame at a time" in done.output
    wanted = "bench speed --method two-stream-yolo --variant full+tuned-flownet2-kinetics --dataset ucf24"
    assert f"to run     {wanted} --batch 4" in done.output
    overview = CliRunner().invoke(command, ["--runs-dir", str(tmp_path)]).output
    assert "elnouby2018/IV     1 of   6  5 to run" in overview


def board_of(folder: Path, *timed: Row) -> Board:
    (board,) = boards([(folder / "result.json", Result.read(folder))], timed)
    return board


def of_result(fps: float, **changes: Any) -> Row:
    """A measurement of the made-up result, on its hardware."""
    own = {"method": "pcsc", "variant": "full+default", "device": HERE, "dataset": "ucf24"}
    return row(fps, **(own | changes))


def test_a_leaderboard_has_the_frame_rate_of_the_results_hardware(make: Make) -> None:
    folder = make("a", 0.5)
    evaluated = Result.read(folder).speed
    assert evaluated is not None
    assert evaluated.hardware == HERE
    board = board_of(folder, of_result(3.5), of_result(300.0, device=GPU))
    assert board.rows[0].fps == (3.5, of_result(3.5).way)
    shown = dict(zip(leaderboard_table(board).columns, leaderboard_table(board).rows[0]))
    assert shown["FPS"] == "3.5"
    ((note, mark),) = board.fps_marks.items()
    assert HERE in note
    assert (mark, shown["FPS note"]) == ("a", "a")


@pytest.mark.parametrize(
    "changes", [{"device": GPU}, {"variant": "full+baseline"}, {"dataset": "jhmdb"}, {"batch": 4}]
)
def test_else_it_has_the_one_of_its_evaluation(make: Make, changes: dict[str, Any]) -> None:
    folder = make("a", 0.5)
    evaluated = Result.read(folder).speed
    assert evaluated is not None
    fps = board_of(folder, of_result(3.5, **changes)).rows[0].fps
    assert fps is not None
    assert fps[0] == evaluated.values["fps/evaluation"]
    assert fps[1].startswith("evaluation: ")


def test_a_figure_shows_rates_of_one_kind(make: Make) -> None:
    folders = make("a", 0.5), make("b", 0.6, method="b", title="Evaluated")
    results = [(folder / "result.json", Result.read(folder)) for folder in folders]
    for timed, shown in (([of_result(3.5)], False), ([], True)):
        (board,) = boards(results, timed)
        drawn = speed_accuracy(board)
        assert drawn is not None
        assert ("Evaluated" in drawn) is shown


def test_rates_that_leave_out_what_others_include_are_drawn_apart(make: Make) -> None:
    """As that of a method whose tracks and features were extracted before."""
    folders = [make(name, 0.5, method=name, title=name) for name in ("one", "tracks", "other")]
    results = [(folder / "result.json", Result.read(folder)) for folder in folders]
    path, fast = results[1]
    assert fast.speed is not None
    said = f"{fast.speed.includes}, nor tracks, which were extracted before"
    results[1] = path, replace(fast, speed=replace(fast.speed, includes=said))
    (board,) = boards(results)
    titles = {
        title: sorted(row.result.identity.method for row in rows) for title, rows in panels(board).items()
    }
    assert sorted(titles.values()) == [["one", "other"], ["tracks"]]
    (alone,) = (title for title, methods in titles.items() if methods == ["tracks"])
    (mark,) = (mark for note, mark in board.fps_marks.items() if "extracted before" in note)
    assert alone == f"rates {mark}"
    drawn = speed_accuracy(board)
    assert drawn is not None
    assert all(title in drawn for title in titles)


def test_rates_of_two_devices_are_drawn_apart(make: Make) -> None:
    results = []
    for name, device in (("one", HERE), ("two", GPU)):
        folder = make(name, 0.5, method=name)
        result = Result.read(folder)
        assert result.speed is not None
        results.append(
            (folder / "result.json", replace(result, speed=replace(result.speed, hardware=device)))
        )
    (board,) = boards(results, [of_result(3.5, method="one"), of_result(300.0, method="two", device=GPU)])
    assert [len(rows) for rows in panels(board).values()] == [1, 1]


def test_more_rates_than_letters(make: Make) -> None:
    (row,) = board_of(make("a", 0.5)).rows
    assert row.result.speed is not None
    speeds = [replace(row.result.speed, includes=f"part {n}") for n in range(28)]
    rows = [replace(row, result=replace(row.result, speed=speed)) for speed in speeds]
    marks = list(replace(board_of(row.path.parent), rows=tuple(rows)).fps_marks.values())
    assert len(set(marks)) == 28
    assert marks[25:] == ["z", "aa", "ab"]


def test_the_report_reads_what_bench_speed_wrote(make: Make, tmp_path: Path) -> None:
    make("a", 0.5)
    write_report(tmp_path / "runs", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "one frame at a time" not in page
    add_rows(tmp_path / "runs" / FOLDER, [of_result(3.5)])
    write_report(tmp_path / "runs", tmp_path / "out")
    assert "one frame at a time: one file of 100 frames" in (tmp_path / "out" / "index.html").read_text()


def test_the_dashboard_asks_for_no_rate_that_no_run_writes(make: Make) -> None:
    columns = [name for name in _state("frame_map/0.50")["selectedColumns"] if "fps" in name]
    assert columns
    assert {name.split("`")[1] for name in columns} <= set(flat_metrics(Result.read(make("a", 0.5))))
