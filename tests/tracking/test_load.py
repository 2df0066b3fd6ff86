"""The load of the machine, sampled while a run works."""

from __future__ import annotations

from pathlib import Path

from bench.files.curves import read_curve
from bench.tracking.load import Load


def test_a_run_shorter_than_a_sample_has_one(tmp_path: Path) -> None:
    path = tmp_path / "run" / "load.csv"
    with Load(path) as load:
        load.next = load.began + 1000.0
        load.sample()
        assert not path.exists()
        load.sample(last=True)
        load.sample(last=True)
    ((step, values),) = read_curve(path)
    assert step < 1000
    assert any("cpu" in name for name in values)
