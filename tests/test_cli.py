"""The command line as a person meets it: what it lists, and what it says when something is wrong."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

HEAVY = ("torch", "mlflow", "matplotlib", "pandas", "cv2", "numba")
Bench = Callable[..., subprocess.CompletedProcess[str]]


def python(program: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("BENCH_DATA", "MLFLOW_TRACKING_URI")}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-c", program, *arguments], env=environment, cwd=cwd, timeout=120,
                          capture_output=True, text=True, check=False)  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Runs ``bench`` with these arguments in an empty folder."""
    program = "import sys; sys.argv[0] = 'bench'; from bench.cli import main; main()"
    return lambda *arguments: python(program, *arguments, cwd=tmp_path)


def refused(done: subprocess.CompletedProcess[str], *said: str) -> str:
    """Assert that it ended with exit code 2 and one line that says all of these; the line."""
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 or lines[0].startswith("Usage:"), done.stderr
    for words in said:
        assert words in lines[-1]
    return lines[-1]


def test_help_is_light() -> None:
    program = f"""
import sys, time
began = time.perf_counter()
sys.argv = ["bench", "--help"]
from bench.cli import main
try:
    main()
finally:
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    print("SECONDS", time.perf_counter() - began, "HEAVY", heavy)
"""
    done = python(program)
    assert done.returncode == 0, done.stderr
    for command in ("run", "report", "methods", "datasets", "ui"):
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE)
    assert "HEAVY []" in done.stdout
    assert float(re.search(r"SECONDS ([\d.]+)", done.stdout)[1]) < 1  # type: ignore[index]


