"""Linking of predictions that lie in files, anybody's, by any rule of :mod:`bench.tubes`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import __version__
from bench.external.linkable import read_linkable
from bench.external.truths import Told
from bench.files.store import digest, digest_file
from bench.files.tables import write_detections, write_tubes
from bench.interop.formats import Manner
from bench.interop.rows import Notes
from bench.names import choose
from bench.records import Detections, Tubes
from bench.runs import settings
from bench.tubes import LINKERS, PUBLISHED, Linking
from bench.tubes.tubelet_linking import TubeletLinking
from bench.tubes.tubelets import frame_detections


@dataclass(frozen=True)
class Request:
    """What a user asks for, in words. out: a file of tubes ``*.parquet``, or a folder for detections too."""

    predictions: Path
    linker: str
    out: Path
    overrides: Sequence[str] = ()
    format: str | None = None
    box_offset: float | None = None
    told: Told = Told()


@dataclass(frozen=True)
class Linked:
    """The tubes that were written. classes: names by label; seconds: of linking, without reading."""

    tubes: Tubes
    classes: tuple[str, ...]
    linking: Linking
    seconds: float
    notes: Notes


def pipeline(name: str, overrides: Sequence[str] = ()) -> Linking:
    """The linker or published pipeline of that name, with ``key=value`` settings applied.

    Raises ValueError for unknown names and keys, naming near ones.
    """
    known = {rule: Linking(linker=linker) for rule, linker in LINKERS.items()} | PUBLISHED
    changed: Linking = settings.apply(known[choose(name, known, "linker")], overrides)
    return changed


def link(request: Request) -> Linked:
    """Link and write. Raises ValueError for what is not there, not readable, or lacks what a rule needs."""
    linking = pipeline(request.linker, request.overrides)
    truth = request.told.read().truth
    manner = Manner(request.format, request.box_offset)
    read = read_linkable(request.predictions, truth, manner, isinstance(linking.linker, TubeletLinking))
    began = time.perf_counter()
    try:
        tubes = linking.tubes(read.found, read.frames_V)
    except ValueError as error:
        raise ValueError(f"{request.predictions}: {error}") from error
    seconds = time.perf_counter() - began
    facts = {
        "linker": request.linker,
        "settings": linking,
        "predictions": digest_path(request.predictions),
        "classes": read.classes,
        "code": __version__,
    }
    if request.out.suffix == ".parquet":
        write_tubes(request.out, tubes, facts)
    else:
        found = read.found
        boxes = linking.detections(found) if isinstance(found, Detections) else frame_detections(found)
        write_detections(request.out / "detections.parquet", boxes, facts)
        write_tubes(request.out / "tubes.parquet", tubes, facts)
    return Linked(tubes, read.classes, linking, seconds, read.notes)


def digest_path(path: Path) -> str:
    """Of a file, as :func:`digest_file`; of a folder: of the names and digests of all files in it."""
    if path.is_file():
        return digest_file(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return digest([(file.relative_to(path).as_posix(), digest_file(file)) for file in files])
