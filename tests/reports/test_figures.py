"""Names of any length: legends lie over nothing, and what a figure shows can be told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from bench.protocol import AUC_THRESHOLDS
from bench.results.result import Estimate, Result
from reports.boards import Board, boards
from reports.figures import LINE, class_map, looks, wrapped
from reports.leaderboard import FIGURES
from reports.protocol_spread import spread_plot, spreads

Make = Callable[..., Path]
CLASSES = ("Basketball", "Biking", "CliffDiving")
SETTINGS = "tiny+default crops.steps=450 training.steps=750 linker.score_floor=0.04 scoring.min_frames={}"
ERRORS: dict[str, dict[str, float | None]] = {
    "frame": {"localization": 20.0, "missed": 30.0},
    "tube": {"class+time+location": 9.0, "missed": 9.0},
}


def long_named(
    maker: Make, folder: Path, n: int, dataset: str = "ucf24", **changes: Any
) -> tuple[Path, Result]:
    """A configuration that differs from others in the last of many settings, with all that figures show."""
    where = maker(folder, 0.9 - 0.2 * n, dataset, 0, variant=SETTINGS.format(n), classes=CLASSES, **changes)
    result = Result.read(where)
    metrics = {**result.metrics, "frame_map/auc": Estimate(40.0)}
    curve = {f"{t:.2f}": 90.0 - 80 * t for t in AUC_THRESHOLDS}
    result = replace(result, metrics=metrics, curves={"frame_map": curve}, errors=ERRORS)
    return result.write(where), result


@pytest.fixture(scope="module")
def entries(maker: Make, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Result]]:
    return [long_named(maker, tmp_path_factory.mktemp("runs"), n) for n in range(3)]


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure that is saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *args: Any, **options: Any) -> None:
        figures.append(figure)
        save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def parts(figure: Figure) -> tuple[list[Bbox], list[Bbox]]:
    """Where its legends are, and its axes with all that is written around them, in pixels."""
    renderer: Any = FigureCanvasAgg(figure).get_renderer()
    own = [axes.get_legend() for axes in figure.axes]
    legends = [one.get_window_extent(renderer) for one in (*figure.legends, *own) if one is not None]
    drawn = [axes.get_tightbbox(renderer, bbox_extra_artists=[]) for axes in figure.axes if axes.axison]
    return legends, [bbox for bbox in drawn if bbox is not None]


def board_of(entries: list[tuple[Path, Result]]) -> Board:
    (board,) = boards(entries)
    return board


@pytest.mark.parametrize("name", FIGURES)
def test_a_legend_lies_over_nothing_and_is_no_wider_than_its_figure(
    entries: list[tuple[Path, Result]], saved: list[Figure], name: str
) -> None:
    assert FIGURES[name](board_of(entries))
    (figure,) = saved
    legends, others = parts(figure)
    assert bool(legends) is (name != "classes")
    for legend in legends:
        assert not any(legend.overlaps(other) for other in others)
        assert legend.width <= 1.02 * figure.bbox.width
    assert not any(one.overlaps(other) for one, other in combinations(legends, 2))


def test_so_it_is_where_evaluators_are_compared(maker: Make, tmp_path: Path, saved: list[Figure]) -> None:
    rules = ("act", "road")
    scored = [long_named(maker, tmp_path / name, 0, "ucf24-mini@1.small", evaluator=name) for name in rules]
    (spread,) = spreads(boards(scored))
    assert spread_plot(spread)
    (legend,), others = parts(saved[0])
    assert not any(legend.overlaps(other) for other in others)


def test_two_names_above_a_map_lie_beside_each_other(
    entries: list[tuple[Path, Result]], saved: list[Figure]
) -> None:
    """Tilted alike, so that they are apart if they begin apart."""
    assert class_map(board_of(entries[:2]), "video_ap/0.50")
    one, other = saved[0].axes[0].get_xticklabels()
    assert one.get_rotation() == other.get_rotation() != 0


def test_a_map_shows_no_empty_columns(entries: list[tuple[Path, Result]]) -> None:
    path, result = entries[1]
    none = {metric: dict.fromkeys(classes) for metric, classes in result.per_class.items()}
    drawn = class_map(board_of([entries[0], (path, replace(result, per_class=none))]), "video_ap/0.50")
    assert drawn is not None
    assert "=0 · seed 0" in drawn
    assert "=1 · seed 0" not in drawn


def test_twelve_configurations_look_different(entries: list[tuple[Path, Result]]) -> None:
    (row, *_), board = board_of(entries).rows, board_of(entries)
    identity = row.result.identity
    rows = [
        replace(row, result=replace(row.result, identity=replace(identity, variant=f"v{n}")))
        for n in range(12)
    ]
    found = looks(replace(board, rows=tuple(rows)))
    assert len(set(found.values())) == len(found) == 12


def test_a_long_name_goes_on_in_the_next_line_and_keeps_its_ends() -> None:
    assert wrapped("short", LINE, 3) == "short"
    name = f"YOWO · {SETTINGS.format(7)} · seed 2"
    assert " ".join(wrapped(name, LINE, 3).split()) == name
    two = wrapped(name * 9, 34, 2).split("\n")
    assert len(two) == 2
    assert max(map(len, two)) <= 34
    assert (two[0][:4], two[1].split()[-2:]) == ("YOWO", ["seed", "2"])
    assert len(wrapped("m" * 1000, 34, 2).split("\n")) == 2
