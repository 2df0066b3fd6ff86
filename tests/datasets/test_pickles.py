"""The restricted reader of annotation pickles: what it reads, and what it refuses without running it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.base import DataError
from datasets.pickles import load_plain

PLAIN = {
    "Class/v": {"numf": np.uint8(200), "boxes": np.arange(8, dtype=np.uint16).reshape(2, 4)},
    "list": [1, 2.5, "text", None, True, (np.float32(1.5), b"bytes")],
    "strings": np.array(["a", "bc"]),
}


class Hostile:
    """Unpickled carelessly, this makes a folder."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call, self.arguments


def written(folder: Path, content: object, protocol: int = 2) -> Path:
    path = folder / "annotation.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_content_of_every_protocol_is_read(tmp_path: Path, protocol: int) -> None:
    read = load_plain(written(tmp_path, PLAIN, protocol))
    np.testing.assert_equal(read, PLAIN)
    assert read["Class/v"]["boxes"].dtype == np.uint16
    assert type(read["Class/v"]["numf"]) is np.uint8


def test_modules_of_numpy_1_and_2_are_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, np.arange(3))
    data = path.read_bytes()
    assert b"numpy._core.multiarray" in data
    path.write_bytes(data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    np.testing.assert_array_equal(load_plain(path), np.arange(3))


def test_python_2_strings_are_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "python2.pkl"
    path.write_bytes(b"\x80\x02]q\x01(U\x03caf\xe9U\x04".replace(b"\x03caf\xe9U\x04", b"\x04caf\xe9") + b"e.")
    assert load_plain(path) == ["café"]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("call", [os.system, os.mkdir, eval, getattr, np.load, np.fromfile])
def test_anything_else_is_refused_by_name_and_not_run(tmp_path: Path, call: Any, protocol: int) -> None:
    target = tmp_path / "made"
    argument = f"mkdir {target}" if call is os.system else str(target)
    path = written(tmp_path, {"a": Hostile(call, argument)}, protocol)
    with pytest.raises(DataError, match=rf"annotation\.pkl: refused, it asks for .*{call.__name__}"):
        load_plain(path)
    assert not target.exists()


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "annotation.pkl"
    path.write_bytes(b"c_codecs\nencode\n(Vabc\nVidna\ntR.")
    with pytest.raises(DataError, match="it encodes as 'idna'"):
        load_plain(path)


def test_broken_files_are_refused_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)
    whole = path.read_bytes()
    for data in (
        b"",
        b"some text\nand more\n",
        whole[: len(whole) // 2],
        whole[:-1],
        b"\x80\x02.",
        bytes(50),
    ):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"annotation\.pkl: not a whole pickle"):
            load_plain(path)
    with pytest.raises(DataError, match=r"gone\.pkl: no such file"):
        load_plain(tmp_path / "gone.pkl")


@pytest.mark.realdata
def test_the_real_files_are_plain(shared: Path) -> None:
    assert len(load_plain(shared / "data/ucf24/splitfiles/pyannot.pkl")) == 3194
    assert len(load_plain(shared / "data/jhmdb/JHMDB-GT.pkl")["gttubes"]) == 928
