"""Files written whole or not at all, digests, and the store of finished steps.

A step's key is the digest of its inputs and of the part of the configuration that it reads. Its files lie
in ``root/step/key``; ``done.json`` is written last, so a folder without it is unfinished work that the next
run continues.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import math
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

import numpy as np

TEMPORARY = ".tmp-"
"""Prefix of files that are being written; those of killed processes are removed with the next lock."""

log = logging.getLogger("bench")


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Make ``path`` by ``write(temporary)``: a reader sees the old file or the whole new one, never a part.

    The temporary file lies in the same folder and keeps the name's ending. File and folder are synced, so
    the file also survives a loss of power. If ``write`` raises, ``path`` is as before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}")
    try:
        write(temporary)
        _sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def write_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Make the folder ``path``, which is not there yet, by ``write(temporary folder)``: whole or absent.

    Where another process made it meanwhile, that one's stays.
    """
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}")
    temporary.mkdir(parents=True)
    try:
        write(temporary)
        for file in temporary.iterdir():
            _sync(file)
        _sync(temporary)
        if not path.exists():
            temporary.rename(path)
    finally:
        remove(temporary)
    _sync(path.parent)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; neither need be there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain(value: Any) -> Any:
    """``value`` as JSON types: dataclasses to dicts, tuples, sets and arrays to lists, paths to text.

    Raises TypeError for anything else and ValueError for NaN and infinities, which JSON cannot hold.
    """
    if value is None or (isinstance(value, (bool, int, str)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise ValueError(f"{float(value)} cannot be stored: JSON has no such number")
        return float(value)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    if isinstance(value, PurePath):
        return value.as_posix()
    return _plain_container(value)


def _plain_container(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong:
            raise TypeError(f"the key {wrong[0]!r} is not text; JSON objects have text keys")
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(entry) for entry in value), key=lambda entry: json.dumps(entry, sort_keys=True))
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON: {value!r:.80}")


def write_json(path: Path, value: Any) -> None:
    """``value`` (see :func:`plain`) as indented JSON, in the order of its fields and keys."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises ValueError naming the file if it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error


def digest(value: Any) -> str:
    """First 16 hexadecimal digits of the SHA-256 of ``value``'s canonical JSON.

    Equal content gives equal digests whatever class holds it: a dataclass counts as its field names and
    values, a tuple as a list. Keys are sorted, floats written by ``repr``; 1 and 1.0 differ.
    """
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest_file(path: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``; wait for a process that has it, saying so after a second.

    The lock belongs to the process and vanishes with it, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not _try_lock(file.fileno(), seconds=1.0):
            holder = path.read_text() or "unknown"
            log.warning("waiting for process %s, which works in %s", holder, path.parent)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _try_lock(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)


@dataclass(frozen=True)
class Store:
    """Steps by name and key below ``root``."""

    root: Path

    def folder(self, step: str, key: str) -> Path:
        """``root/step/key``, made if absent."""
        for name in (step, key):
            if not name or name in (".", "..") or "/" in name:
                raise ValueError(f"{name!r} cannot name a folder of the store")
        folder = self.root / step / key
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def is_done(self, step: str, key: str) -> bool:
        """Whether the step finished."""
        return (self.root / step / key / "done.json").is_file()

    def finish(self, step: str, key: str, facts: Mapping[str, Any]) -> None:
        """Mark the step finished, with what is to be known of it (its inputs, times, digests)."""
        write_json(self.folder(step, key) / "done.json", dict(facts))

    def facts(self, step: str, key: str) -> dict[str, Any]:
        """What :meth:`finish` stored. Raises ValueError if the step is unfinished."""
        if not self.is_done(step, key):
            raise ValueError(f"step {step}/{key} is not finished in {self.root}; run it first")
        facts: dict[str, Any] = read_json(self.root / step / key / "done.json")
        return facts

    @contextmanager
    def lock(self, step: str, key: str) -> Iterator[Path]:
        """The step's folder, for this process alone: ``with store.lock("train", key) as folder``.

        Ask :meth:`is_done` inside: another process may have finished the step while this one waited.
        Half-written files that a killed process left are removed.
        """
        folder = self.folder(step, key)
        with locked(folder / ".lock"):
            for left in list(folder.rglob(f"{TEMPORARY}*")):
                remove(left)
            yield folder