def test_methods_and_datasets_are_listed_without_torch(bench: Bench) -> None:
    done = bench("methods")
    assert (done.returncode, done.stderr) == (0, "")
    assert "pcsc: PCSC" in done.stdout
    assert "stage-4-no-features" in done.stdout
    assert "full, tiny" in done.stdout
    done = bench("datasets")
    assert (done.returncode, done.stderr) == (0, "")
    for line in (
        "ucf24: UCF101-24, splits 1",
        "jhmdb: J-HMDB-21, splits 1, 2, 3",
        "jhmdb-mini: J-HMDB miniature",
    ):
        assert line in done.stdout
    assert "JHMDB-GT.pkl" in done.stdout
    assert "rendered when first used" in done.stdout
    blocked = "import sys; sys.modules['torch'] = None; from bench.cli import main; main()"
    assert all(python(blocked, command).returncode == 0 for command in ("methods", "datasets"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--method", "psc", "--dataset", "ucf24-mini"), "unknown method 'psc'; did you mean pcsc?"),
        (
            ("--method", "pcsc", "--dataset", "ufc24-mini"),
            "unknown dataset 'ufc24-mini'; did you mean ucf24-mini",
        ),
        (
            ("--method", "pcsc", "--dataset", "ucf24-mini", "--variant", "basline"),
            "unknown variant of pcsc 'basline'; did you mean baseline",
        ),
        (
            ("--method", "pcsc", "--dataset", "ucf24-mini", "--set", "training.stesp=1"),
            "--set training.stesp: unknown config key 'stesp'; did you mean steps?",
        ),
        (
            ("--method", "pcsc", "--dataset", "ucf24-mini", "--variant", "tinny"),
            "unknown variant of pcsc 'tinny'; did you mean tiny? there are sizes full and tiny, and rows def",
        ),
        (
            ("--method", "pcsc", "--dataset", "ucf24-mini", "--variant", "qqq"),
            "unknown variant of pcsc 'qqq'; there are sizes full and tiny, and rows default, no-refinement,",
        ),
        (
            ("--method", "pcsc", "--dataset", "ucf24-mini", "--variant", "tinny+rgb"),
            "unknown size 'tinny'; did you mean tiny?",
        ),
        (("--method", "pcsc", "--dataset", "ucf24-mini", "--set", "training.steps"), "expected key=value"),
        (("--method", "pcsc", "--dataset", "ucf24-mini.tiny"), "no size 'tiny'; sizes: micro, small, medium"),
        (("--method", "pcsc"), "--dataset"),
        (("--method", "pcsc", "--dataset", "ucf24-mini", "--device", "gpu"), "'auto', 'cpu', 'cuda'"),
    ],
)
def test_a_slip_is_answered_in_one_line(
    bench: Bench, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    refused(bench("run", *arguments), said)
    assert not list(tmp_path.iterdir())  # nothing was rendered for it


@pytest.mark.parametrize("command", ["run", "train", "predict", "tune", "data"])
def test_ctrl_c_is_one_line_that_says_how_to_go_on(command: str) -> None:
    """And no traceback; what is stopped is the first thing that each of these asks for."""
    more = {"tune": ["--trials", "3"], "data": []}.get(command, ["--seed", "3"])
    first = ["data", "flow", "ucf24-mini"] if command == "data" else [command, "--dataset", "ucf24-mini"]
    words = [*first, *(["--method", "pcsc"] if command != "data" else []), *more]
    program = f"""
import sys
sys.argv = ["bench", *{words!r}]
import datasets
def stopped(*words):
    raise KeyboardInterrupt
datasets.find = stopped
from bench.cli import main
main()
"""
    done = python(program)
    assert done.returncode == 130
    said = f"what is finished is kept, the same command goes on: bench {' '.join(words)}"
    assert done.stderr.strip() == f"bench: stopped; {said}"


def test_a_file_that_ends_early_is_no_ctrl_c() -> None:
    program = """
import sys
sys.argv = ["bench", "datasets"]
import datasets
def ended():
    raise EOFError("Ran out of input")
datasets.names = ended
from bench.cli import main
main()
"""
    done = python(program)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "EOFError: Ran out of input"


def test_a_full_disk_is_one_line() -> None:
    program = """
import errno, sys
sys.argv = ["bench", "datasets"]
import datasets
def full():
    raise OSError(errno.ENOSPC, "No space left on device", "runs/store")
datasets.names = full
from bench.cli import main
main()
"""
    refused(python(program), "No space left on device: 'runs/store'")


def test_an_unknown_command_is_refused(bench: Bench) -> None:
    assert bench("rum").returncode == 2


@pytest.mark.parametrize(
    ("dataset", "folder", "layout"),
    [("ucf24", "ucf24", "pyannot"), ("jhmdb", "jhmdb", "JHMDB-GT.pkl"), ("UCF101-24", "ucf24", "pyannot")],
)
def test_data_that_is_not_there(bench: Bench, tmp_path: Path, dataset: str, folder: str, layout: str) -> None:
    mini = f"--dataset {folder}-mini"
    refused(bench("run", "--method", "pcsc", "--dataset", dataset), "--data-root or BENCH_DATA", layout, mini)
    root = tmp_path / "data"
    refused(
        bench("run", "--method", "pcsc", "--dataset", dataset, "--data-root", str(root)),
        str(root / folder),
        layout,
        mini,
    )
    (root / folder).mkdir(parents=True)
    refused(
        bench("run", "--method", "pcsc", "--dataset", dataset, "--data-root", str(root)),
        str(root / folder),
        "mini",
    )


CLIPS = ("run/a_run_u_nm_np1_fr_med_1", "run/b_run_u_nm_np1_fr_med_1", "run/c_run_u_nm_np1_fr_med_1")


@pytest.fixture
def jhmdb(tmp_path: Path) -> Path:
    """A data root with a J-HMDB of three videos, each a folder of frames: two train, one tests."""
    import cv2

    root = tmp_path / "data" / "jhmdb"
    rows = np.array([[t + 1, 8, 8, 40, 40] for t in range(6)], np.float32)
    content = {
        "labels": ["run", "walk"],
        "gttubes": {name: {0: [rows]} for name in CLIPS},
        "nframes": dict.fromkeys(CLIPS, 6),
        "train_videos": [list(CLIPS[:2])] * 3,
        "test_videos": [list(CLIPS[2:])] * 3,
        "resolution": dict.fromkeys(CLIPS, (48, 64)),
    }
    for name in CLIPS:
        (root / "Rename_Images" / name).mkdir(parents=True)
        for t in range(6):
            cv2.imwrite(
                str(root / "Rename_Images" / name / f"{t + 1:05d}.png"), np.zeros((48, 64, 3), np.uint8)
            )
    (root / "JHMDB-GT.pkl").write_bytes(pickle.dumps(content))
    return tmp_path / "data"


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


@pytest.mark.parametrize(("lost", "part"), [(0, "1 of 2 training videos"), (2, "1 of 1 test videos")])
def test_data_that_is_there_in_part(bench: Bench, jhmdb: Path, lost: int, part: str) -> None:
    """The missing videos are named before anything is computed."""
    empty(jhmdb / "jhmdb" / "Rename_Images" / CLIPS[lost])
    done = bench("run", "--method", "pcsc", "--dataset", "jhmdb", "--variant", "tiny",
                 "--data-root", str(jhmdb), "--set", "training.steps=1", "--device", "cpu")  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("bench:")]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert part in lines[0]
    assert CLIPS[lost] in lines[0]
    assert "--partial" in lines[0]
    assert "Traceback" not in done.stderr
    assert "train detector" not in done.stderr


