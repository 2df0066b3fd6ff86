"""Flow that is used once: as the store would give it, in a file that is gone afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.flow import FlowStore, source
from bench.flow.mapped import MappedFlow
from bench.video import Video
from bench.video.writing import write_video


def test_it_is_what_the_store_gives(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    picture = random.integers(0, 255, (48, 64, 3), np.uint8)
    write_video(tmp_path / "v.mp4", (np.roll(picture, 2 * k, axis=1) for k in range(40)), 25)
    video, dis, told = Video("v", tmp_path / "v.mp4", 64, 48), source("dis"), []
    stored = FlowStore(tmp_path / "store", dis, (32, 24))
    stored.compute(video)
    expected, bound = stored.read_quantized(video)
    before = sorted(tmp_path.iterdir())
    flow, mapped_bound = MappedFlow(dis, (32, 24), tmp_path, told.append).read_quantized(video)
    np.testing.assert_array_equal(flow, expected[:])
    assert mapped_bound == bound
    assert isinstance(flow, np.memmap)
    assert told[-1] == 40
    assert sorted(tmp_path.iterdir()) == before
