"""The page: what its template is given. Text from files is escaped there, never here."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.results.result import Estimate, Found, Result
from bench.tracking.studies import pictures, studies
from bench.tuning.record import StudyRecord
from reports.board_tables import gap_cells, per_class_metrics, published_source
from reports.boards import Board, Row
from reports.figures import clipped
from reports.gaps import Gap, gap
from reports.notes import notes, sample
from reports.pictures import PICTURES
from reports.protocol_spread import Spread
from reports.published import PublishedMethod
from reports.tables import EMPTY, Table, interval, metric_title, number
from reports.titles import board_title, place_title

TEMPLATES = Path(__file__).with_name("templates")
SHOWN_VIDEOS = (("best-1", "best video"), ("worst-1", "worst video"))
MOST_SHOWN = 3
"""Results whose videos are shown."""
LONGEST = 60
"""Characters of a name that are shown; all of it stands in its title."""


@dataclass(frozen=True)
class Section:
    """A leaderboard with everything that is written about it."""

    board: Board
    slug: str
    tables: dict[str, Table]
    figures: dict[str, str]


class Moved(NamedTuple):
    """How far protocols move the same predictions: the tables and the picture."""

    spread: Spread
    tables: tuple[Table, ...]
    picture: str | None


def page(sections: Sequence[Section], moved: Sequence[Moved], found: Found, runs_dir: Path) -> str:
    """The whole page as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"short": _short, "sentence": lambda text: text[:1].upper() + text[1:]}
    refused = [(path.relative_to(runs_dir).as_posix(), reason.replace(f"{runs_dir}/", ""))
               for path, reason in found.refused]  # fmt: skip
    shown = [_shown(section, runs_dir) for section in sections]
    kinds = (("Real videos", False), ("Rendered miniatures", True))
    groups = [(name, [s for s in shown if s["synthetic"] is rendered]) for name, rendered in kinds]
    spreads = [
        (place_title(m.spread.dataset, m.spread.split), m.tables, m.picture and data_uri(m.picture))
        for m in moved
    ]
    template = environment.get_template("leaderboard.html")
    return template.render(
        groups=groups, spreads=spreads, studies=_studies(runs_dir), refused=refused, count=len(found.results)
    )


def _short(text: str) -> str:
    return clipped(text, LONGEST)


