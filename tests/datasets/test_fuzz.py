"""Broken and hostile annotation files: each is read, or refused with its name; none runs, hangs or swells."""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fuzz_targets import Target, lay_out, targets
from fuzzing import MARK, cases

SLOWEST = 10.0
"""Seconds of CPU for one file of a few kilobytes, on a busy machine."""
SWELLING = 600 << 10
"""KiB by which the largest memory of the process may grow over all cases."""


def refusal(target: Target, root: Path) -> str | None:
    """What the error says with which the file is refused; None if it is read."""
    try:
        target.read(root)
    except ValueError as error:
        return str(error)
    return None


def fuzz(folder: Path, count: int, seed: int) -> Counter[str]:
    """How many were read and refused."""
    seen: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for target, root, path in cases(folder, count, seed):
        began = time.process_time()
        said = refusal(target, root)
        assert time.process_time() - began < SLOWEST, path
        assert said is None or (path.name in said and len(said) < 3000), (target.file, said)
        seen[f"{target.file} {'read' if said is None else 'refused'}"] += 1
        assert not (root / MARK).exists()
        shutil.rmtree(root)
    assert not Path(MARK).exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < SWELLING
    return seen


def test_whole_files_are_read(tmp_path: Path) -> None:
    for number, target in enumerate(targets()):
        root = tmp_path / str(number)
        lay_out(root)
        target.write(root / target.file, target.content)
        assert target.read(root), target.file


@pytest.mark.parametrize("seed", [1, 2])
def test_hundreds_of_broken_files_are_read_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = fuzz(tmp_path, 300, seed)
    assert seen.total() == 300
    assert sum(count for what, count in seen.items() if what.endswith("refused")) > 100


@pytest.mark.slow
def test_ten_thousand_broken_files_are_read_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = fuzz(tmp_path, 10_000, 10)
    assert seen.total() == 10_000
    for target in targets():
        assert seen[f"{target.file} refused"] > 50, target.file
