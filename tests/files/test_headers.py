"""What a Parquet file says of itself: our object, the plain keys of other programs, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bench.files.headers import Header, header_of

PATH = Path("some/file.parquet")


def schema(**metadata: Any) -> pa.Schema:
    text = {key: value if isinstance(value, bytes) else json.dumps(value) for key, value in metadata.items()}
    return pa.schema([("frame", pa.int32())]).with_metadata(text)


def test_ours_is_read_as_it_was_written() -> None:
    header = Header("tubes", ("a", "b"), {"classes": ["x"], "floor": 0.01})
    assert header_of(PATH, pa.schema([]).with_metadata(header.metadata())) == header


def test_plain_keys() -> None:
    assert header_of(PATH, schema()) == Header("", None, {})
    assert header_of(PATH, schema(classes=["x", "y"])) == Header("", None, {"classes": ["x", "y"]})
    assert header_of(PATH, schema(videos=["b", "a"])) == Header("", ("b", "a"), {})
    lengths = {"b": 3, "a": 0}
    assert header_of(PATH, schema(videos=lengths)) == Header("", ("b", "a"), {"frames": lengths})
    ours = {"format": 1, "kind": "tubes", "videos": None, "facts": {}}
    assert header_of(PATH, schema(bench=ours, classes=["x"])) == Header("tubes", None, {})


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"classes": b"[1"}, "metadata classes: not JSON"),
        ({"classes": {"a": 1}}, "metadata classes: b'{\"a\": 1}' is of the wrong kind"),
        ({"classes": ["a", 1]}, "metadata classes: must be different names"),
        ({"videos": ["a", "a"]}, "metadata videos: must be different names"),
        ({"videos": {"a": -1}}, "metadata videos: 'a' has -1 frames"),
        ({"videos": {"a": True}}, "metadata videos: 'a' has True frames"),
        ({"videos": 3}, "is of the wrong kind"),
        ({"bench": b"\xff"}, "metadata bench: not JSON"),
        ({"bench": []}, "is of the wrong kind"),
        ({"bench": {"format": 7}}, "has format 7, this version reads 1"),
        ({"bench": {"format": 1, "videos": "ab"}}, "kind, videos or facts are of the wrong kind"),
        ({"bench": {"format": 1, "facts": []}}, "kind, videos or facts are of the wrong kind"),
        ({"bench": {"format": 1, "videos": ["a", 2]}}, "metadata videos: must be different names"),
    ],
)
def test_what_is_refused(metadata: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        header_of(PATH, schema(**metadata))
    assert str(PATH) in str(caught.value)
