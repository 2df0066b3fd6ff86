"""``bench score`` and ``bench compare`` as a person meets them: what is printed, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bench.external.rescore import Request, score
from bench.metrics import evaluate
from bench.protocol import EVALUATORS, Protocol
from bench.results.result import Result

sys.path.insert(0, str(Path(__file__).parent / "interop"))
sys.path.insert(0, str(Path(__file__).parent / "metrics"))
import foreign
import goldens

HEAVY = ("torch", "mlflow", "matplotlib", "cv2", "decord")
PROGRAM = f"""
import sys
sys.argv[0] = "bench"
from bench.cli import main
try:
    main()
finally:
    import resource
    used = resource.getrusage(resource.RUSAGE_SELF)
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    print("USED", used.ru_maxrss, used.ru_utime + used.ru_stime, heavy, file=sys.stderr)
"""
Bench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Runs ``bench`` in an empty folder; the last line on stderr says what it used."""
    environment = {k: v for k, v in os.environ.items() if k != "BENCH_DATA"}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return lambda *arguments: subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)], env=environment, cwd=tmp_path, timeout=300,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def scene(tmp_path: Path) -> list[str]:
    """Arguments that name truth, predictions and tubes."""
    detections, tubes = foreign.predictions()
    foreign.parquet_truth(tmp_path / "truth.parquet")
    foreign.parquet_detections(tmp_path / "d.parquet", detections)
    foreign.parquet_tubes(tmp_path / "t.parquet", tubes)
    return ["--truth", "truth.parquet", "--predictions", "d.parquet", "--tubes", "t.parquet"]


def test_a_score_and_a_comparison(bench: Bench, scene: list[str], tmp_path: Path) -> None:
    """Numbers, notes and where the result lies are printed; nothing heavy was imported for it."""
    done = bench("score", *scene, "--protocol", "act", "--name", "first")
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().endswith("[]"), done.stderr
    path = tmp_path / done.stdout.splitlines()[-1].split()[-1]
    result = Result.read(path)
    assert result.identity.title == "first"
    files = [tmp_path / name for name in ("d.parquet", "t.parquet", "truth.parquet")]
    here, _ = score(
        Request(files[0], "act", tubes=files[1], truth=files[2], name="first", out=tmp_path / "here")
    )
    assert here.comparable() == result.comparable()
    estimate = result.metrics["frame_map/0.50"]
    assert estimate is not None
    assert f"{estimate.value:.1f}" in next(
        line for line in done.stdout.splitlines() if "frame-mAP @.5 " in line
    )
    assert f"file-truth/all/act@1, {len(foreign.VIDEOS)} videos" in done.stdout
    assert "note       d.parquet read as the suite's Parquet: frames as they are" in done.stdout
    compared = bench("compare", path, path.parent, "--json", "compared.json")
    assert compared.returncode == 0, compared.stderr
    assert compared.stdout.splitlines()[-1] == "by video-mAP @.5: no difference shown"
    assert json.loads((tmp_path / "compared.json").read_text())["metrics"][0]["difference"] == 0


def test_the_spread_over_all_evaluators(bench: Bench, scene: list[str], tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    done = bench("score", *scene, "--protocol", "all")
    assert done.returncode == 0, done.stderr
    assert set(tmp_path.iterdir()) == before
    for name in EVALUATORS:
        assert f"│ {name} " in done.stdout
    notes = [line for line in done.stdout.splitlines() if line.startswith("note ")]
    assert any("voc" in note and "scores frames alone" in note for note in notes)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--protocol", "atc"), "bench: unknown evaluator 'atc'; did you mean act"),
        (("--protocol", "act", "--format", "cocoa"), "bench: unknown format 'cocoa'; did you mean coco?"),
        (("--protocol", "act", "--tubes", "gone.parquet"), "bench: gone.parquet: no such file or folder"),
        (
            ("--protocol", "act", "--out", "x.json"),
            "bench: --out x.json: the file is always called result.json",
        ),
        ((), "--protocol"),
        (("--protocol", "act", "--box-offset", "one"), "'one' is not a valid float"),
    ],
)
def test_a_slip_is_exit_code_2_and_one_line(
    bench: Bench, scene: list[str], arguments: tuple[str, ...], said: str
) -> None:
    done = bench("score", *scene, *arguments)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_partial_is_said(bench: Bench, scene: list[str], tmp_path: Path) -> None:
    detections, _ = foreign.predictions()
    foreign.parquet_detections(tmp_path / "d.parquet", detections[detections.video != 2])
    refused = bench("score", *scene, "--protocol", "act")
    assert refused.returncode == 2
    assert f"d.parquet lacks 1 of 5 videos: {foreign.VIDEOS[2]}." in refused.stderr
    done = bench("score", *scene, "--protocol", "act", "--partial")
    assert done.returncode == 0, done.stderr
    assert "partial 4/5: not ranked" in " ".join(done.stdout.split())


