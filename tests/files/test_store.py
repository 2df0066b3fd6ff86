"""Whole-or-nothing files, digests and the store."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.files.store import Store, digest, digest_file, locked, plain, read_json, write_atomic, write_json

ROOT = Path(__file__).resolve().parents[2]

REWRITE_FOREVER = """
import sys
from pathlib import Path
from bench.files.store import write_atomic
def write(path):
    with path.open("wb") as file:
        for _ in range(200):
            file.write(bytes([digit]) * 5000)
path, digit = Path(sys.argv[1]), 48
print("ready", flush=True)
while True:
    write_atomic(path, write)
    digit = 48 + (digit - 47) % 10
"""

HOLD_LOCK = """
import sys, time
from pathlib import Path
from bench.files.store import Store
with Store(Path(sys.argv[1])).lock("train", "abc") as folder:
    (folder / ".tmp-left-part").write_text("half")
    print("locked", flush=True)
    time.sleep(60)
"""


def start(code: str, argument: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, str(argument)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_killed_writer_leaves_nothing_or_the_whole(tmp_path: Path) -> None:
    waits = random.Random(0)
    for attempt in range(8):
        path = tmp_path / f"{attempt}.bin"
        process = start(REWRITE_FOREVER, path)
        time.sleep(waits.uniform(0, 0.02))
        kill(process)
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 1_000_000
            assert len(set(content)) == 1


def test_a_failing_writer_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    write_atomic(path, lambda p: p.write_text("old"))

    def fail(temporary: Path) -> None:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".bin"
        temporary.write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_atomic(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_written_files_have_ordinary_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    write_json(path, {"a": 1})
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1
    sizes: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class OtherName:
    sizes: list[int] = field(default_factory=lambda: [1, 2])
    rate: float = 0.1


def test_digest_is_of_content_not_of_class_or_order() -> None:
    assert digest(Inner()) == digest(OtherName()) == digest({"sizes": [1, 2], "rate": 0.1})
    assert digest({"b": 1, "a": PurePosixPath("x/y")}) == digest({"a": "x/y", "b": 1})
    assert digest(Inner(rate=0.2)) != digest(Inner())
    assert digest(np.float64(0.1)) == digest(0.1)
    assert digest({"s": {3, 1, 2}}) == digest({"s": {2, 3, 1}})
    assert digest(1) != digest(1.0) != digest("1.0")
    assert digest(True) != digest(1)


def test_digests_never_change() -> None:
    assert digest({"a": [1, 2.5, None, "é"]}) == "2a30e3d7f3e10ee1"
    assert digest(Inner()) == "d2400efb6baa7acb"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_plain_keeps_json_values_and_digests_agree(value: object) -> None:
    assert plain(value) == value
    assert digest(value) == digest(plain(value))
    assert len(digest(value)) == 16


@pytest.mark.parametrize(
    ("value", "error"),
    [(float("nan"), ValueError), ([np.inf], ValueError), ({1: 2}, TypeError), (object(), TypeError)],
)
def test_what_json_cannot_hold_is_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        digest(value)


def test_json_round_trip_and_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"z": (1, 2), "a": Inner(), "p": Path("x"), "t": "ü"})
    assert read_json(path) == {"z": [1, 2], "a": {"rate": 0.1, "sizes": [1, 2]}, "p": "x", "t": "ü"}
    path.write_text('{"a": ')
    with pytest.raises(ValueError, match=r"a\.json is not JSON"):
        read_json(path)


def test_digest_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert digest_file(path) == "ba7816bf8f01cfea"


def test_steps_are_done_when_finished(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not store.is_done("train", "k1")
    folder = store.folder("train", "k1")
    assert folder == tmp_path / "train" / "k1"
    (folder / "state.pt").write_text("x")
    assert not store.is_done("train", "k1")
    with pytest.raises(ValueError, match="train/k1 is not finished"):
        store.facts("train", "k1")
    store.finish("train", "k1", {"steps": 5, "rates": (0.1,)})
    assert store.is_done("train", "k1")
    assert store.facts("train", "k1") == {"steps": 5, "rates": [0.1]}


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_odd_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a folder"):
        Store(tmp_path).folder("train", name)


def test_a_lock_excludes_says_who_has_it_and_vanishes_with_its_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = start(HOLD_LOCK, tmp_path)
    killer = subprocess.Popen(["sh", "-c", f"sleep 1.5; kill -9 {process.pid}"])
    begun = time.monotonic()
    with Store(tmp_path).lock("train", "abc") as folder:
        waited = time.monotonic() - begun
        assert not (folder / ".tmp-left-part").exists()
    killer.wait()
    process.communicate()
    assert 1.2 < waited < 10
    assert f"waiting for process {process.pid}" in caplog.text


def test_a_free_lock_is_taken_at_once_again_and_again(tmp_path: Path) -> None:
    begun = time.monotonic()
    for _ in range(20):
        with locked(tmp_path / "deep" / ".lock"):
            pass
    assert time.monotonic() - begun < 1
    assert (tmp_path / "deep" / ".lock").read_text() == str(os.getpid())
