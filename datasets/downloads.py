"""From what people download, archives or folders, to the layout that the readers want."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from bench.files.store import TEMPORARY
from datasets.archives import is_archive, members
from datasets.base import DataError, Dataset
from datasets.places import PLACES, Place

NAMED = 5
"""Missing videos that are named."""


@dataclass(frozen=True)
class Placed:
    """How many files were put in place, were there before, and are not of this dataset."""

    new: int
    there: int
    others: int


def place(
    name: str,
    downloads: Path,
    root: Path,
    copy: bool = False,
    tell: Callable[[Path], None] = lambda path: None,
) -> Placed:
    """Put what is in a folder (or one file) of downloads where it belongs below ``root``.

    Files are linked (hard links) where they can be and ``copy`` is not asked for, else copied; members of
    archives are written. Each comes whole or not at all, and one that is there is left alone, so what was
    stopped goes on when it is asked for again. ``tell`` hears of each archive before it is read. Raises
    DataError for a broken or hostile archive, for a file that is there with another size, and when the disk
    is full.
    """
    if name not in PLACES:
        raise DataError(
            f"{name} is put in place by hand, as `bench datasets` says; prepared are {', '.join(PLACES)}"
        )
    where = PLACES[name]
    if not downloads.exists():
        raise DataError(f"{downloads}: no such folder or archive of downloads")
    placing = _Placing(root, where, copy)
    root.mkdir(parents=True, exist_ok=True)
    for path in _files(downloads, root):
        if is_archive(path):
            tell(path)
            placing.archive(path)
        else:
            placing.file(path, PurePosixPath(path.relative_to(downloads.parent).as_posix()))
    return Placed(placing.new, placing.there, placing.others)


def still_missing(kind: type[Dataset], root: Path) -> list[str]:
    """What the dataset below ``root`` lacks before it can be used, a line each."""
    dataset = kind(root)
    try:
        names = dataset.ground_truth().videos.names
        for split in dataset.splits:
            dataset.split(split)
        missing = dataset.missing_videos(names)
    except DataError as error:
        return [str(error)]
    if not missing:
        return []
    some = ", ".join(missing[:NAMED]) + (" ..." if len(missing) > NAMED else "")
    return [f"{len(missing):,} of {len(names):,} videos: {some}"]


def _files(downloads: Path, root: Path) -> Iterator[Path]:
    """The files below a folder, in order, without those that are in place."""
    if downloads.is_file():
        yield downloads
    inside = root.resolve()
    for folder, folders, names in os.walk(downloads):
        folders[:] = sorted(f for f in folders if Path(folder, f).resolve() != inside)
        yield from (path for name in sorted(names) if (path := Path(folder, name)).is_file())


@dataclass
class _Placing:
    """Puts files in place and counts them."""

    root: Path
    where: Place
    copy: bool
    new: int = 0
    there: int = 0
    others: int = 0

    def file(self, path: Path, name: PurePosixPath) -> None:
        """One file; ``name`` is its path with the folders that say what it is."""
        target = self._target(name, path.stat().st_size, path)
        if target is not None:
            self._make(target, partial(self._link_or_copy, path))

    def archive(self, path: Path) -> None:
        """All files of an archive that belong somewhere; its own name counts as a folder above them."""
        above = path.name.split(".")[0]
        for member in members(path, self.root):
            target = self._target(PurePosixPath(above, member.path), member.size, path)
            if target is None:
                continue
            free = shutil.disk_usage(self.root).free
            if member.size > free:
                raise DataError(
                    f"{path}: {member.path} takes {member.size:,} bytes, {free:,} are free: make room"
                )
            self._make(target, member.write)

    def _target(self, name: PurePosixPath, size: int, source: Path) -> Path | None:
        """Where a file goes; None if it is of no use or there already."""
        place = self.where(name)
        if place is None:
            self.others += 1
            return None
        target = self.root / place
        if not target.is_file():
            return target
        if target.stat().st_size != size:
            raise DataError(
                f"{target} is there with {target.stat().st_size:,} bytes, {source} has it with {size:,}; "
                "remove the one that is wrong"
            )
        self.there += 1
        return None

    def _make(self, target: Path, write: Callable[[Path], None]) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
        try:
            write(temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        self.new += 1

    def _link_or_copy(self, path: Path, temporary: Path) -> None:
        if not self.copy:
            try:
                os.link(path.resolve(), temporary)
            except OSError:
                pass  # another file system, or one without links
            else:
                return
        try:
            shutil.copyfile(path, temporary)
        except OSError as error:
            raise DataError(f"{path}: cannot be copied to {self.root} ({error.strerror})") from error
