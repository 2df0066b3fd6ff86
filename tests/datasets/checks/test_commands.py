"""``bench data check`` and ``bench data list``: exit codes, tables, JSON; the real datasets."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bench.commands.data import command
from datasets.jhmdb import GHOSTS

sys.path.insert(0, str(Path(__file__).parent))
from toy import FRAMES, listen, write_frames

CLIPS = ("run/a_run_u_nm_np1_fr_med_1", "run/b_run_u_nm_np1_fr_med_1")


@pytest.fixture
def jhmdb(tmp_path: Path) -> Path:
    """A data root with a J-HMDB of two videos, which has not the published counts."""
    rows_N5 = np.array([[t + 1, 8, 8, 40, 40] for t in range(FRAMES)], np.float32)
    content = {
        "labels": ["run", "walk"],
        "gttubes": {name: {0: [rows_N5]} for name in CLIPS},
        "nframes": dict.fromkeys(CLIPS, FRAMES),
        "train_videos": [[CLIPS[0]]] * 3,
        "test_videos": [[CLIPS[1]]] * 3,
        "resolution": dict.fromkeys(CLIPS, (48, 64)),
    }
    for name in CLIPS:
        write_frames(tmp_path / "data/jhmdb/Rename_Images" / name)
    (tmp_path / "data/jhmdb/JHMDB-GT.pkl").write_bytes(pickle.dumps(content))
    return tmp_path / "data"


def bench_data(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def test_the_command_tells_what_is_wrong(jhmdb: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    words = ("check", "jhmdb", "--data-root", jhmdb, "--runs-dir", tmp_path / "runs", "--json", out)
    done = bench_data(*words)
    assert done.exit_code == 1
    assert "NOT WHOLE" in done.output
    report = json.loads(out.read_text())
    assert (report["kind"], report["version"], report["dataset"]) == ("data-check", 1, "jhmdb")
    assert not report["whole"]
    found = {row["what"]: row for row in report["parts"]["annotation"]["rows"]}
    assert found["videos"] == {"what": "videos", "found": 2, "wanted": 928, "verdict": "wrong", "names": []}
    there = {row["what"]: row["found"] for row in report["parts"]["videos"]["rows"]}
    assert there["videos that are there"] == 2
    assert list((tmp_path / "runs/cache/videos").rglob("*.json"))


def test_annotations_only_opens_no_video(jhmdb: Path, tmp_path: Path) -> None:
    opened: list[str] = []
    listen(opened)
    done = bench_data("check", "jhmdb", "--data-root", jhmdb, "--annotations-only")
    assert done.exit_code == 1
    assert "videos that are there" not in done.output
    assert not opened


def test_a_miniature_is_whole(micro_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").symlink_to(micro_cache)
    done = bench_data("check", "ucf24-mini.micro", "--runs-dir", tmp_path, "--json", tmp_path / "out.json")
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["whole"]
    assert all(part["whole"] for part in report["parts"].values())


def test_what_cannot_be_checked_is_said(tmp_path: Path) -> None:
    done = bench_data("check", "jhmdb", "--data-root", tmp_path)
    assert isinstance(done.exception, ValueError)
    assert "no J-HMDB-21 in" in str(done.exception)
    done = bench_data("check", "jhmdb")
    assert "--data-root or BENCH_DATA" in str(done.exception)


def test_what_is_on_disk_is_listed(jhmdb: Path, tmp_path: Path) -> None:
    done = bench_data("list", "--data-root", jhmdb)
    assert done.exit_code == 0
    assert "2 of 2 annotated videos" in done.output
    assert f"nothing: there is no {jhmdb / 'ucf24'}" in done.output
    for words in ("http://jhmdb.is.tue.mpg.de", "ICCV 2013", "CC BY 4.0", "UCF101.rar", "daly1.1.0.pkl"):
        assert words in done.output
    shutil.rmtree(jhmdb / "jhmdb/Rename_Images" / CLIPS[0])
    assert "1 of 2 annotated videos" in bench_data("list", "--data-root", jhmdb).output
    (jhmdb / "jhmdb/JHMDB-GT.pkl").write_bytes(b"broken")
    assert "not usable" in bench_data("list", "--data-root", jhmdb).output
    assert "--data-root or BENCH_DATA" in bench_data("list").output


@pytest.mark.realdata
def test_real_jhmdb_is_whole_with_its_ghosts(shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    done = bench_data("check", "jhmdb", "--data-root", shared / "data", "--runs-dir", tmp_path, "--json", out)
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    found = {row["what"]: row for part in report["parts"].values() for row in part["rows"]}
    counts = {
        "videos": 928, "boxes": 31_852, "frames that decode": 31_838, "videos with a mask": 928,
        "boxes of masks that are annotated": 31_838, "splits whose lists equal the pickle's": 3,
        "split 1: training videos": 660, "split 1: test videos": 268, "split 2: training videos": 658,
        "split 2: test videos": 270, "split 3: training videos": 663, "split 3: test videos": 265,
        "boxes past the end of their video": 14, "split 1: test boxes past the end of their video": 13,
        "videos with another number of frames than annotated": 3, "videos that cannot be read whole": 0,
    }  # fmt: skip
    assert {what: found[what]["found"] for what in counts} == counts
    known = {what: row["names"] for what, row in found.items() if row["verdict"] == "known"}
    assert set(known) == {
        "boxes past the end of their video", "videos with another number of frames than annotated"
    }  # fmt: skip
    assert set(known["boxes past the end of their video"]) == set(GHOSTS)
    assert [quirk["count"] for quirk in report["quirks"]] == [14]


@pytest.mark.realdata
def test_real_ucf24_has_whole_annotation_and_most_videos_missing(shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    words = ("check", "ucf24", "--data-root", shared / "data", "--runs-dir", tmp_path, "--json", out)
    assert bench_data(*words).exit_code == 1
    report = json.loads(out.read_text())
    assert report["parts"]["annotation"]["whole"]
    found = {row["what"]: row for part in report["parts"].values() for row in part["rows"]}
    counts = {
        "videos": 3194, "tubes": 4458, "boxes": 573_862, "split 1: test videos": 910,
        "split 1: test tubes": 1315, "split 1: test boxes": 170_580, "untrimmed videos": 1249,
        "most tubes in a video": 10, "shortest tube, frames": 4, "longest tube, frames": 880,
        "videos of more than one class": 0, "videos that finalAnnots.mat annotates alike": 3194,
        "tubes that repeat another of their video exactly": 2, "videos that are there": 12,
        "videos that are missing": 3182, "videos with another number of frames than annotated": 0,
        "videos of another size than annotated (boxes are scaled)": 6, "videos that cannot be read whole": 0,
    }  # fmt: skip
    assert {what: found[what]["found"] for what in counts} == counts
    assert [what for what, row in found.items() if row["verdict"] == "wrong"] == ["videos that are missing"]
    assert {quirk["count"] for quirk in report["quirks"]} == {13, 2, 4458}
    assert bench_data(*words, "--annotations-only").exit_code == 0