@pytest.mark.parity
@pytest.mark.parametrize("name", ["ucf24_small", "ucf24_full"])
def test_the_reference_inputs_from_file_to_result(
    shared: Path, tmp_path: Path, bench: Bench, name: str
) -> None:
    """Converted from their 1-based frames: the numbers of the arrays, and of ACT; within 8 s and 1.5 GB."""
    folder = shared / "golden/inputs" / name
    table = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    names = table["videos"].set_index("video")["name"]
    lengths = dict(zip(table["videos"]["name"], table["videos"]["nframes"].tolist()))
    labels = json.loads((folder / "meta.json").read_text())["labels"]

    def converted(rows: pd.DataFrame, **more: object) -> dict[str, object]:
        changed = rows.assign(
            video=rows["video"].map(names), frame=rows["frame"] - 1, label=rows["cls"], **more
        )
        return {key: changed[key].to_numpy() for key in changed if key not in ("cls", "tube_score")}

    boxes, linked = table["frame_dets"], table["det_tubes"]
    foreign.write_parquet(
        tmp_path / "truth.parquet", converted(table["gt_tubes"]), classes=labels, videos=lengths
    )
    foreign.write_parquet(tmp_path / "d.parquet", converted(boxes))
    number = linked.groupby(["video", "cls", "tube"], sort=False).ngroup()
    tubes = converted(linked, tube=number, frame_score=linked["score"], score=linked["tube_score"])
    foreign.write_parquet(tmp_path / "t.parquet", tubes)
    files = ("--truth", "truth.parquet", "--predictions", "d.parquet", "--tubes", "t.parquet")
    began = time.perf_counter()
    done = bench("score", *files, "--protocol", "act", "--no-intervals", "--out", "result.json")
    wall = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    *_, memory, seconds, heavy = done.stderr.splitlines()[-1].split(maxsplit=3)
    assert heavy == "[]"
    assert int(memory) < 1.5 * 2**20
    assert float(seconds) < 8, f"{wall:.1f} s of wall clock"
    metrics = {key: None if e is None else e.value for key, e in Result.read(tmp_path).metrics.items()}
    truth = goldens.ground_truth(labels, table["videos"], table["gt_tubes"])
    known = truth.videos.names
    arrays = goldens.detections(known, boxes), goldens.tubes(known, linked)
    direct = evaluate(truth, *arrays, Protocol("ucf24", "1", EVALUATORS["act"])).metrics
    assert metrics == pytest.approx(direct, abs=1e-9)
    stated = {"ucf24_small": (66.0714, 83.874, 72.147), "ucf24_full": (52.7488, 86.919, 75.922)}[name]
    found = [metrics[key] for key in ("frame_map/0.50", "video_map/0.20", "video_map/0.50")]
    assert found == pytest.approx(stated, abs=6e-4)


@pytest.mark.parity
@pytest.mark.parametrize(
    ("protocol", "with_excluded", "stated"),
    [
        ("ava", True, 48.901),
        ("ava-2019", False, 48.565),
        ("ava-2019", True, 48.964),
        ("ava-slowfast", True, 48.138),
        ("ava-mmaction2", True, 49.343),
    ],
)
def test_ava_from_its_csv(
    shared: Path, tmp_path: Path, protocol: str, with_excluded: bool, stated: float
) -> None:
    """The timestamps to be left out are found beside the truth by their official name."""
    folder = shared / "golden/inputs/ava_small"
    meta = json.loads((folder / "meta.json").read_text())
    for name, file in (("gt", "ava_val_v2.2.csv"), ("dets", "found.csv")):
        rows = pd.read_parquet(folder / f"{name}.parquet")
        lines = [
            ",".join([
                f"vid{row.video:04d},{row.timestamp:04d}",
                *(f"{edge / 1000:.3f}" for edge in (row.x1, row.y1, row.x2, row.y2)),
                str(row.action_id),
                *([f"{row.score / 1e7:.7f}"] if name == "dets" else []),
            ])
            for row in rows.itertuples()
        ]  # fmt: skip
        (tmp_path / file).write_text("\n".join(lines) + "\n")
    excluded = "\n".join(f"vid{video:04d},{second:04d}" for video, second in meta["excluded"])
    if with_excluded:
        (tmp_path / "ava_val_excluded_timestamps_v2.2.csv").write_text(excluded + "\n")
    request = Request(
        tmp_path / "found.csv", protocol, truth=tmp_path / "ava_val_v2.2.csv", out=tmp_path, intervals=False
    )
    result, _ = score(request)
    assert result.metrics["frame_map/0.50"].value == pytest.approx(stated, abs=6e-4)  # type: ignore[union-attr]
    assert result.ranking_metric == "frame_map/0.50"
    assert any(note.startswith("excluded timestamps: ") for note in result.notes)
