"""``bench report``: every result below a folder as leaderboards, one page and the same tables as text.

The page needs no network and no script. The same results give the same bytes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.files.store import write_atomic
from bench.results.result import Found, read_all
from reports import figures
from reports.boards import (
    Board,
    Row,
    boards,
    error_table,
    leaderboard_table,
    per_class_metrics,
    per_class_table,
    published_source,
    ranking_note,
    seed_table,
)
from reports.published import DATASETS
from reports.tables import EMPTY, Table, interval, metric_title, number

TEMPLATES = Path(__file__).with_name("templates")
PAGE = "leaderboard.html"
MARKS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Section:
    """A leaderboard with everything that is written about it."""

    board: Board
    slug: str
    tables: dict[str, Table]
    figures: dict[str, str]


def write_report(runs_dir: Path, out: Path) -> list[Path]:
    """Read all results below ``runs_dir`` and write leaderboards to ``out``; returns the files written.

    ``index.html``; for every leaderboard a Markdown file of its tables, each table as CSV and LaTeX, and the
    figures as SVG. Results that are refused are named on the page.
    """
    found = read_all(runs_dir)
    sections = [_section(board) for board in boards(found.results)]
    texts = {"index.html": _page(sections, found, runs_dir)}
    for section in sections:
        texts[f"{section.slug}.md"] = "\n".join(table.markdown() for table in section.tables.values())
        for name, table in section.tables.items():
            texts[f"{section.slug}.{name}.csv"] = table.csv()
            texts[f"{section.slug}.{name}.tex"] = table.latex()
        texts |= {f"{section.slug}.{name}.svg": svg for name, svg in section.figures.items()}
    return [_write(out / name, text) for name, text in texts.items()]


def _write(path: Path, text: str) -> Path:
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return path


def _section(board: Board) -> Section:
    tables: dict[str, Table | None] = {"leaderboard": leaderboard_table(board), "seeds": seed_table(board)}
    for metric in per_class_metrics(board):
        tables[_slug(metric)] = per_class_table(board, metric)
    tables["errors"] = error_table(board)
    drawn: dict[str, str | None] = {"curves": figures.threshold_curves(board)}
    first = next((m for m in per_class_metrics(board) if _slug(m) in tables and tables[_slug(m)]), None)
    drawn["classes"] = figures.class_bars(board, first) if first else None
    return Section(
        board,
        f"{_slug(board.protocol)}-{board.truth_digest[:6]}",
        {name: table for name, table in tables.items() if table},
        {name: svg for name, svg in drawn.items() if svg},
    )


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", text).strip("-")


def _page(sections: Sequence[Section], found: Found, runs_dir: Path) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    refused = [(path.relative_to(runs_dir).as_posix(), reason.replace(f"{runs_dir}/", ""))
               for path, reason in found.refused]  # fmt: skip
    shown = [_shown(section, runs_dir) for section in sections]
    groups = [
        ("Real videos", [s for s in shown if not s["synthetic"]]),
        ("Rendered miniatures", [s for s in shown if s["synthetic"]]),
    ]
    return environment.get_template(PAGE).render(groups=groups, refused=refused, count=len(found.results))


def _shown(section: Section, runs_dir: Path) -> dict[str, Any]:
    """What the template is given of one leaderboard: text, numbers and data URIs."""
    board = section.board
    estimates = [e for row in board.rows if (e := row.result.metrics.get(board.ranking_metric))]
    top = max((e.value if e.high is None else e.high for e in estimates), default=99.0)
    scale = min(100.0, 10 * (top // 10 + 1))
    others = {name: table for name, table in section.tables.items() if name not in ("leaderboard", "seeds")}
    return {
        "slug": section.slug,
        "title": _title(board.protocol),
        "protocol": board.protocol,
        "truth": board.truth_digest,
        "synthetic": board.synthetic,
        "ranking": board.ranking_metric,
        "metrics": [(name, *metric_title(name).rsplit(" ", 1)) for name in board.metrics],
        "rows": [_shown_row(row, board, scale, runs_dir) for row in board.rows],
        "published": [_shown_published(method, board) for method in board.published],
        "note": ranking_note(board),
        "fps_notes": list(zip(MARKS, board.fps_notes)),
        "seeds": section.tables.get("seeds"),
        "heat": [table for name, table in others.items() if name != "errors"],
        "errors": others.get("errors"),
        "figures": {name: _data_uri(svg) for name, svg in section.figures.items()},
        "scale": scale,
    }


def _title(protocol: str) -> str:
    """``ucf24-mini@1.small/1/act@1`` -> ``UCF101-24 mini (small), split 1, evaluator act``."""
    dataset, split, evaluator = protocol.split("/", 2)
    name, _, version = dataset.partition("@")
    real, mini = name.removesuffix("-mini"), name.endswith("-mini")
    words = DATASETS.get(real, real) + f" mini ({version.rpartition('.')[2]})" * mini
    splits = "mean of splits" if split == "mean" else f"split {split}"
    return f"{words}, {splits}, evaluator {evaluator.partition('@')[0]}"


def _shown_row(row: Row, board: Board, scale: float, runs_dir: Path) -> dict[str, Any]:
    result, training = row.result, row.result.training
    estimates = [(name, result.metrics.get(name)) for name in board.metrics]
    values = [(name, number(e.value if e else None), interval(e)) for name, e in estimates]
    ranking = result.metrics.get(board.ranking_metric)
    bar = None
    if ranking:
        low, high = (ranking.value if b is None else b for b in (ranking.low, ranking.high))
        bar = [round(100 * bound / scale, 2) for bound in (low, high - low, ranking.value)]
    fps = (f"{row.fps[0]:.1f}", MARKS[board.fps_notes.index(row.fps[1]) % 26]) if row.fps else (EMPTY, "")
    return {
        "rank": row.rank,
        "status": row.status,
        "identity": result.identity,
        "values": values,
        "bar": bar,
        "fps": fps,
        "training": training,
        "steps": f"{training.steps:,}".replace(",", " ") if training else EMPTY,
        "notes": result.notes,
        "environment": result.environment,
        "path": row.path.parent.relative_to(runs_dir).as_posix(),
        "matches": result.matches_digest,
        "label": row.label,
    }


def _shown_published(method: Any, board: Board) -> dict[str, Any]:
    return {
        "method": method.method,
        "variant": method.variant,
        "values": [(name, method.values.get(name, EMPTY)) for name in board.metrics],
        "fps": method.fps or EMPTY,
        "source": published_source(method),
        "notes": method.notes,
    }


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
