"""Forgiving names: what a user types is matched to what there is, and near misses are named."""

from __future__ import annotations

import difflib
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
    """``did you mean A or B?``, or what there is: all names, of very many the first."""
    names = sorted(known)
    spelled = _spelled(names, aliases)
    close = difflib.get_close_matches(plain(name), spelled, n=3, cutoff=0.6)
    found = list(dict.fromkeys(spelled[c] for c in close))
    if found:
        return f"did you mean {' or '.join(found)}?"
    many = f" ... ({len(names)})" if len(names) > MOST_LISTED else ""
    return f"there are: {', '.join(names[:MOST_LISTED])}{many}"


def _spelled(names: Iterable[str], aliases: dict[str, str] | None) -> dict[str, str]:
    """Plain spelling of every alias and name -> the name."""
    return {plain(a): target for a, target in (aliases or {}).items()} | {plain(n): n for n in names}
