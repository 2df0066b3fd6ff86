"""What the frame rate of an evaluation is said to include is what its parts were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.files.tables import write_part
from bench.records import Detections
from bench.runs.predict import speed_of


@pytest.mark.parametrize(
    ("parts", "inside"), [({"network": 2.0, "decode": 1.0}, False), ({"network": 2.0, "flow": 1.0}, True)]
)
def test_flow_is_left_out_only_where_no_time_of_it_was_taken(
    tmp_path: Path, parts: dict[str, float], inside: bool
) -> None:
    facts: dict[str, Any] = {"frames": 30, "seconds": 3.0, "parts": parts, "hardware": "2 CPU cores"}
    write_part(tmp_path, 0, Detections.empty(["a"]), facts)
    speed = speed_of(tmp_path)
    included, left_out = speed.includes.split("; not ")
    assert ("flow" in included) is inside
    assert ("flow" in left_out) is not inside
    assert ("share/flow" in speed.values) is inside
