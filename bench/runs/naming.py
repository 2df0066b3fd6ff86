"""Which run a user means: its folder, its name, or a part of that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.names import choose
from bench.results.result import FILE, NO_RESULTS

ASKED = "request.json"
"""What a run was asked for, in its folder from its beginning."""
SHOWN = 5
"""Runs that a message names where a part of a name is that of several."""


def find_run(name: str, runs_dir: Path, finished: bool = False) -> Path:
    """The folder of the run that ``name`` means.

    It may be the folder or a file of it; the run's name; or any part of ``DATASET/NAME`` below ``runs_dir``
    that no other run has. ``finished``: only runs with a result are meant. Raises ValueError where there is
    none, naming near ones, or where there are several.
    """
    path = Path(name)
    folder = path.parent if path.name in (FILE, ASKED) else path
    if _is_run(folder):
        return _checked(folder, finished)
    if folder.exists():
        raise ValueError(f"{folder} is no run: it has no {FILE}; a run's folder is {runs_dir}/DATASET/RUN")
    known = _runs(runs_dir)
    if not known:
        raise ValueError(f"no run {name}, and none below {runs_dir}; name its folder, or --runs-dir")
    text = (path.relative_to(runs_dir) if path.is_relative_to(runs_dir) else path).as_posix()
    meant = [key for key, place in known.items() if text in (place.name, key)]
    meant = meant or [key for key in known if text in key]
    if finished:
        meant = [key for key in meant if (known[key] / FILE).is_file()] or meant
    if len(meant) > 1:
        some = ", ".join(meant[:SHOWN]) + " ..." * (len(meant) > SHOWN)
        raise ValueError(f"{name} may be {len(meant)} runs: {some}; name one")
    return _checked(known[meant[0]] if meant else _near(text, known), finished)


def _is_run(folder: Path) -> bool:
    return any((folder / file).is_file() for file in (FILE, ASKED))


def _runs(runs_dir: Path) -> dict[str, Path]:
    """``DATASET/NAME`` -> folder of every run that was begun, sorted."""
    found = sorted({path.parent for file in (FILE, ASKED) for path in runs_dir.glob(f"*/*/{file}")})
    return {f"{one.parent.name}/{one.name}": one for one in found if one.parent.name not in NO_RESULTS}


def _near(text: str, known: Mapping[str, Path]) -> Path:
    """The run that is called so but for case and separators. Raises ValueError naming near ones."""
    names = {path.name: path for path in known.values()}
    return names[choose(text.rpartition("/")[2], names, "run")]


def _checked(folder: Path, finished: bool) -> Path:
    """Its absolute path. Raises ValueError where a finished run is wanted and this one is not."""
    if finished and not (folder / FILE).is_file():
        raise ValueError(
            f"{folder} is begun, but not finished: it has no {FILE}. Give the `bench run` that began it "
            f"again, or `bench train`, `predict` and `score` {folder.name}"
        )
    return folder.resolve()
