"""Forgiving names: what a user types is matched to what there is, and near misses are named."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

MOST_LISTED = 30
"""Names that a message lists when none of them is near."""


def plain(name: str) -> str:
    """Lower case, without separators: ``UCF101-24`` -> ``ucf10124``; ``+`` counts as ``p`` (RecLNet++)."""
    return "".join("p" if c == "+" else c for c in name.lower() if c.isalnum() or c == "+")


def choose(name: str, known: Iterable[str], kind: str, aliases: dict[str, str] | None = None) -> str:
    """The known name that ``name`` means: the same but for case and separators, or an alias of it.

    Raises ValueError that lists the near ones, or all when none is near.
    """
    names = list(known)
    if name in names:
        return name
    spelled = _spelled(names, aliases)
    if plain(name) in spelled:
        return spelled[plain(name)]
    raise ValueError(f"unknown {kind} {name!r}; {near(name, names, aliases)}")


def near(name: str, known: Iterable[str], aliases: dict[str, str] | None = None) -> str:
    """``did you mean A or B?``, the nearest first; or what there is, where none is near."""
    names = sorted(known)
    return guess(name, names, aliases) or f"there are: {listed(names)}"


def guess(name: str, known: Iterable[str], aliases: dict[str, str] | None = None) -> str:
    """``did you mean A or B?``, the nearest first; nothing where none is near."""
    spelled = _spelled(known, aliases)
    close = difflib.get_close_matches(plain(name), spelled, n=3, cutoff=0.6)
    found = list(dict.fromkeys(spelled[c] for c in close))
    return f"did you mean {' or '.join(found)}?" if found else ""


def listed(names: Iterable[str]) -> str:
    """All names, with commas; of very many the first and how many there are."""
    every = list(names)
    many = f" ... ({len(every)})" if len(every) > MOST_LISTED else ""
    return f"{', '.join(every[:MOST_LISTED])}{many}"


def slug(name: str) -> str:
    """A name that is safe in paths and ids."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.") or "predictions"


def _spelled(names: Iterable[str], aliases: dict[str, str] | None) -> dict[str, str]:
    """Plain spelling of every alias and name -> the name."""
    return {plain(a): target for a, target in (aliases or {}).items()} | {plain(n): n for n in names}
