"""Forgiving names: what a user types is matched to what there is, and near misses are named."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
    spelled = {plain(alias): target for alias, target in (aliases or {}).items()}
    spelled |= {plain(n): n for n in names}
    if plain(name) in spelled:
        return spelled[plain(name)]
    close = difflib.get_close_matches(plain(name), spelled, n=3, cutoff=0.6)
    near = list(dict.fromkeys(spelled[c] for c in close))
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(sorted(names))}"
    raise ValueError(f"unknown {kind} {name!r}; {hint}")
