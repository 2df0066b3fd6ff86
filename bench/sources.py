"""Files that a configuration names: weights to start from, clips, tracks of another program.

A field that says where one lies is marked, ``field(default="", metadata=SOURCE)``; empty: none is named yet.
Words that it may hold and that are no file stand beside: ``SOURCE | {"words": ("own",)}``. Where a file lies
is no part of what is run: it is in no label, and keys hold the digest of what is in it. A result tells name
and digest.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bench.files.store import digest, digest_file

Config = TypeVar("Config")
SOURCE = {"source": True}
"""Metadata of a field that names a file or folder."""


@dataclass(frozen=True)
class Source:
    """A file or folder that a run was given: its name, not where it lay, and a digest of its content."""

    name: str
    digest: str


def is_given(field: Field[Any], value: Any) -> bool:
    """Whether a field is marked, and ``value`` of it names a file or folder."""
    return bool(field.metadata.get("source") and value and value not in field.metadata.get("words", ()))


def marked(config: Any, prefix: str = "") -> Iterator[tuple[str, Field[Any], Any]]:
    """(``path.to.field``, field, value) of every marked field of a config tree."""
    for field in fields(config):
        value = getattr(config, field.name)
        if field.metadata.get("source"):
            yield f"{prefix}{field.name}", field, value
        elif is_dataclass(value):
            yield from marked(value, f"{prefix}{field.name}.")


def placeless(config: Config) -> Config:
    """The config with every field empty that names a file: what labels, digests and keys are made of."""
    changes: dict[str, Any] = {}
    for field in fields(config):  # type: ignore[arg-type]
        value = getattr(config, field.name)
        if is_given(field, value):
            changes[field.name] = ""
        elif is_dataclass(value) and (bare := placeless(value)) != value:
            changes[field.name] = bare
    return replace(config, **changes) if changes else config  # type: ignore[type-var]


def sources(config: Any) -> dict[str, Source]:
    """``path.to.field`` -> what it names. Raises ValueError for what is not there, naming the field."""
    found = {}
    for key, field, value in marked(config):
        if is_given(field, value):
            try:
                found[key] = Source(Path(value).name, digest_source(Path(value)))
            except FileNotFoundError:
                raise ValueError(f"{key}: no file or folder {value}") from None
    return found


def recorded(config: Any, content: Mapping[str, Any]) -> list[str]:
    """``path.to.field=value`` of the marked fields that another config, as JSON, has otherwise."""
    found = []
    for key, _, value in marked(config):
        there: Any = content
        for name in key.split("."):
            there = there.get(name, value) if isinstance(there, Mapping) else value
        if there != value:
            found.append(f"{key}={there}")
    return found


def digest_source(path: Path) -> str:
    """Of a file's bytes; of a folder by the bytes of the files in it, and the names and sizes in its folders.

    Nothing deeper is looked at, and clips are not read: there are too many. What is hidden does not count.
    Raises FileNotFoundError.
    """
    if not path.is_dir():
        return digest_file(path)
    return digest({
        entry.name: digest_file(Path(entry)) if entry.is_file() else _listed(entry)
        for entry in os.scandir(path)
        if not entry.name.startswith(".")
    })  # fmt: skip


def _listed(folder: os.DirEntry[str]) -> dict[str, int]:
    """Name -> bytes of what is in a folder, 0 for a folder."""
    return {
        entry.name: entry.stat().st_size if entry.is_file() else 0
        for entry in os.scandir(folder)
        if not entry.name.startswith(".")
    }
