"""Flow sources by name.

A source is an entry ``module:attribute``, imported when it is asked for. The modules may lie in packages that
this one knows nothing of: a network that a method holds is a source as well. Outsiders add theirs through the
entry-point group ``bench.flow``, or give ``module:attribute`` itself as the name.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from bench.flow.base import FlowSource, LearnedSource, UnavailableError
from bench.names import choose

NETWORKS = (
    *("flownet2", "flownet2-css", "flownet2-cs", "flownet2-sd", "flownet2-s", "flownet2-c"),
    *("pwc-net", "pwc-net-old", "tiny"),
)
"""Networks that methods hold."""
ENTRIES = {
    "dis": "bench.flow.classical:Dis",
    "tvl1": "bench.flow.classical:TvL1",
    "brox": "bench.flow.brox:Brox",
    "raft": "bench.flow.raft:Raft",
    "raft-small": "bench.flow.raft:RaftSmall",
    **{name: f"methods.nn.flow_sources:{name.replace('-', '_')}" for name in NETWORKS},
}
ALIASES = {"raft-large": "raft", "pwcnet": "pwc-net"}


def names() -> list[str]:
    """All names, also of sources that cannot be used here."""
    return list(_entries())


def sources() -> dict[str, type[FlowSource]]:
    """The sources whose code is here, by name; learned ones may lack their weights."""
    found = {}
    for name, entry in _entries().items():
        try:
            found[name] = _imported(entry)
        except (UnavailableError, ModuleNotFoundError):
            continue
    return found


def source(name: str) -> FlowSource:
    """The flow source of that name (or ``module:attribute``), ready for use.

    Raises ValueError if it is unknown, and with the reason and the mend if it cannot be used here.
    """
    known = _entries()
    chosen = name if ":" in name else choose(name, known, "flow source", ALIASES)
    try:
        return _imported(known.get(chosen, chosen)).ready()
    except ModuleNotFoundError as error:
        reason = f"it needs {error.name}, which is not installed"
    except UnavailableError as error:
        reason = str(error)
    others = sorted(n for n, kind in sources().items() if not issubclass(kind, LearnedSource))
    raise ValueError(
        f"flow source {chosen!r} is not available: {reason}; without weights there are {', '.join(others)}"
    )


def _entries() -> dict[str, str]:
    return {e.name: e.value for e in entry_points(group="bench.flow")} | ENTRIES


def _imported(entry: str) -> type[FlowSource]:
    """The class of an entry.

    Raises UnavailableError if there is none, ModuleNotFoundError if it needs a package that is not there.
    """
    module, _, attribute = entry.partition(":")
    try:
        kind = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise UnavailableError(f"its code ({entry}) is not part of this version") from None
        raise
    if not (isinstance(kind, type) and issubclass(kind, FlowSource)):
        raise UnavailableError(f"{entry} is no flow source")
    return kind
