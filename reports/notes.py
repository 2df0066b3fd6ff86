"""What a reader of a leaderboard must know before any of its numbers is believed, in sentences."""

from __future__ import annotations

from reports.boards import Board, best_rows
from reports.figures import MOST_BARS, MOST_CURVES, MOST_SMALL
from reports.tables import metric_title

UNVARIED = (
    "No number has an interval, and all ranks are ties: every class is of one source group, and a resample "
    "of one group is that group."
)
SEVERAL_CONFIGS = (
    "Rows of one name with another config were run with other settings, such as the defaults of two "
    "versions: config.json in their folders."
)
EVALUATED = (
    "Frame rates of an evaluation were taken beside whatever else the machine did; bench speed measures "
    "undisturbed. Only rates that include the same work may be compared."
)
PUBLISHED = (
    "Published rows are the papers' own numbers, made with their code, by the evaluator that stands beside "
    "them, their frame rates on their hardware; they are not ranked."
)
MEANS_ELSEWHERE = (
    "What papers print as the mean over all splits stands on the leaderboard of the mean alone (bench run "
    "--split all)."
)


def notes(board: Board) -> tuple[str, ...]:
    """All that holds of this leaderboard; those of its frame rates are :attr:`Board.fps_marks`."""
    held = {
        SEVERAL_CONFIGS: any(row.twin for row in board.rows),
        EVALUATED: any(row.fps and not row.timed for row in board.rows),
        PUBLISHED: bool(board.published),
        MEANS_ELSEWHERE: board.means_elsewhere,
        _gaps(board): board.compared,
    }
    said = [note for note, holds in held.items() if holds]
    return (_ranking(board), *_intervals(board), *_figures(board), *said)


def sample(board: Board) -> str:
    """``120 test videos of 40 source groups``."""
    videos, groups, _ = board.sample
    whole = f"{videos} test video{'s' * (videos != 1)} of {groups} source group{'s' * (groups != 1)}"
    return whole + ", a video counted once a split" * (board.protocol.split("/")[1] == "mean")


def _ranking(board: Board) -> str:
    return (
        f"Ranked by {metric_title(board.ranking_metric)}: rank = 1 + number of configurations significantly "
        "better (paired bootstrap over source groups, 95%). Ranges are 95% intervals."
    )


def _intervals(board: Board) -> list[str]:
    """Why numbers have none."""
    found = {row.label: [one for one in row.result.metrics.values() if one] for row in board.rows}
    without = [label for label, numbers in found.items() if numbers and all(n.low is None for n in numbers)]
    if not without:
        return []
    if not board.sample.varied:
        return [UNVARIED]
    return [f"Scored without intervals (--no-intervals): {'; '.join(without)}."]


def _figures(board: Board) -> list[str]:
    """Which rows figures leave out."""
    shown = len(best_rows(board))
    best = "the best seed of each configuration" * (shown < len(board.rows))
    limits = (
        f"at most {MOST_CURVES} configurations, of precision and errors {MOST_BARS}, of precision by class "
        f"{MOST_SMALL}"
    ) * (shown > MOST_SMALL)
    said = ", ".join(filter(None, (best, limits)))
    return [f"Figures show {said}."] if said else []


def _gaps(board: Board) -> str:
    title = metric_title(board.ranking_metric)
    return f"A gap is ours minus the paper's number for the same row, in points of {title}."
