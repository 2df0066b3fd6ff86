"""Archives as people download them, read without ever writing where a member's name or link leads.

A member is only opened; the caller says where its bytes go. An archive with one hostile member (an absolute
name, ``..``, a link that leads out, a device) is refused before anything of it is used.
"""

from __future__ import annotations

import shutil
import stat
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import IO

from datasets.errors import DataError
from datasets.files import check_name

TAR, ZIP, RAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"), (".zip",), (".rar",)
UNRAR = {
    "unrar": ("x", "-o+", "-y", "-p-", "-idq"),
    "bsdtar": ("-x", "-f"),
    "7z": ("x", "-y", "-bd"),
}
"""Programs that unpack RAR into the working folder, with their arguments before the archive."""

_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True)
class Member:
    """A file in an archive, to be written before the next one comes."""

    archive: Path
    path: PurePosixPath
    size: int
    _open: Callable[[], IO[bytes]]

    def write(self, target: Path) -> None:
        """Unpack it to that file. Raises DataError where the archive is broken or the disk is full."""
        try:
            with self._open() as source, target.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
        except _BROKEN as error:
            raise DataError(f"{self.archive}: {self.path} cannot be unpacked ({error!s:.200})") from error


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is an archive that can be read."""
    return path.name.lower().endswith((*TAR, *ZIP, *RAR))


def members(path: Path, scratch: Path) -> Iterator[Member]:
    """The files in an archive. RAR is unpacked in a folder below ``scratch`` first, by another program.

    Raises DataError that names the archive where it is broken or hostile, or nothing here can unpack it.
    """
    name = path.name.lower()
    read = _zip if name.endswith(ZIP) else _tar if name.endswith(TAR) else _rar
    try:
        yield from read(path, scratch)
    except _BROKEN as error:
        raise DataError(f"{path}: not a whole archive ({error!s:.200}); get it again") from error


def _tar(path: Path, scratch: Path) -> Iterator[Member]:
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            _check_tar_member(path, member, scratch)
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            if member.isfile():
                yield Member(path, _relative(path, member.name), member.size, partial(_open, archive, member))


def _open(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(member)
    assert stream is not None
    return stream


def _check_tar_member(path: Path, member: tarfile.TarInfo, scratch: Path) -> None:
    _relative(path, member.name)
    if member.size > shutil.disk_usage(scratch).total:
        raise _refused(path, f"{member.name!r:.200} is larger than the disk")
    try:
        tarfile.data_filter(member, str(scratch))
    except tarfile.FilterError as error:
        raise _refused(path, str(error)) from error


def _zip(path: Path, scratch: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        for info in infos:
            _relative(path, info.filename)
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(path, f"{info.filename!r:.200} is a link or a device")
        for info in infos:
            if not info.is_dir():
                yield Member(
                    path, _relative(path, info.filename), info.file_size, partial(archive.open, info)
                )


def _relative(archive: Path, name: str) -> PurePosixPath:
    """A member's name as a relative path. Raises DataError for one that leads out."""
    plain = "/".join(part for part in name.removesuffix("/").split("/") if part != ".")
    try:
        return PurePosixPath(check_name(plain, archive) if plain else ".")
    except DataError as error:
        raise _refused(archive, f"{name!r:.200} is no path inside it") from error


def _refused(archive: Path, why: str) -> DataError:
    return DataError(f"{archive}: refused, {why}; get it from its official source")


def _rar(path: Path, scratch: Path) -> Iterator[Member]:
    with _unpacked(path, scratch) as folder:
        files = [file for file in sorted(folder.rglob("*")) if file.is_symlink() or not file.is_dir()]
        for file in files:
            if file.is_symlink() or not file.is_file():
                raise _refused(path, f"{file.name!r} is a link or a device")
        for file in files:
            relative = PurePosixPath(file.relative_to(folder).as_posix())
            yield Member(path, relative, file.stat().st_size, partial(FileIO, file))


@contextmanager
def _unpacked(path: Path, scratch: Path) -> Iterator[Path]:
    """A folder, removed afterwards, into which another program unpacked the archive."""
    program = next((found for name in UNRAR if (found := shutil.which(name))), None)
    if program is None:
        raise DataError(
            f"{path}: RAR is unpacked by {', '.join(UNRAR)}, none of which is installed; install one, or "
            "unpack it elsewhere and name that folder"
        )
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=scratch) as folder:
        command = [program, *UNRAR[Path(program).name], str(path.resolve())]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise DataError(f"{path}: {Path(program).name} cannot unpack it: {done.stderr.strip()[-200:]}")
        yield Path(folder)
