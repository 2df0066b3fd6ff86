"""What a check says: rows of counts and of faults, and whether all is well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from datasets.base import Quirk

Verdict = Literal["ok", "known", "wrong", "note"]


@dataclass(frozen=True)
class Row:
    """One thing that was counted.

    A count is compared with ``wanted``, what is published, if that is known. Of a fault ``wanted`` is how
    often it is known to be in the published data: most faults 0 times. names: where it was found.
    """

    what: str
    found: int
    wanted: int | None
    is_fault: bool = False
    names: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """ok; known: a fault just as often as in the published data; wrong; note: nothing to compare with."""
        if self.wanted is None:
            return "note"
        if self.found != self.wanted:
            return "wrong"
        return "known" if self.is_fault and self.found else "ok"


@dataclass(frozen=True)
class Part:
    """The rows of a part of a dataset: ``annotation`` or ``videos``."""

    name: str
    rows: tuple[Row, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong but what is known."""
        return all(row.verdict != "wrong" for row in self.rows)


@dataclass(frozen=True)
class Report:
    """The check of a dataset: its parts, and the quirks of its files with what is done about each."""

    dataset: str
    title: str
    root: str
    parts: tuple[Part, ...]
    quirks: tuple[Quirk, ...]

    @property
    def whole(self) -> bool:
        """Whether every part is."""
        return all(part.whole for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """As JSON types; described in ``docs/data.md``."""
        return {
            "kind": "data-check",
            "version": 1,
            "dataset": self.dataset,
            "title": self.title,
            "root": self.root,
            "whole": self.whole,
            "parts": {part.name: _part(part) for part in self.parts},
            "quirks": [{"name": q.name, "count": q.count, "treatment": q.treatment} for q in self.quirks],
        }


def _part(part: Part) -> dict[str, Any]:
    rows = [
        {
            "what": row.what,
            "found": row.found,
            "wanted": row.wanted,
            "verdict": row.verdict,
            "names": list(row.names),
        }
        for row in part.rows
    ]
    return {"whole": part.whole, "rows": rows}


def fault(what: str, names: Sequence[str], known: int = 0, found: int | None = None) -> Row:
    """A row for a fault: found as often as there are names unless a number is given."""
    return Row(what, len(names) if found is None else found, known, True, tuple(names))
