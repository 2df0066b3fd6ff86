"""What a run was asked for, in its folder from its beginning; and runs that another version made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from bench import __version__
from bench.files.store import digest, plain, read_json, write_json
from bench.results.result import FILE, Result
from bench.runs.asked import Request
from bench.runs.naming import ASKED
from bench.runs.plan import Plan
from bench.sources import placeless
from datasets import DataError

CONFIG = "config.json"
CODE = "code"
"""In the file of what was asked for: the version of the suite that was asked."""
ALIKE = ("overrides", "fit", "precision", "partial")
"""Of two runs whose folders have one name but for its key: in these they may have been asked different
things."""
SHOWN = 3
"""Settings that a message names."""


def begin(plan: Plan) -> None:
    """Write what was asked for, of which version, and the configuration that it meant."""
    write_json(plan.folder / ASKED, plain(plan.request) | {CODE: __version__})
    write_json(plan.folder / CONFIG, plan.method.config)


def asked_of(folder: Path) -> Request:
    """What the run in a folder was asked for, in the place where the folder lies now.

    Raises ValueError for fields that there are not in this version.
    """
    path = folder / ASKED
    content = read_json(path)
    known = {field.name for field in fields(Request)} | {CODE}
    wrong = sorted(set(content) - known) if isinstance(content, dict) else ["no object"]
    if wrong:
        raise ValueError(
            f"{path}: unknown {', '.join(wrong)}; the run is of another version, name its options"
        )
    root = content["data_root"]
    content |= {"runs_dir": folder.parents[1], "data_root": None if root is None else Path(root)}
    content |= {"overrides": tuple(content["overrides"])}
    return Request(**{name: value for name, value in content.items() if name != CODE})


@contextmanager
def read_today(folder: Path) -> Iterator[None]:
    """Names and settings of a run are resolved here: those that there are no more say who made it.

    Raises ValueError for them; what is wrong with data stays as it is.
    """
    try:
        yield
    except DataError:
        raise
    except ValueError as error:
        raise ValueError(f"{folder} was made by {made_by(folder)}: {error}") from error


def check_same(folder: Path, plan: Plan, made: Path) -> None:
    """Raise ValueError where the folder that this version writes, ``made``, is not that of the run."""
    if folder.name != made.name:
        raise ValueError(
            f"{folder} was made by {made_by(folder, plan.method.config)}; of what it was asked for this "
            "version makes another run. What is there stays, for `bench show` and `bench compare`; "
            f"`{plan.request.command}` makes it anew"
        )


def check_config(folder: Path, result: Result, config: Any) -> None:
    """Raise ValueError where what a result says of its configuration reads otherwise in this version."""
    if digest(placeless(config)) != result.identity.config_digest:
        raise ValueError(
            f"{folder}: its configuration reads otherwise in this version; it was made by "
            f"{made_by(folder, config, result.identity.code_version)}; run it again"
        )


def earlier(plan: Plan) -> str:
    """``FOLDER was made by ...`` of the last run of the same request that another version began.

    Nothing where there is none.
    """
    start, _, _ = plan.folder.name.rpartition("_")
    files = [path for path in plan.folder.parent.glob(f"*/{ASKED}") if path.parent != plan.folder]
    alike = [path for path in files if path.parent.name.rpartition("_")[0] == start]
    alike = [path for path in alike if _asked_alike(read_json(path), plan.request)]
    if not alike:
        return ""
    folder = max(alike, key=lambda path: path.stat().st_mtime).parent
    return f"{folder} was made by {made_by(folder, plan.method.config)}"


def _asked_alike(content: Mapping[str, Any], request: Request) -> bool:
    return all(content.get(name) == plain(getattr(request, name)) for name in ALIKE)


def made_by(folder: Path, config: Any = None, code: str = "") -> str:
    """Which version made a run, in words; and, where that does not tell, how its settings were others.

    code: that version, where it is known.
    """
    code = code or _code(folder)
    if code != __version__:
        return f"version {code} of the suite (this is {__version__})"
    before = read_json(folder / CONFIG) if config is not None and (folder / CONFIG).is_file() else None
    changed = [] if before is None else _changes(_flat(before), _flat(plain(config)))
    state = f"an earlier state of version {code}"
    if changed:
        return f"{state}, with {', '.join(changed[:SHOWN])}{' ...' * (len(changed) > SHOWN)}"
    return f"{state}, or with other annotation, flow or weights"


def _code(folder: Path) -> str:
    """The version that its result says or, before there is one, that was asked."""
    if (folder / FILE).is_file():
        return str(read_json(folder / FILE)["identity"]["code_version"])
    return str(read_json(folder / ASKED).get(CODE, __version__))


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """``path.to.field`` -> value of a configuration as JSON."""
    if not isinstance(value, Mapping):
        return {path: value}
    found: dict[str, Any] = {}
    for name, entry in value.items():
        found |= _flat(entry, f"{path}.{name}" if path else name)
    return found


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """``training.steps=30 (now 40)`` of every setting that was another, and those that came or went."""
    found = []
    for name in dict.fromkeys((*before, *now)):
        if name not in before:
            found.append(f"no {name}")
        elif name not in now:
            found.append(f"{name}={before[name]!r} (now gone)")
        elif before[name] != now[name]:
            found.append(f"{name}={before[name]!r} (now {now[name]!r})")
    return found
