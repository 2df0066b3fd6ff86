"""MATLAB files: what is read, and the sizes that are not believed."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from datasets.base import DataError
from datasets.matlab import load_mat

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind: int, shape: tuple[int, ...], *parts: bytes, name: bytes = b"x", flags: int = 0) -> bytes:
    """A variable: its array flags, dimensions, name and content."""
    head = element(6, struct.pack("<II", kind | flags, 0)) + element(
        5, struct.pack(f"<{len(shape)}i", *shape)
    )
    return element(14, head + element(1, name) + b"".join(parts))


def written(folder: Path, *variables: bytes) -> Path:
    path = folder / "file.mat"
    path.write_bytes(HEADER + b"".join(variables))
    return path


@pytest.mark.parametrize("compressed", [True, False])
def test_numbers_text_cells_and_structs_are_read_as_scipy_reads_them(
    tmp_path: Path, compressed: bool
) -> None:
    rows = np.zeros((1, 2), dtype=[("name", "O"), ("box", "O")])
    rows[0, 0] = ("Class/v", np.arange(8, dtype=np.uint8).reshape(2, 4))
    rows[0, 1] = ("", np.zeros((0, 4)))
    cells = np.empty(2, object)
    cells[:] = [np.arange(3.0), "é"]
    savemat(tmp_path / "file.mat", {"x": rows, "y": cells, "z": np.float32(2.5)}, do_compression=compressed)
    read = load_mat(tmp_path / "file.mat", "x")
    assert read.shape == (1, 2)
    assert str(read[0, 0]["name"][0]) == "Class/v"
    np.testing.assert_array_equal(read[0, 0]["box"], [[0, 1, 2, 3], [4, 5, 6, 7]])
    assert str(load_mat(tmp_path / "file.mat", "y")[0, 1][0]) == "é"
    assert load_mat(tmp_path / "file.mat", "z").item() == 2.5


def test_files_written_by_hand_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, matrix(9, (2, 2), element(2, b"abcd")))
    np.testing.assert_array_equal(load_mat(path, "x"), [[97, 99], [98, 100]])


HUGE = 1 << 30


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        (matrix(9, (HUGE, 2), element(2, b"abcd")), "states an array of 2147483648 entries"),
        (matrix(4, (1, HUGE), element(4, b"")), "states an array of 1073741824 entries"),
        (matrix(4, (1, HUGE)), "states an array of 1073741824 entries"),
        (matrix(1, (1, HUGE)), "states an array of 1073741824 entries"),
        (matrix(2, (1, HUGE), element(5, struct.pack("<i", 8)), element(1, b"")), "states an array of"),
        (matrix(2, (1, 1), element(5, struct.pack("<i", 0)), element(1, b"a" * 8)), "without names"),
        (matrix(4, (1, 2), element(51, b"ab")), "states an array of 2 "),
        (matrix(9, (1, 2), element(51, b"ab")), "states an array of 2 "),
        (matrix(9, (1, 2), element(2, b"ab"), element(2, b"ab")), "states an array of 2 "),
        (matrix(9, (2,), element(2, b"ab")), "without a shape"),
        (matrix(9, (-1, 4), element(2, b"")), "negative size"),
        (matrix(6, (1, 1), element(9, bytes(8)), element(9, bytes(8)), flags=0x800), "complex"),
        (matrix(16, (1, 1)), "something else than numbers"),
        (matrix(17, (1, 1)), "something else than numbers"),
        (matrix(5, (1, 1), element(5, bytes(4))), "something else than numbers"),
        (element(14, element(6, bytes(8))), "without a shape"),
        (element(1, b"abc"), "something else than arrays"),
        (struct.pack("<II", 14, HUGE) + bytes(100), "states an element of 1073741824 bytes"),
        (matrix(9, (2, 2), element(2, b"abcd"))[:-9], "states an element of"),
        (b"abc", "cut off"),
    ],
)
def test_sizes_that_a_file_states_are_not_believed(tmp_path: Path, variable: bytes, said: str) -> None:
    for content in (variable, element(15, zlib.compress(variable))):
        path = written(tmp_path, content)
        tracemalloc.start()
        with pytest.raises(DataError, match=rf"file\.mat: .*{said}.*; get the file again"):
            load_mat(path, "x")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()


def test_structs_within_structs_have_an_end(tmp_path: Path) -> None:
    inner = matrix(9, (1, 1), element(2, b"a"))
    for _ in range(12):
        inner = matrix(1, (1, 1), inner)
    with pytest.raises(DataError, match="nests too deeply"):
        load_mat(written(tmp_path, inner), "x")


def test_what_inflates_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.matlab.MOST_BYTES", 1 << 20)
    path = written(tmp_path, element(15, zlib.compress(matrix(9, (1, 1 << 22), element(2, bytes(1 << 22))))))
    assert path.stat().st_size < 1 << 13
    with pytest.raises(DataError, match=r"file\.mat: inflates to more than 1 MiB"):
        load_mat(path, "x")


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "file.mat"
    newer = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    for content, said in (
        (b"", "no MATLAB file"),
        (b"text" * 100, "no MATLAB file"),
        (newer, "is version 7.3; save it as version 7"),
        (HEADER + element(15, b"not compressed"), "not a whole MATLAB file"),
        (HEADER, "lacks the variable x"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"file\.mat: {said}"):
            load_mat(path, "x")
    with pytest.raises(DataError, match=r"gone\.mat: cannot be read"):
        load_mat(tmp_path / "gone.mat", "x")