def _shown(section: Section, runs_dir: Path) -> dict[str, Any]:
    """What the template is given of one leaderboard: text, numbers and data URIs."""
    board, tables = section.board, section.tables
    top = max((bound for row in board.rows if (bound := _top(row, board))), default=99.0)
    scale = min(100.0, 10 * (top // 10 + 1))
    return {
        "slug": section.slug,
        "title": board_title(board.protocol),
        "protocol": board.protocol,
        "truth": board.truth_digest,
        "synthetic": board.synthetic,
        "ranking": board.ranking_metric,
        "metrics": [(name, *metric_title(name).rsplit(" ", 1)) for name in board.metrics],
        "rows": [_shown_row(row, board, scale, runs_dir) for row in board.rows],
        "published": [_shown_published(method, board) for method in board.published],
        "class_metric": metric_title(per_class_metrics(board)[0]),
        "sample": sample(board),
        "compared": board.compared,
        "notes": notes(board),
        "fps_notes": [(mark, note) for note, mark in board.fps_marks.items()],
        "seeds": tables.get("seeds"),
        "classes": [tables[name] for name in tables if "_ap" in name or "-ap" in name],
        "errors": [table for name, table in tables.items() if name.startswith("errors-")],
        "figures": {name: data_uri(svg) for name, svg in section.figures.items()},
        "differences": _differences(board),
        "videos": _videos(board),
        "scale": scale,
    }


def _top(row: Row, board: Board) -> float | None:
    estimate = row.result.metrics.get(board.ranking_metric)
    if estimate is None:
        return None
    return estimate.value if estimate.high is None else estimate.high


def _shown_row(row: Row, board: Board, scale: float, runs_dir: Path) -> dict[str, Any]:
    result, training = row.result, row.result.training
    beside = gap(result)
    fps = (f"{row.fps[0]:.1f}", board.fps_marks[row.fps[1]]) if row.fps else (EMPTY, "")
    return {
        "rank": row.rank,
        "status": row.status,
        "marks": row.marks,
        "seed": row.seed,
        "identity": result.identity,
        "values": [_cell(result, name, beside) for name in board.metrics],
        "bar": _bar(result.metrics.get(board.ranking_metric), scale),
        "gap": gap_cells(beside, result),
        "reasons": beside.reasons if beside else (),
        "fps": fps,
        "training": training,
        "steps": f"{training.steps:,}".replace(",", " ") if training else EMPTY,
        "notes": (*result.notes, *result.identity.given),
        "environment": result.environment,
        "path": row.path.parent.relative_to(runs_dir).as_posix(),
        "matches": result.matches_digest,
        "label": row.label,
    }


def _cell(result: Result, name: str, beside: Gap | None) -> dict[str, Any]:
    """One number: as shown, for sorting, its interval, and what the paper has."""
    estimate = result.metrics.get(name)
    paper = beside.values.get(name) if beside else None
    return {
        "name": name,
        "text": number(estimate.value if estimate else None),
        "value": None if estimate is None else round(estimate.value, 6),
        "bounds": interval(estimate),
        "paper": None if paper is None or estimate is None else number(paper),
    }


def _bar(estimate: Estimate | None, scale: float) -> list[float] | None:
    if estimate is None:
        return None
    low, high = (estimate.value if bound is None else bound for bound in (estimate.low, estimate.high))
    return [round(100 * bound / scale, 2) for bound in (low, high - low, estimate.value)]


def _shown_published(method: PublishedMethod, board: Board) -> dict[str, Any]:
    return {
        "method": method.method,
        "variant": method.variant,
        "values": [(name, method.values.get(name, EMPTY)) for name in board.metrics],
        "fps": method.fps or EMPTY,
        "source": published_source(method),
        "notes": method.notes,
        "rules": method.rules,
    }


def _differences(board: Board) -> dict[str, Any] | None:
    """Per-class AP of every result, for the page's script; None with fewer than two results."""
    metric = next((m for m in per_class_metrics(board) if _having(board, m)[1:]), None)
    if metric is None:
        return None
    rows = _having(board, metric)
    classes = list(dict.fromkeys(name for row in rows for name in row.result.per_class[metric]))
    values = [[_ap(row.result, metric, name) for name in classes] for row in rows]
    other = next((i for i, row in enumerate(rows) if row.configuration != rows[0].configuration), 1)
    data = {
        "labels": [_short(row.label) for row in rows],
        "classes": [_short(c) for c in classes],
        "ap": values,
    }
    return {
        "title": metric_title(metric),
        "labels": data["labels"],
        "other": other,
        "json": script_json(data),
    }


def _having(board: Board, metric: str) -> list[Row]:
    return [row for row in board.rows if any(row.result.per_class.get(metric, {}).values())]


def _ap(result: Result, metric: str, name: str) -> float | None:
    estimate = result.per_class[metric].get(name)
    return round(estimate.value, 3) if estimate else None


def script_json(data: Any) -> str:
    """JSON that may stand inside a script element: no character in it can end or open one."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _videos(board: Board) -> list[tuple[str, list[tuple[str, str]]]]:
    """Timelines of the best and the worst video of the first results that have some."""
    found = []
    for row in board.rows:
        files = [(row.path.parent / PICTURES / f"{name}.svg", title) for name, title in SHOWN_VIDEOS]
        shown = [
            (title, data_uri(path.read_text(encoding="utf-8"))) for path, title in files if path.is_file()
        ]
        if shown:
            found.append((row.label, shown))
    return found[:MOST_SHOWN]


def _studies(runs_dir: Path) -> list[dict[str, Any]]:
    """What was tuned, with the pictures beside each study; those that cannot be read are left out."""
    found = []
    for folder in studies(runs_dir):
        with suppress(ValueError):
            study = StudyRecord.read(folder)
            drawn = [path for path in pictures(study, folder) if path.suffix == ".svg"]
            found.append({
                "title": study.title,
                "protocol": study.protocol,
                "tuned_on": study.tuned_on,
                "trials": len(study.trials),
                "gain": f"{study.gain:+.1f} points of {metric_title(study.objectives[0])}",
                "settings": ", ".join(study.settings) or "those of the paper",
                "pictures": [(path.stem, data_uri(path.read_text(encoding="utf-8"))) for path in drawn],
            })  # fmt: skip
    return found


def data_uri(svg: str) -> str:
    """A picture as an address; shown as an image, no script in it runs."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
