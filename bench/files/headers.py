"""What a Parquet file says of itself, in the key-value metadata of its schema.

Ours lies under ``bench``, a JSON object: format version, kind, all videos (those without rows too), free
facts. Other programs may give two plain keys: ``classes``, a JSON list of names in label order, and
``videos``, a JSON list of names or an object from name to number of frames.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.files.store import plain

FORMAT = 1


@dataclass(frozen=True)
class Header:
    """What a file says of itself. ``facts``: method, config digest, checkpoint digest, protocol, ..."""

    kind: str
    videos: tuple[str, ...] | None
    facts: dict[str, Any]

    def metadata(self) -> dict[str, str]:
        """As key-value metadata of a schema."""
        stored = {"format": FORMAT, "kind": self.kind, "videos": self.videos, "facts": self.facts}
        return {"bench": json.dumps(plain(stored))}


def header_of(path: Path, schema: pa.Schema) -> Header:
    """What the schema of the file ``path`` says. Raises ValueError naming the file and what is wrong."""
    metadata = schema.metadata or {}
    if b"bench" not in metadata:
        return _foreign_header(path, metadata)
    stored = _json(path, metadata, b"bench", dict)
    if stored.get("format") != FORMAT:
        raise ValueError(f"{path} has format {stored.get('format')}, this version reads {FORMAT}")
    videos, kind, facts = stored.get("videos"), stored.get("kind", ""), stored.get("facts", {})
    if not isinstance(kind, str) or not isinstance(facts, dict) or not isinstance(videos, list | None):
        raise ValueError(f"{path}, metadata bench: kind, videos or facts are of the wrong kind")
    return Header(kind, None if videos is None else tuple(_names(path, "videos", videos)), facts)


def _foreign_header(path: Path, metadata: Mapping[bytes, bytes]) -> Header:
    """What another program may say: ``classes`` and ``videos``, names, or videos with their frame counts."""
    facts: dict[str, Any] = {}
    if b"classes" in metadata:
        facts["classes"] = _names(path, "classes", _json(path, metadata, b"classes", list))
    if b"videos" not in metadata:
        return Header("", None, facts)
    videos = _json(path, metadata, b"videos", (dict, list))
    if isinstance(videos, dict):
        wrong = [
            name for name, frames in videos.items() if type(frames) is not int or not 0 <= frames < 2**31
        ]
        if wrong:
            raise ValueError(f"{path}, metadata videos: {wrong[0]!r} has {videos[wrong[0]]!r} frames")
        facts["frames"] = videos
    return Header("", tuple(_names(path, "videos", list(videos))), facts)


def _json(path: Path, metadata: Mapping[bytes, bytes], key: bytes, kind: type | tuple[type, ...]) -> Any:
    try:
        value = json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}, metadata {key.decode()}: not JSON ({error})") from error
    if not isinstance(value, kind):
        raise ValueError(f"{path}, metadata {key.decode()}: {metadata[key][:60]!r} is of the wrong kind")
    return value


def _names(path: Path, what: str, values: list[Any]) -> list[str]:
    if not all(isinstance(name, str) for name in values) or len(set(values)) < len(values):
        raise ValueError(f"{path}, metadata {what}: must be different names, not {values!r:.80}")
    return values
