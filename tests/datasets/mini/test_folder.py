"""A miniature's folder is there whole or not at all, and made by one process at a time."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from datasets.mini.folder import Edition, is_complete, whole_folder

EDITION = Edition("toy-mini", 3, "micro")
MANIFEST = '{"name": "toy-mini", "version": 3, "size": "micro"}'


def fill(root: Path) -> bool:
    """Whether this call made the folder."""
    with whole_folder(root, EDITION) as partial:
        if partial is None:
            return False
        assert not root.exists()
        (partial / "dataset.json").write_text(MANIFEST)
    return True


def test_it_is_made_once(tmp_path: Path) -> None:
    root = tmp_path / "below" / "data"
    assert not is_complete(root, EDITION)
    assert [fill(root), fill(root)] == [True, False]
    assert is_complete(root, EDITION)
    with pytest.raises(ValueError, match=r"holds \('toy-mini', 3, 'micro'\), not \('toy-mini', 4, 'micro'\)"):
        is_complete(root, EDITION._replace(version=4))


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    root, begun = tmp_path / "data", tmp_path / "begun"
    child = os.fork()
    if not child:
        with whole_folder(root, EDITION) as partial:
            assert partial is not None
            (partial / "half").write_text("of it")
            begun.touch()
            time.sleep(60)
        os._exit(0)
    while not begun.exists():
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert (tmp_path / ".data.partial" / "half").is_file()
    assert fill(root)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "begun", ".data.lock"}
    assert [path.name for path in root.iterdir()] == ["dataset.json"]


def test_a_second_process_waits_and_takes_what_the_first_made(tmp_path: Path) -> None:
    root, made = tmp_path / "data", []
    second = threading.Thread(target=lambda: made.append(fill(root)))
    with whole_folder(root, EDITION) as partial:
        assert partial is not None
        second.start()
        time.sleep(0.1)
        assert second.is_alive()
        (partial / "dataset.json").write_text(MANIFEST)
    second.join(10)
    assert made == [False]


def spoil(root: Path) -> None:
    with whole_folder(root, EDITION) as partial:
        assert partial is not None
        (partial / "half").write_text("of it")
        raise RuntimeError("spoiled")


def test_a_failure_leaves_no_half_of_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="spoiled"):
        spoil(tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir()] == [".data.lock"]