def test_a_broken_video_is_named(bench: Bench, jhmdb: Path) -> None:
    frame = jhmdb / "jhmdb" / "Rename_Images" / CLIPS[1] / "00003.png"
    frame.write_bytes(b"not a picture")
    done = bench("run", "--method", "pcsc", "--dataset", "jhmdb", "--variant", "tiny",
                 "--data-root", str(jhmdb), "--set", "training.steps=1", "--device", "cpu")  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("bench:")]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert f"{frame}: not a readable image" in lines[0]
    assert "Traceback" not in done.stderr


def test_the_papers_flow_is_missing_and_the_mend_is_said_before_anything_runs(
    bench: Bench, jhmdb: Path
) -> None:
    done = bench(
        "run", "--method", "pcsc", "--dataset", "jhmdb", "--data-root", str(jhmdb), "--device", "cpu"
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("bench:")]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert "'flownet2' is not available" in lines[0]
    assert "--set model.flow=dis" in lines[0]
    assert "Traceback" not in done.stderr
    assert "train" not in done.stderr


def test_a_run_from_the_command_line(bench: Bench, jhmdb: Path, tmp_path: Path) -> None:
    """A small real data set, from frames to the table; what was overridden and where things lie is shown."""
    done = bench(
        "run",
        "--method",
        "pcsc",
        "--dataset",
        "jhmdb",
        "--variant",
        "tiny+rgb",
        "--data-root",
        str(jhmdb),
        "--set",
        "training.steps=1",
        "--set",
        "model.width=0.0625",
        "--set",
        "model.head_channels=16",
        "--device",
        "cpu",
        "--runs-dir",
        "some/runs-with-quite-a-long-name-that-goes-on-and-on",
    )
    assert done.returncode == 0, done.stderr
    assert "pcsc tiny+rgb model.width=0.0625 model.head_channels=16 training.steps=1" in " ".join(
        done.stderr.split()
    )
    assert "jhmdb/1/act@1" in done.stderr
    results = list((tmp_path / "some").glob("*/jhmdb/*/result.json"))
    assert len(results) == 1
    assert str(results[0].relative_to(tmp_path)) in done.stdout  # in one piece, whatever the width
    assert "frame_map" in done.stdout or "frame-mAP" in done.stdout
    assert "bench ui --runs-dir" in done.stdout
    report = bench("report", "--runs-dir", "some/runs-with-quite-a-long-name-that-goes-on-and-on")
    assert report.returncode == 0, report.stderr
    assert all(Path(tmp_path, line).is_file() for line in report.stdout.split())


def test_another_datasets_package_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("")
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
sys.argv = ["bench", "datasets"]
from bench.cli import main
main()
"""
    refused(python(program), "the package 'datasets' that Python finds is not the suite's", str(tmp_path))


def test_what_is_told_is_told_literally(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets in paths and messages are no markup, and lines are not broken into the middle of a path."""
    from bench.runs.console import ConsoleReporter

    reporter = ConsoleReporter()
    path = "/data/" + "long-name/" * 12 + "[/broken] [bold] file"
    reporter.warn(f"cannot reach {path}")
    reporter.step("train", f"in {path}")
    reporter.progress("train", 1, 10, f"at {path}")
    told = capsys.readouterr().err
    assert told.count(path) == 3
