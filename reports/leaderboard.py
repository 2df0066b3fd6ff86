"""``bench report``: every result below a folder as leaderboards, one page and the same tables as text.

The page is one file that needs no network. The same results give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.files.store import write_atomic
from bench.results.result import read_all
from bench.speed.rows import FOLDER, read_rows
from reports import figures, plots
from reports.board_tables import (
    ERROR_TITLES,
    error_table,
    leaderboard_table,
    per_class_metrics,
    per_class_table,
    seed_table,
)
from reports.boards import Board, boards
from reports.kept import kept
from reports.page import Moved, Section, page
from reports.protocol_spread import Spread, spread_plot, spreads
from reports.speed_plot import speed_accuracy
from reports.tables import Table
from reports.threshold_curves import threshold_curves

FIGURES: dict[str, Callable[[Board], str | None]] = {
    "curves": threshold_curves,
    "precision-recall": plots.precision_recall,
    "errors-frame": lambda board: plots.error_bars(board, "frame"),
    "errors-tube": lambda board: plots.error_bars(board, "tube"),
    "speed": speed_accuracy,
    "classes": lambda board: figures.class_map(board, per_class_metrics(board)[0]),
    "precision-recall-by-class": plots.class_precision_recall,
}
"""What is drawn of a leaderboard, by the name of its file."""


def write_report(runs_dir: Path, out: Path) -> list[Path]:
    """Read all results below ``runs_dir`` and write leaderboards to ``out``; returns the files written.

    ``index.html``; for every leaderboard a Markdown file of its tables, each table as CSV and LaTeX, and the
    figures as SVG. Results that are refused are named on the page. Figures of what has not changed since the
    report before in ``out`` are taken from there (:mod:`reports.kept`). Frame rates are those of `bench
    speed` where it has measured them. Raises ValueError for a file of these that cannot be read.
    """
    found = read_all(runs_dir)
    made = boards(found.results, read_rows(runs_dir / FOLDER))
    sections = tuple(_section(board, out) for board in made)
    moved = tuple(_spread(spread, out) for spread in spreads(made))
    texts = {"index.html": page(sections, moved, found, runs_dir)}
    for section in sections:
        texts |= _files(section.slug, section.tables, section.figures)
    for spread, tables, picture in moved:
        name = _spread_name(spread)
        named = {slug(table.title.partition(": ")[2].partition(" of ")[0]): table for table in tables}
        texts |= _files(name, named, {"spread": picture} if picture else {})
    return [_write(out / name, text) for name, text in texts.items()]


def _files(name: str, tables: dict[str, Table], drawn: dict[str, str]) -> dict[str, str]:
    """Name -> content of everything that belongs to one part of the page."""
    texts = {f"{name}.md": "\n".join(table.markdown() for table in tables.values())}
    for kind, table in tables.items():
        texts |= {f"{name}.{kind}.csv": table.csv(), f"{name}.{kind}.tex": table.latex()}
    return texts | {f"{name}.{kind}.svg": svg for kind, svg in drawn.items()}


def _write(path: Path, text: str) -> Path:
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return path


def _section(board: Board, out: Path) -> Section:
    tables: dict[str, Table | None] = {"leaderboard": leaderboard_table(board), "seeds": seed_table(board)}
    for metric in per_class_metrics(board):
        tables[slug(metric)] = per_class_table(board, metric)
    tables |= {f"errors-{level}": error_table(board, level) for level in ERROR_TITLES}
    name = f"{slug(board.protocol)}-{board.truth_digest[:6]}"
    drawn = kept(out, name, board, lambda: _drawn({n: draw(board) for n, draw in FIGURES.items()}))
    return Section(board, name, {name: table for name, table in tables.items() if table}, drawn)


def _spread(spread: Spread, out: Path) -> Moved:
    drawn = kept(out, _spread_name(spread), spread, lambda: _drawn({"spread": spread_plot(spread)}))
    return Moved(spread, tuple(spread.table(metric) for metric in spread.metrics), drawn.get("spread"))


def _spread_name(spread: Spread) -> str:
    return f"spread-{slug(spread.place)}"


def _drawn(figures: Mapping[str, str | None]) -> dict[str, str]:
    """Those that there was something to draw of."""
    return {name: svg for name, svg in figures.items() if svg}


def slug(text: str) -> str:
    """A name that is safe in files and addresses."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", text).strip("-")[:120]
