"""Published state dicts by their layout: how many entries, and a digest of all keys and shapes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

REFERENCE = Path(__file__).parents[2] / "reference/layouts.json"


def layout_of(state: Mapping[str, Tensor]) -> dict[str, int | str]:
    """Entries and digest of a state dict."""
    keys = sorted((name, list(value.shape)) for name, value in state.items())
    text = json.dumps(keys, separators=(",", ":"))
    return {"entries": len(keys), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def published(name: str) -> dict[str, int | str]:
    """The same of an official checkpoint."""
    stored = json.loads(REFERENCE.read_text())[name]
    return {key: stored[key] for key in ("entries", "sha256")}


def parameters(name: str) -> int:
    """Parameters of an official checkpoint's network."""
    return int(json.loads(REFERENCE.read_text())[name]["parameters"])
