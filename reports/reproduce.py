"""The papers' tables with ours beside them: ``bench reproduce``.

Every printed number that a method of the suite can answer names the method, its variant, the protocol and
the metric (``published.csv``); the results below a folder are looked up by these four. Frame rates are looked
up among the measurements of `bench speed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from bench.metrics.errors.oracle import SUBSETS
from bench.names import choose
from bench.results.result import Estimate, Result
from bench.speed.rows import Row, by_device
from reports.footnotes import footnotes
from reports.published import Number, numbers
from reports.tables import EMPTY, Table, with_interval

Known = Callable[[str, str, str], bool]
"""(method, variant, dataset) -> whether the suite has that variant."""
RATE = "fps/end_to_end/batch_"
"""Metric keys of frame rates begin so, and end in the number of frames at a time."""
ABSENT, NONE_YET = "not in this suite yet", "no result yet"
OURS = ", ours"
MARKS = "¹²³⁴⁵⁶⁷⁸⁹"
PIVOTED = {("pcsc2019", "5"), ("reclnet2018", "6"), ("reclnet2018", "12")}
"""Tables whose columns are methods; all others have a row a method and variant, a column a metric."""


@dataclass(frozen=True)
class Job:
    """A run, or a measurement of speed, that would fill cells of a table."""

    method: str
    variant: str
    dataset: str
    split: str
    protocol: str
    batch: str = ""

    @property
    def command(self) -> str:
        """What a person types."""
        asked = f"--method {self.method} --variant {self.variant} --dataset {self.dataset}"
        if self.batch:
            return f"bench speed {asked} --batch {self.batch}"
        return f"bench run {asked} --split {self.split} --protocol {self.protocol}"

    @classmethod
    def of(cls, number: Number) -> Job:
        """What answers a number; the mean over splits wants all of them."""
        dataset, split, evaluator = number.our_protocol.split("/")
        batch = number.metric_key.removeprefix(RATE) if number.metric_key.startswith(RATE) else ""
        split = "all" if split == "mean" else split
        variant = f"full+{number.our_variant}"
        return cls(number.our_method, variant, dataset, split, evaluator.partition("@")[0], batch)


@dataclass(frozen=True)
class Reproduced:
    """A table with ours beside it. answered: cells that have a result, of those that can have one; jobs: what
    would fill the others, as far as the suite has it.
    """

    table: Table
    answered: int
    answerable: int
    jobs: tuple[Job, ...]


def tables() -> list[tuple[str, str]]:
    """(paper, table) of all tables, in the order of the papers."""
    return list(dict.fromkeys((number.paper, number.table) for number in numbers()))


def find_table(text: str) -> tuple[str, str]:
    """(paper, table) of ``pcsc/5``, ``pcsc2019/5`` or ``elnouby/2``, which is Table II.

    A paper goes by its key, its first author or its method. Raises ValueError naming what there is.
    """
    paper, slash, table = text.partition("/")
    papers = list(dict.fromkeys(paper for paper, _ in tables()))
    names = {
        number.our_method: number.paper for number in numbers() if number.our_method and not number.quoted
    }
    paper = choose(paper, papers, "paper", names | {key.rstrip("0123456789"): key for key in papers})
    own = [name for key, name in tables() if key == paper]
    if not slash:
        raise ValueError(f"which table of {paper}? Name {paper}/{own[0]}, or one of {', '.join(own)}")
    counted = {str(i): name for i, name in enumerate(own, 1)}
    return paper, choose(table, own, f"table of {paper}", counted)


def estimate(result: Result, key: str) -> Estimate | None:
    """What a result holds under a key; None: not applicable.

    ``frame_map/0.50``, ``detections/f_score`` ... as in ``metrics``; ``video_ap/0.30/<class>`` of one class;
    ``video_map/0.30/short``: the mean of a subset of the classes; ``error/oracle/short/none``: of the
    decompositions.
    """
    kind, _, rest = key.partition("/")
    if kind == "error":
        level, _, name = rest.partition("/")
        return _plain(result.errors.get(level, {}).get(name))
    threshold, _, part = rest.partition("/")
    if not part:
        return result.metrics.get(key)
    classes = result.per_class.get(f"{kind.replace('_map', '_ap')}/{threshold}", {})
    if kind.endswith("_ap"):
        return classes.get(part)
    values = [one.value for name in SUBSETS[part] if (one := classes.get(name)) is not None]
    return _plain(mean(values)) if len(values) == len(SUBSETS[part]) else None


def _plain(value: float | None) -> Estimate | None:
    return None if value is None else Estimate(value)


def reproduce(
    paper: str, table: str, results: Iterable[Result], known: Known, timed: Sequence[Row] = ()
) -> Reproduced:
    """One table of a paper and the results that answer it; tuned, partial and changed runs do not.

    ``timed``: what `bench speed` has measured; it answers the frame rates.
    """
    shown = [number for number in numbers() if (number.paper, number.table) == (paper, table)]
    found = _by_answer(results)
    rates = {number: _timed(number, timed) for number in shown if number.metric_key.startswith(RATE)}
    ours = {
        number: _rates(rates[number]) if number in rates else _ours(number, found)
        for number in shown
        if number.our_method
    }
    there = {number for number in ours if known(number.our_method, number.our_variant, _dataset(number))}
    missing = [number for number, text in ours.items() if not text and number in there]
    lacking = {n: NONE_YET if n in there else ABSENT for n, text in ours.items() if not text}
    return Reproduced(
        _laid_out(shown, ours, lacking, [row for rows in rates.values() for row in rows.values()]),
        sum(bool(text) for text in ours.values()),
        len(ours),
        tuple(dict.fromkeys(map(Job.of, missing))),
    )


def _dataset(number: Number) -> str:
    return number.our_protocol.partition("/")[0]


def _by_answer(results: Iterable[Result]) -> dict[tuple[str, str, str], list[Result]]:
    """Results by method, variant and protocol; seeds stand together."""
    found: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        identity = result.identity
        if not (result.coverage.partial or identity.tuned):
            found.setdefault((identity.method, identity.variant, result.protocol), []).append(result)
    return found


def _ours(number: Number, found: dict[tuple[str, str, str], list[Result]]) -> str:
    """``74.9 [70.1–79.0]``, of several seeds ``74.9 ± 0.4``; nothing where there is no result."""
    results = found.get((number.our_method, f"full+{number.our_variant}", number.our_protocol), [])
    values = [one for result in results if (one := estimate(result, number.metric_key)) is not None]
    if len(values) > 1:
        return f"{mean(v.value for v in values):.1f} ± {stdev(v.value for v in values):.1f}"
    return with_interval(values[0]) if values else ""


def _timed(number: Number, rows: Sequence[Row]) -> dict[str, Row]:
    """Device -> the measurement that answers a frame rate."""
    job = Job.of(number)
    return by_device(rows, job.method, job.variant, job.dataset, int(job.batch))


def _rates(timed: dict[str, Row]) -> str:
    """``38.2 on NVIDIA H200``, each device for itself; nothing where nothing was timed."""
    return "; ".join(f"{row.end_to_end.fps:.1f} on {device}" for device, row in sorted(timed.items()))


def _laid_out(
    shown: Sequence[Number], ours: dict[Number, str], lacking: dict[Number, str], timed: Sequence[Row]
) -> Table:
    """Rows and columns as printed; a column that ours can answer has another beside it.

    The last column says what answers a row, and why cells of it are empty.
    """
    first = shown[0]
    pivoted = (first.paper, first.table) in PIVOTED
    several = len({number.dataset for number in shown}) > 1
    where = {n: (_row(n, pivoted), n.method if pivoted else _metric(n, several)) for n in shown}
    columns = list(dict.fromkeys(column for _, column in where.values()))
    answered = {where[number][1] for number in ours}
    notes = list(dict.fromkeys(n.note for n in shown if n.note))
    at = {place: number for number, place in where.items()}
    lines = []
    for row in dict.fromkeys(row for row, _ in where.values()):
        texts = []
        for column in columns:
            number = at.get((row, column))
            texts.append(number.value + _mark(number, notes) if number else "")
            texts += [ours.get(number) or EMPTY if number in ours else ""] * (column in answered)
        lines.append((*row, *texts, _answers([n for n in ours if where[n][0] == row], lacking)))
    labels = ("variant",) if pivoted else ("method", "variant")
    heads = [head for column in columns for head in (column, column + OURS)[: 1 + (column in answered)]]
    title = f"{first.paper}, Table {first.table}: {', '.join(dict.fromkeys(n.dataset for n in shown))}"
    said = (*_notes(first, notes, ours), *dict.fromkeys(map(_said, timed)))
    return Table(title, (*labels, *heads, "answered by"), tuple(lines), notes=said)


def _answers(mine: Sequence[Number], lacking: dict[Number, str]) -> str:
    """``pcsc stage-1-no-features, stage-1: no result yet``."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for number in mine:
        found.setdefault((number.our_method, lacking.get(number, "")), {})[number.our_variant] = None
    return "; ".join(
        f"{method} {', '.join(variants)}" + (f": {why}" if why else "")
        for (method, why), variants in found.items()
    )


def _notes(first: Number, marked: Sequence[str], words: Iterable[Number]) -> tuple[str, ...]:
    """Those of single numbers by their marks, those of the table, and how ours is scored."""
    protocols = ", ".join(dict.fromkeys(number.our_protocol for number in words))
    own = [f"{MARKS[i % len(MARKS)]} {note}" for i, note in enumerate(marked)]
    scored = [f"ours: full size, {protocols}"] if protocols else []
    return (*own, *footnotes(first.paper, first.table), *scored)


def _said(row: Row) -> str:
    """What a frame rate of ours is of."""
    return f"ours, FPS of {row.key.method} {row.key.variant}: {row.way}"


def _row(number: Number, pivoted: bool) -> tuple[str, ...]:
    return (number.variant,) if pivoted else (number.method, number.variant)


def _metric(number: Number, several: bool) -> str:
    """``F-mAP @.5, %``, and the dataset where the table has several."""
    threshold = f" @{number.iou_threshold.replace('0.', '.')}" if number.iou_threshold else ""
    return f"{number.metric}{threshold}, {number.unit}" + f" on {number.dataset}" * several


def _mark(number: Number, notes: Sequence[str]) -> str:
    return MARKS[notes.index(number.note) % len(MARKS)] if number.note else ""
