"""The papers' tables with ours beside them: ``bench reproduce``.

Every printed number that a method of the suite can answer names the method, its variant, the protocol and
the metric (``published.csv``); the results below a folder are looked up by these four
(:mod:`reports.answers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.names import choose
from bench.results.result import Result
from bench.speed.rows import Row
from reports.answers import Value, answers, batch_of, dataset_of, variant_of
from reports.footnotes import footnotes
from reports.published import Number, numbers
from reports.tables import EMPTY, Table

Known = Callable[[str, str, str], bool]
"""(method, variant, dataset) -> whether the suite has that variant."""
ABSENT, NONE_YET = "not in this suite yet", "no result yet"
OURS = ", ours"
Ours = Mapping[Number, Sequence[Value]]
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
        split, scored = "all" if split == "mean" else split, evaluator.partition("@")[0]
        return cls(number.our_method, variant_of(number), dataset, split, scored, batch_of(number))


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


def reproduce(
    paper: str, table: str, results: Iterable[Result], known: Known, timed: Sequence[Row] = ()
) -> Reproduced:
    """One table of a paper and the results that answer it; ``timed``: what `bench speed` has measured."""
    shown = [number for number in numbers() if (number.paper, number.table) == (paper, table)]
    ours = answers(shown, results, timed)
    there = {number for number in ours if known(number.our_method, number.our_variant, dataset_of(number))}
    missing = [number for number, values in ours.items() if not values and number in there]
    lacking = {n: NONE_YET if n in there else ABSENT for n, values in ours.items() if not values}
    return Reproduced(
        _laid_out(shown, ours, lacking),
        sum(bool(values) for values in ours.values()),
        len(ours),
        tuple(dict.fromkeys(map(Job.of, missing))),
    )


def _laid_out(shown: Sequence[Number], ours: Ours, lacking: dict[Number, str]) -> Table:
    """Rows and columns as printed; a column that ours can answer has another beside it.

    A letter behind a value of ours leads to what is said of it below. The last column says what answers a
    row, and why cells of it are empty.
    """
    first = shown[0]
    pivoted = (first.paper, first.table) in PIVOTED
    several = len({number.dataset for number in shown}) > 1
    where = {n: (_row(n, pivoted), n.method if pivoted else _metric(n, several)) for n in shown}
    columns = list(dict.fromkeys(column for _, column in where.values()))
    answered = {where[number][1] for number in ours}
    notes = list(dict.fromkeys(n.note for n in shown if n.note))
    letters = _letters(ours)
    cells = {number: _cell(values, letters) for number, values in ours.items()}
    at = {place: number for number, place in where.items()}
    lines = []
    for row in dict.fromkeys(row for row, _ in where.values()):
        texts = []
        for column in columns:
            number = at.get((row, column))
            texts.append(number.value + _mark(number, notes) if number else "")
            texts += [cells.get(number, "") if number else ""] * (column in answered)
        lines.append((*row, *texts, _answers([n for n in ours if where[n][0] == row], lacking)))
    labels = ("variant",) if pivoted else ("method", "variant")
    heads = [head for column in columns for head in (column, column + OURS)[: 1 + (column in answered)]]
    title = f"{first.paper}, Table {first.table}: {', '.join(dict.fromkeys(n.dataset for n in shown))}"
    said = (*_notes(first, notes, ours), *(f"({letter}) {note}" for note, letter in letters.items()))
    return Table(title, (*labels, *heads, "answered by"), tuple(lines), notes=said)


def _letters(ours: Ours) -> dict[str, str]:
    """What is said of values of ours -> its letter, in the order of the numbers; from the 27th on ``aa``."""
    notes = dict.fromkeys(value.note for values in ours.values() for value in values if value.note)
    return {note: chr(ord("a") + n % 26) * (1 + n // 26) for n, note in enumerate(notes)}


def _cell(values: Sequence[Value], letters: dict[str, str]) -> str:
    """``74.9 [70.1–79.0] (a); 60.2 [55.0–65.1]``."""
    marked = [value.text + (f" ({letters[value.note]})" if value.note else "") for value in values]
    return "; ".join(marked) or EMPTY


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


def _row(number: Number, pivoted: bool) -> tuple[str, ...]:
    return (number.variant,) if pivoted else (number.method, number.variant)


def _metric(number: Number, several: bool) -> str:
    """``F-mAP @.5, %``, and the dataset where the table has several."""
    threshold = f" @{number.iou_threshold.replace('0.', '.')}" if number.iou_threshold else ""
    return f"{number.metric}{threshold}, {number.unit}" + f" on {number.dataset}" * several


def _mark(number: Number, notes: Sequence[str]) -> str:
    return MARKS[notes.index(number.note) % len(MARKS)] if number.note else ""
