"""Tables of text: Markdown, CSV, LaTeX, and the terminal's summary of a result."""

from __future__ import annotations

import csv
import html
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results.result import Estimate, Result

if TYPE_CHECKING:
    from rich.table import Table as RichTable

EMPTY = "–"
LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
}


@dataclass(frozen=True)
class Table:
    """Rows of text under a title; ``numeric``: how many of the last columns are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: int = 0
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """A heading, the table and its notes; text from files cannot become markup."""
        left = len(self.columns) - self.numeric
        rule = ["---"] * left + ["---:"] * self.numeric
        lines = [f"## {_markdown(self.title)}", "", _line([_markdown(c) for c in self.columns]), _line(rule)]
        lines += [_line([_markdown(cell) for cell in row]) for row in self.rows]
        lines += [""] * bool(self.notes) + [f"* {_markdown(note)}" for note in self.notes]
        return "\n".join(lines) + "\n"

    def csv(self) -> str:
        """A header line and the rows; what a spreadsheet would take for a formula is quoted with ``'``."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([_no_formula(c) for c in self.columns])
        writer.writerows([_no_formula("" if cell == EMPTY else cell) for cell in row] for row in self.rows)
        return out.getvalue()

    def latex(self) -> str:
        """A ``tabular`` with booktabs rules."""
        layout = "l" * (len(self.columns) - self.numeric) + "r" * self.numeric
        body = [" & ".join(map(_latex, row)) + r" \\" for row in self.rows]
        head = " & ".join(map(_latex, self.columns)) + r" \\"
        lines = [f"% {_latex(self.title)}", rf"\begin{{tabular}}{{{layout}}}", r"\toprule", head, r"\midrule"]
        return "\n".join([*lines, *body, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    plain = html.escape(re.sub(r"\s+", " ", text), quote=False)
    return re.sub(r"([\\`*\[\]|])", r"\\\1", plain)


def _latex(text: str) -> str:
    return "".join(LATEX.get(c, c) for c in re.sub(r"\s+", " ", text))


def _no_formula(text: str) -> str:
    number = re.fullmatch(r"[-+]?\d[\d.]*", text)
    return f"'{text}" if text[:1] in "=+-@\t\r" and text and not number else text


def number(value: float | None) -> str:
    """One decimal; a dash where there is none."""
    return EMPTY if value is None else f"{value:.1f}"


def interval(estimate: Estimate | None) -> str:
    """``55.0–66.5``, or nothing."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low:.1f}–{estimate.high:.1f}"


def with_interval(estimate: Estimate | None) -> str:
    """``61.3 [55.0–66.5]``."""
    if estimate is None:
        return EMPTY
    bounds = interval(estimate)
    return f"{estimate.value:.1f} [{bounds}]" if bounds else f"{estimate.value:.1f}"


METRIC_WORDS = {
    "frame_map": "frame-mAP",
    "video_map": "video-mAP",
    "frame_ap": "frame AP",
    "video_ap": "video AP",
}


def metric_title(name: str) -> str:
    """``video_map/0.50-0.95`` -> ``video-mAP @.5:.95``."""
    kind, _, threshold = name.partition("/")
    words = METRIC_WORDS.get(kind, kind)
    numeric = re.fullmatch(r"[\d.]+(-[\d.]+)?", threshold)
    if not numeric:
        return f"{words} {threshold}".strip()
    return f"{words} @{':'.join(_short(t) for t in threshold.split('-'))}"


def _short(threshold: str) -> str:
    return f"{float(threshold):g}".removeprefix("0")


def result_table(result: Result) -> RichTable:
    """Metrics with their intervals, for the terminal at the end of a run."""
    from rich.markup import escape
    from rich.table import Table as RichTable

    identity, coverage = result.identity, result.coverage
    title = f"{identity.title} {identity.variant}, seed {identity.seed}"
    caption = f"{result.protocol}, {coverage.videos} videos"
    if coverage.partial:
        caption = f"{result.protocol}, partial {coverage.videos}/{coverage.expected}: not ranked"
    table = RichTable(
        title=escape(title), caption=escape(caption), title_justify="left", caption_justify="left"
    )
    table.add_column("metric")
    table.add_column("%", justify="right")
    table.add_column("95% interval", justify="right")
    for name, estimate in result.metrics.items():
        style = "bold" if name == result.ranking_metric else None
        value = "n/a" if estimate is None else number(estimate.value)
        table.add_row(escape(metric_title(name)), value, interval(estimate), style=style)
    for name, fps in (result.speed.values if result.speed else {}).items():
        table.add_row(escape(name), f"{fps:.1f}", "", style="dim")
    return table
