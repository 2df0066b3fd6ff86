"""Rendering is reproducible, versioned, whole or absent, and survives encoding."""

from __future__ import annotations

import json
from pathlib import Path

import decord
import numpy as np
import pytest

from datasets.mini import jhmdb, ucf24
from datasets.mini.draw import Draw
from datasets.mini.render import Job, frames_of

# A change of any of these is a change of the dataset: raise its VERSION, and store the new numbers.
MICRO = {
    "ucf24-mini": "a152b326aaffe5b016647b8912acbfd1bd89b9cde5e9351ea2e59c6e539cb2de",
    "jhmdb-mini": "99f741ffb2ecfc356e2b522c8551213302898bc59b1449d7fb19613d59cdc2fb",
}
SMALL = {  # of the videos at a few places of the list of jobs
    "ucf24-mini": {
        0: "8967ce746e5130c25141b8a8b09ee692648df078f0c8cf753d68e21231f050f3",
        200: "bb123c86842ddb4fdabcd412f6e72f3f3107bd878589372ce28fe36a5ceee43d",
        407: "26fb79c17a4af8f6ecf2c9b7c40b4936072eed56dd9086ad2e6a17cd85dabdd1",
    },
    "jhmdb-mini": {
        0: "b42fc238036fb0b2e093482692a86618e38f7f5259710800328976a285616316",
        190: "436c1068ac8835b93e3c7ccc653c48a9205229e6b0583c754ff4adbedda0d6da",
        377: "527b7cd537c8f3ae6c6170606e3702f56ef0d88800f7509a137b0955f86e2cea",
    },
}
LARGE = {  # of a video of the size that was called so
    "ucf24-mini": "ddbf95df018f4a3b041acb550e03cb642e953f5a388605be66cbe7c30ddd5f9d",
    "jhmdb-mini": "4debac5d1621ba2eb4b7bd87c03119c3bb6b324abe48d799adcaa85c3d581fde",
}
CHANGED = "the rendering changed: raise VERSION of the miniature and store the new digest"


def manifest(root: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((root / "dataset.json").read_text())
    return found


def test_micro_digests(ucf24_micro: Path, jhmdb_micro: Path) -> None:
    for root in (ucf24_micro, jhmdb_micro):
        facts = manifest(root)
        assert (facts["version"], facts["size"]) == (1, "micro")
        assert facts["digest"] == MICRO[str(facts["name"])], CHANGED


def test_what_was_large_is_drawn_as_before() -> None:
    """The size that `medium` and `full` took over is named in the draws, so its pictures stay."""
    assert {job.key.split("/")[0] for job in ucf24.jobs(Path(), "medium")} == {"ucf24-mini@1.large"}
    assert {job.key.split("/")[0] for job in jhmdb.jobs(Path(), "full")} == {"jhmdb-mini@1.large"}
    for dataset, size, place in ((ucf24, "medium", 5), (jhmdb, "full", 7)):
        job = dataset.jobs(Path(), size)[place]
        assert frames_of(job)[1].digest == LARGE[dataset.NAME], CHANGED


@pytest.mark.parametrize("dataset", [ucf24, jhmdb])
def test_small_frames(dataset: object) -> None:
    todo = dataset.jobs(Path(), "small")  # type: ignore[attr-defined]
    for place, digest in SMALL[dataset.NAME].items():  # type: ignore[attr-defined]
        assert frames_of(todo[place])[1].digest == digest, CHANGED


def test_workers_do_not_matter(jhmdb_micro: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    jhmdb.render_jhmdb_mini(
        tmp_path / "two", "micro", workers=2, progress=lambda *counts: seen.append(counts)
    )
    assert manifest(tmp_path / "two") == manifest(jhmdb_micro)
    assert seen == [(done, 63) for done in range(1, 64)]
    files = sorted(path.relative_to(jhmdb_micro) for path in jhmdb_micro.rglob("*") if path.is_file())
    assert len(files) == 63 + 63 + 2
    for file in files:
        assert (tmp_path / "two" / file).read_bytes() == (jhmdb_micro / file).read_bytes()


def test_present_is_left_alone(ucf24_micro: Path) -> None:
    before = (ucf24_micro / "dataset.json").stat().st_mtime_ns
    ucf24.render_ucf24_mini(ucf24_micro, "micro")
    assert (ucf24_micro / "dataset.json").stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="not \\('ucf24-mini', 1, 'small'\\)"):
        ucf24.render_ucf24_mini(ucf24_micro, "small")
    with pytest.raises(ValueError, match="not a rendered dataset"):
        ucf24.render_ucf24_mini(ucf24_micro / "ucf24", "micro")
    with pytest.raises(ValueError, match="sizes: micro, small, medium, full"):
        ucf24.render_ucf24_mini(ucf24_micro / "new", "huge")


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        jhmdb.render_jhmdb_mini(tmp_path / "data", "micro", workers=1, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == [".data.lock"]


def decoded(path: Path) -> decord.VideoReader:
    return decord.VideoReader(str(path), num_threads=1)


def some_jobs(root: Path, dataset: object) -> list[Job]:
    found: list[Job] = dataset.jobs(root, "micro")[::7]  # type: ignore[attr-defined]
    return found


def test_encoding(ucf24_micro: Path, jhmdb_micro: Path) -> None:
    """Every frame decodes, by index and in any order, close to what was drawn."""
    for job in [*some_jobs(ucf24_micro, ucf24), *some_jobs(jhmdb_micro, jhmdb)]:
        drawn, rendered = frames_of(job)
        reader = decoded(job.path)
        assert len(reader) == rendered.frames == len(drawn)
        read = reader.get_batch(range(len(reader))).asnumpy()
        assert read.shape == drawn.shape == (rendered.frames, 96, 128, 3)
        assert np.abs(read.astype(int) - drawn).mean() < 4.0
        order = np.random.default_rng(0).permutation(len(read))
        assert np.array_equal(decoded(job.path).get_batch(order.tolist()).asnumpy(), read[order])


def test_every_file_decodes_to_its_length(ucf24_micro: Path, jhmdb_micro: Path) -> None:
    for root, folder in ((ucf24_micro, "ucf24/videos"), (jhmdb_micro, "jhmdb/ReCompress_Videos")):
        videos = manifest(root)["videos"]
        assert isinstance(videos, dict)
        for name, facts in videos.items():
            reader = decoded(root / folder / f"{name}.avi")
            assert len(reader) == facts["frames"]
            assert round(reader.get_avg_fps()) == 25


def test_draws() -> None:
    draw = Draw("a", 1)
    values = [draw.unit() for _ in range(4000)]
    assert 0.0 <= min(values) < 0.01
    assert 0.99 < max(values) < 1.0
    assert abs(np.mean(values) - 0.5) < 0.02
    assert {draw.integer(2, 4) for _ in range(100)} == {2, 3, 4}
    assert {draw.sign() for _ in range(100)} == {-1, 1}
    assert Draw("a", 1).unit() == values[0] != Draw("a", 2).unit()
    assert Draw("x").bytes(3, 5).shape == (3, 5)
