"""Two results, paired: what is said of them, and when nothing is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench.commands.compare import command
from bench.external.rescore import Request, score
from bench.metrics import Evaluation, paired_difference
from bench.results.comparison import MetricDifference, compare
from bench.results.result import Result, read_matches

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))
import foreign

CLASSES = ("Biking", "Diving", "Fencing")
VIDEOS = tuple(f"{name}/v_{name}_g{group:02}_c01" for name in CLASSES for group in range(8))


def columns(noise: float, seed: int) -> dict[str, Any]:
    """One person in 10 frames of every video, found ``noise`` pixels off, as another class now and then."""
    rng = np.random.default_rng(seed)
    video, frame = np.repeat(np.arange(len(VIDEOS)), 10), np.tile(np.arange(10), len(VIDEOS))
    boxes = np.tile(np.float32([40, 40, 120, 160]), (len(video), 1)) + np.repeat(
        noise * rng.normal(size=(len(video), 2)), 2, axis=0
    ).reshape(-1, 4)
    return {
        "video": [VIDEOS[v] for v in video], "tube": np.zeros(len(video), int), "label": video // 8,
        "frame": frame, "score": np.repeat(rng.random(len(VIDEOS)), 10),
        **foreign.corners(boxes.astype(np.float32)),
    }  # fmt: skip


def scored(folder: Path, noise: float, seed: int = 1, **changes: Any) -> Path:
    """A whole result in ``folder`` of predictions that are so far off."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = columns(0, 0)
    rows.pop("score")
    truth = foreign.write_parquet(
        folder / "truth.parquet",
        rows,
        classes=CLASSES,
        videos=dict.fromkeys(VIDEOS, changes.pop("length", 10)),
    )
    found = columns(noise, seed)
    dropped = changes.pop("dropped", ())
    if dropped:
        keep = ~np.isin(found["video"], dropped)
        found = {name: np.asarray(values)[keep] for name, values in found.items()}
    tubes = foreign.write_parquet(folder / "tubes.parquet", found)
    boxes = foreign.write_parquet(folder / "d.parquet", {k: v for k, v in found.items() if k != "tube"})
    usual: dict[str, Any] = {"protocol": "act", "tubes": tubes, "intervals": False, "name": folder.name}
    score(Request(predictions=boxes, truth=truth, out=folder, **(usual | changes)))
    return folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A good detector and a poor one."""
    folder = tmp_path_factory.mktemp("pair")
    return scored(folder / "good", 10), scored(folder / "poor", 25)


def test_the_better_one_is_named(pair: tuple[Path, Path]) -> None:
    found = compare(pair)
    first = found.metrics[0]
    assert first.metric == "video_map/0.50"
    assert first.difference == pytest.approx(first.a - first.b)
    assert first.low is not None
    assert 0 < first.low <= first.difference <= first.high  # type: ignore[operator]
    assert found.verdict == "A is better"
    assert compare(pair[::-1]).verdict == "B is better"
    assert [row.metric for row in found.metrics] == [
        "video_map/0.50", "frame_map/0.50", "video_map/0.20", "video_map/0.50-0.95"
    ]  # fmt: skip


def test_numbers_are_those_of_the_paired_bootstrap(pair: tuple[Path, Path]) -> None:
    sides = [Evaluation({}, {}, *read_matches(path)) for path in pair]
    results = [Result.read(path) for path in pair]
    for row in compare(pair).metrics:
        expected = paired_difference(sides[0], sides[1], row.metric, results[0].rules)
        assert (row.difference, row.low, row.high, row.p) == expected
        assert (row.a, row.b) == tuple(result.metrics[row.metric].value for result in results)  # type: ignore[union-attr]


def test_classes_are_those_of_the_metric_that_decides(pair: tuple[Path, Path]) -> None:
    found = compare(pair, "frame_map/0.50")
    assert [row.metric for row in found.metrics] == ["frame_map/0.50"]
    results = [Result.read(path).per_class["frame_ap/0.50"] for path in pair]
    for entry in found.classes:
        assert (entry.a, entry.b) == tuple(result[entry.name].value for result in results)  # type: ignore[union-attr]
    sizes = [abs(entry.difference) for entry in found.classes]
    assert sizes == sorted(sizes, reverse=True)
    assert {entry.name for entry in found.classes} == set(CLASSES)


def test_equals_are_not_told_apart(pair: tuple[Path, Path]) -> None:
    same = compare((pair[0], pair[0]))
    assert same.verdict == "no difference shown"
    assert (same.metrics[0].difference, same.metrics[0].p) == (0, 1)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 2.0, "A is better"),
        (-2.0, -0.1, "B is better"),
        (-0.1, 2.0, "no difference shown"),
        (0.0, 2.0, "no difference shown"),
        (None, None, "no difference shown: every class has one source group, resampling says nothing"),
    ],
)
def test_the_verdict_is_that_of_the_interval(low: float | None, high: float | None, said: str) -> None:
    assert MetricDifference("video_map/0.50", 61, 60, 1, low, high, 0.04).verdict == said


def test_refusals(pair: tuple[Path, Path], tmp_path: Path) -> None:
    def refused(other: Path, *said: str, metric: str | None = None) -> None:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is checked here
            compare((pair[0], other), metric)
        for words in said:
            assert words in str(caught.value)

    other = scored(tmp_path / "a" / "good", 10, protocol="voc")
    refused(other, "A was scored under file-truth/all/act@1, B under file-truth/all/voc@1", "bench score")
    refused(scored(tmp_path / "b" / "good", 10, length=12), "scored against different truth")
    part = scored(tmp_path / "c" / "good", 10, dropped=VIDEOS[:2], partial=True)
    refused(part, "different truth", "videos 24 of 24 and 22 of 24")
    frames = scored(tmp_path / "d" / "good", 10, tubes=None)
    refused(frames, "video_map/0.50 is not applicable to B; --metric NAME with one of: frame_map/0.50")
    assert compare((pair[0], frames), "frame_map/0.50").verdict == "no difference shown"
    refused(pair[1], "unknown metric 'frame_map/.5'; did you mean", "frame_map/0.50", metric="frame_map/.5")
    refused(pair[1], "'frame_map/auc' has no matches to compare", metric="frame_map/auc")
    refused(tmp_path / "nothing", "nothing: no result there", "name a result.json or its folder")
    (pair[1] / "truth_counts.parquet").rename(tmp_path / "kept")
    refused(pair[1], "has no truth_counts.parquet")
    (tmp_path / "kept").rename(pair[1] / "truth_counts.parquet")


def test_partial_results_of_the_same_videos(tmp_path: Path) -> None:
    """Their difference is shown, and that they are not ranked."""
    paths = [
        scored(tmp_path / name, noise, dropped=VIDEOS[:2], partial=True)
        for name, noise in (("a", 5), ("b", 25))
    ]
    found = compare((paths[0], paths[1]))
    assert found.partial
    assert found.verdict == "A is better"
    assert "partial: not ranked" in CliRunner().invoke(command, [str(path) for path in paths]).output


def test_the_command(pair: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "compared.json"
    arguments = [str(pair[0]), str(pair[1] / "result.json"), "--json", str(file)]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    found = compare(pair)
    lines = done.output.splitlines()
    assert lines[0] == f"A  good imported, seed 0  {pair[0].name}"
    assert lines[-1] == "by video-mAP @.5: A is better"
    row = next(line for line in lines if line.startswith("│ video-mAP @.5 "))
    first = found.metrics[0]
    for text in (f"{first.a:.1f}", f"{first.b:.1f}", f"{first.difference:+.1f}", f"{first.low:+.1f} to"):
        assert text in row
    assert json.loads(file.read_text())["verdict"] == "A is better"
    assert len(json.loads(file.read_text())["classes"]) == 3
    for entry in found.classes:
        shown = next(line for line in lines if line.startswith(f"│ {entry.name} "))
        assert f"{entry.a:.1f}" in shown
        assert f"{entry.difference:+.1f}" in shown
