"""Files that were cut off or damaged are refused by name, whatever the damage, and nothing else happens."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.files.tables import write_ground_truth
from bench.interop.base import Truth
from bench.interop.formats import Manner, read_predictions, read_truth

sys.path.insert(0, str(Path(__file__).parent))
import foreign

ROUNDS = 40
DETECTIONS, TUBES = foreign.predictions()
Write = Callable[[Path], Path]

FILES: dict[str, Write] = {
    "parquet": lambda folder: foreign.parquet_detections(folder / "d.parquet", DETECTIONS),
    "parquet tubes": lambda folder: foreign.parquet_tubes(folder / "t.parquet", TUBES),
    "act": lambda folder: foreign.act_folder(folder / "act", DETECTIONS[:40], None),
    "moc": lambda folder: foreign.act_folder(folder / "act", DETECTIONS[:40], None, moc=True),
    "multisports frames": lambda folder: foreign.multisports_frames(folder / "f.pkl", DETECTIONS[:30]),
    "multisports array": lambda folder: foreign.multisports_frames(folder / "f.pkl", DETECTIONS, array=True),
    "multisports tubes": lambda folder: foreign.multisports_tubes(folder / "v.pkl", TUBES),
    "yowo": lambda folder: foreign.yowo_folder(folder / "yowo", DETECTIONS),
    "ava": lambda folder: foreign.ava_csv(folder / "a.csv"),
    "coco": lambda folder: foreign.coco_results(folder / "r.json", DETECTIONS[:20], whole=True),
}
TRUTHS: dict[str, Write] = {
    "parquet": lambda folder: foreign.parquet_truth(folder / "t.parquet"),
    "parquet folder": lambda folder: _folder(folder / "truth"),
    "act": lambda folder: foreign.gt_pickle(folder / "X-GT.pkl"),
    "yowo": lambda folder: foreign.yowo_truth(folder / "gt"),
    "ava": lambda folder: foreign.ava_csv(folder / "a.csv", scored=False),
    "coco": lambda folder: foreign.coco_truth(folder / "t.json"),
}


def _folder(folder: Path) -> Path:
    write_ground_truth(folder, foreign.truth())
    return folder


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut off, with bytes changed, left out or repeated."""
    kind, at = rng.integers(5), int(rng.integers(len(data)))
    if kind == 0:
        return data[:at]
    if kind == 1:
        changed = bytearray(data)
        for place in rng.integers(0, len(data), int(rng.integers(1, 6))):
            changed[place] = int(rng.integers(256))
        return bytes(changed)
    size = int(rng.integers(1, 40))
    if kind == 2:
        return data[:at] + data[at + size :]
    if kind == 3:
        return data[:at] + data[at : at + size] + data[at:]
    return data[:at] + rng.bytes(size) + data[at + size :]


def survives(read: Callable[[Path], object], path: Path, rng: np.random.Generator) -> int:
    """How many of the rounds were refused. Every refusal is a ValueError that names what was read."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    whole = {file: data for file in files if file.is_file() and (data := file.read_bytes())}
    messages = []
    for _ in range(ROUNDS):
        file = list(whole)[int(rng.integers(len(whole)))]
        file.write_bytes(damaged(whole[file], rng))
        try:
            read(path)
        except ValueError as error:
            messages.append(str(error))
        file.write_bytes(whole[file])
    read(path)
    assert not [message for message in messages if str(path) not in message]
    return len(messages)


@pytest.fixture
def known(tmp_path: Path) -> dict[str, Truth]:
    ours = read_truth(foreign.gt_pickle(tmp_path / "known-GT.pkl"))
    return {"": ours, "ava": read_truth(foreign.ava_csv(tmp_path / "known.csv", scored=False))}


@pytest.mark.parametrize("name", FILES)
def test_predictions(tmp_path: Path, known: dict[str, Truth], name: str) -> None:
    truth = known.get(name, known[""])
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    refused = survives(lambda path: read_predictions(path, None, truth, Manner()), FILES[name](tmp_path), rng)
    assert refused > ROUNDS / 6


@pytest.mark.parametrize("name", TRUTHS)
def test_truth(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(zlib.crc32(f"truth {name}".encode()))
    assert survives(read_truth, TRUTHS[name](tmp_path), rng) > ROUNDS / 6
