"""The restricted reader of pickles: what it reads, and what it refuses without running it."""

from __future__ import annotations

import io
import os
import pickle
import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.files.pickles import MOST_BYTES, load_plain

PLAIN = {
    "Class/v": {"numf": np.uint8(200), "boxes": np.arange(8, dtype=np.uint16).reshape(2, 4)},
    "list": [1, 2.5, "text", None, True, (np.float32(1.5), b"bytes"), -(10**30)],
    "strings": np.array(["a", "bc"]),
    "odd": [
        np.zeros((0, 4)),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
        b"",
    ],
    7: {"scalars": [np.str_("café"), np.str_(""), np.bool(True), np.float64(0.5)], "empty": [(), [], {}]},
}


class Hostile:
    """Unpickled carelessly, this calls something."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call, self.arguments


def written(folder: Path, content: object, protocol: int = 2) -> Path:
    path = folder / "annotation.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def program(folder: Path, *parts: bytes) -> Path:
    path = folder / "annotation.pkl"
    path.write_bytes(b"".join((b"\x80\x02", *parts, b".")))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_content_of_every_protocol_is_read(tmp_path: Path, protocol: int) -> None:
    read = load_plain(written(tmp_path, PLAIN, protocol))
    np.testing.assert_equal(read, PLAIN)
    assert read["Class/v"]["boxes"].dtype == np.uint16
    assert type(read["Class/v"]["numf"]) is np.uint8
    assert [type(array) for array in read["odd"][:3]] == [np.ndarray] * 3
    read["odd"][1][0, 0] = 5


def test_modules_of_numpy_1_and_2_are_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, np.arange(3))
    data = path.read_bytes()
    assert b"numpy._core.multiarray" in data
    path.write_bytes(data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    np.testing.assert_array_equal(load_plain(path), np.arange(3))


def test_python_2_strings_are_latin_1(tmp_path: Path) -> None:
    assert load_plain(program(tmp_path, b"]q\x01(U\x04caf\xe9e")) == ["café"]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("call", [os.system, os.mkdir, eval, getattr, np.load, np.fromfile])
def test_anything_else_is_refused_by_name_and_not_run(tmp_path: Path, call: Any, protocol: int) -> None:
    target = tmp_path / "made"
    argument = f"mkdir {target}" if call is os.system else str(target)
    path = written(tmp_path, {"a": Hostile(call, argument)}, protocol)
    with pytest.raises(ValueError, match=rf"annotation\.pkl: refused, it asks for .*{call.__name__}"):
        load_plain(path)
    assert not target.exists()


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
ARRAY = RECONSTRUCT + b"cnumpy\nndarray\nK\x00\x85C\x01b\x87R"
UNICODE = b"cnumpy\ndtype\nX\x02\x00\x00\x00U1K\x00K\x01\x87R(K\x03V<\nNNNK\x04K\x04K\x08tb"
DTYPE = b"cnumpy\ndtype\nX\x02\x00\x00\x00u1K\x00K\x01\x87R"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([b"c_codecs\nencode\n(Vabc\nVidna\ntR"], "it encodes as 'idna'"),
        ([b"(cos\nsystem\nVtrue\no"], "it asks for os.system"),
        ([b"(Vtrue\nios\nsystem\n"], "it uses the instruction INST"),
        ([b"cnumpy\ndtype\nVu1\n\x85\x81"], "it uses the instruction NEWOBJ"),
        ([b"\x82\x01"], "it uses the instruction EXT1"),
        ([b"P7\n"], "it uses the instruction PERSID"),
        ([b"\x8f"], "it uses the instruction EMPTY_SET"),
        ([b"cnumpy\nndarray\n\x8a\x08", struct.pack("<q", 10**12), b"\x85\x85R"], "it calls numpy.ndarray"),
        ([b"cnumpy\ndtype\nVO8\n\x85R"], "it holds an array of the type 'O8'"),
        ([b"cnumpy\ndtype\nVV99\n\x85R"], "it holds an array of the type 'V99'"),
        ([b"cnumpy\ndtype\n]\x85R"], "it holds an array of the type list"),
        ([DTYPE, b"(K\x03V|\n]NNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"], "array of a compound type"),
        ([ARRAY, b"(K\x01K\x09\x85", DTYPE, b"\x89C\x02abtb"], r"it states an array of shape \(9,\), but"),
        ([ARRAY, b"(K\x01J\xff\xff\xff\xff\x85", DTYPE, b"\x89C\x02abtb"], "an array without a shape"),
        ([ARRAY, b"(K\x01K\x01\x85", DTYPE, b"\x89]tb"], "it holds an array of objects"),
        ([b"cnumpy.core.multiarray\nscalar\n", DTYPE, b"J\0\0\0\x40\x86R"], "array of objects"),
        ([b"cnumpy.core.multiarray\nscalar\n", UNICODE, b"C\x04\0\0\x11\0\x86R"], "are no characters"),
        ([b"cnumpy.core.multiarray\nscalar\n", UNICODE, b"C\x04\0\xd8\0\xff\x86R"], "are no characters"),
        ([b"c_codecs\nencode\n}b"], "it changes something"),
        ([b"](K\x01K\x02u"], "it sets items of something else than a dict"),
        ([b"}K\x01a"], "it appends to something else than a list"),
        ([b"}K\x01K\x02\x86K\x03s"], "it has a dict with a tuple as a key"),
        ([b"VX\n)R"], "it calls something"),
        ([b"cnumpy\nndarray\n"], "it holds a name of numpy as data"),
        ([b"\x96", struct.pack("<Q", 1 << 40)], "it states 1099511627776 bytes in one piece"),
    ],
)  # fmt: skip
def test_programs_that_are_no_data_are_refused(tmp_path: Path, parts: list[bytes], said: str) -> None:
    with pytest.raises(ValueError, match=rf"annotation\.pkl: refused, .*{said}.*from its official source"):
        load_plain(program(tmp_path, *parts))


def test_nothing_is_written_into_what_a_name_stands_for(tmp_path: Path) -> None:
    path = program(tmp_path, b"c_codecs\nencode\n(}Vx\nK\x01s}Vy\nK\x02stb0N")
    with pytest.raises(ValueError, match="it changes something"):
        load_plain(path)
    assert load_plain(written(tmp_path, [b"\xff"])) == [b"\xff"]


def nested(levels: int, pair: bytes) -> bytes:
    """A list or tuple that holds the one before twice, so many times over."""
    parts = [b"]q\x00"]
    for level in range(levels):
        parts.append(b"(h%ch%c%sq%c" % (level, level, pair, level + 1))
    return b"".join(parts)


@pytest.mark.parametrize("pair", [b"l", b"t"])
def test_content_without_end_is_refused_in_bounded_time_and_memory(tmp_path: Path, pair: bytes) -> None:
    path = program(tmp_path, nested(100, pair))
    began = time.process_time()
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"annotation\.pkl: refused, it is without end"):
        load_plain(path)
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()
    assert time.process_time() - began < 5


def test_many_references_to_a_long_list_are_counted_quickly(tmp_path: Path) -> None:
    refer = b"h\x00" * 30_000
    path = program(tmp_path, b"]q\x00(" + b"N" * 30_000 + b"e0](" + refer + b"e")
    began = time.process_time()
    with pytest.raises(ValueError, match="without end"):
        load_plain(path)
    assert time.process_time() - began < 5


def test_a_list_in_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without end"):
        load_plain(program(tmp_path, b"]q\x00h\x00a"))


def test_one_object_may_be_referred_to_twice(tmp_path: Path) -> None:
    shared = np.arange(4)
    read = load_plain(written(tmp_path, [shared, shared, (1, 2)] * 50))
    assert len(read) == 150
    np.testing.assert_array_equal(read[1], shared)


def test_stated_sizes_take_no_memory(tmp_path: Path) -> None:
    huge = struct.pack("<Q", 200 << 20)
    for part in (
        b"\x8e" + huge,
        b"\x96" + huge,
        b"\x8d" + huge,
        b"T\x00\x00\x00\x70",
        b"\x8b\x00\x00\x00\x70",
    ):
        path = program(tmp_path, part)
        tracemalloc.start()
        with pytest.raises(ValueError, match="not a whole pickle"):
            load_plain(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "annotation.pkl"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ValueError, match=r"annotation\.pkl: 256 MiB are too many"):
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
        with pytest.raises(ValueError, match=r"annotation\.pkl: not a whole pickle"):
            load_plain(path)
    with pytest.raises(ValueError, match=r"gone\.pkl: no such file"):
        load_plain(tmp_path / "gone.pkl")


def test_what_pythons_own_reader_reads_is_read_the_same(tmp_path: Path) -> None:
    """Content with all instructions of data, as Python itself writes it in its oldest way."""
    content = {"a": [1.5, -7, 10**40, None, "é\n", "x" * 300], "b": {1: (1, (2, 3, 4, 5))}}
    for protocol in (0, 1):
        data = pickle.dumps(content, protocol)
        (tmp_path / "annotation.pkl").write_bytes(data)
        assert load_plain(tmp_path / "annotation.pkl") == pickle.load(io.BytesIO(data)) == content


@pytest.mark.realdata
def test_the_real_files_are_plain(shared: Path) -> None:
    assert len(load_plain(shared / "data/ucf24/splitfiles/pyannot.pkl")) == 3194
    assert len(load_plain(shared / "data/jhmdb/JHMDB-GT.pkl")["gttubes"]) == 928
