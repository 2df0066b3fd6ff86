"""Parquet in and out: round trips, what a file holds, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench.files import tables
from bench.records import Detections, GroundTruth, TruthBoxes, TruthTubes, Tubelets, Tubes, VideoTable

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FLOATS = st.floats(-1e6, 1e6, width=32)
NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True)


def equal(a: Any, b: Any) -> bool:
    for name in (f.name for f in fields(a)):
        one, other = getattr(a, name), getattr(b, name)
        if isinstance(one, np.ndarray):
            if one.dtype != other.dtype or not np.array_equal(one, other):
                return False
        elif hasattr(one, "__dataclass_fields__"):
            if not equal(one, other):
                return False
        elif one != other:
            return False
    return True


@st.composite
def rows(draw: st.DrawFn, kind: type, videos: tuple[str, ...], size: int) -> Any:
    values: dict[str, Any] = {}
    for name, spec in kind.columns().items():
        optional = kind.__dataclass_fields__[name].default is None
        if optional and draw(st.booleans()):
            continue
        shape = (size, *(3 if n is None else n for n in spec["row"]))
        top = len(videos) - 1 if name == "video" else 2 if name == "stream" else 100
        elements = FLOATS if spec["dtype"].kind == "f" else st.integers(0, top)
        values[name] = draw(hnp.arrays(spec["dtype"], shape, elements=elements))
    if kind is Tubes:
        values |= {"tube": np.arange(size) // 2, "frame": np.arange(size) % 2}
    return kind(videos=videos, **values)


@FEW
@given(st.data())
@pytest.mark.parametrize("kind", [Detections, Tubelets, Tubes])
def test_round_trip(tmp_path: Path, kind: Any, data: st.DataObject) -> None:
    record = data.draw(rows(kind, tuple(data.draw(NAMES)), data.draw(st.integers(0, 6))))
    name = kind.__name__.lower()
    write: Callable[..., None] = getattr(tables, f"write_{name}")
    write(tmp_path / "rows.parquet", record, {"method": "pcsc", "steps": (1, 2)})
    assert equal(getattr(tables, f"read_{name}")(tmp_path / "rows.parquet"), record)
    assert tables.read_metadata(tmp_path / "rows.parquet") == {"method": "pcsc", "steps": [1, 2]}
    header = tables.read_header(tmp_path / "rows.parquet")
    assert (header.kind, header.videos) == (name, record.videos)


def detections(count: int = 3, videos: tuple[str, ...] = ("a", "b/v_c"), **columns: Any) -> Detections:
    numbers = np.arange(count)
    boxes_N4 = np.stack([numbers, numbers, numbers + 5, numbers + 7], axis=1)
    values = {"video": numbers % len(videos), "frame": numbers, "box": numbers, "boxes_N4": boxes_N4,
              "label": numbers % 2, "score": numbers / 10}  # fmt: skip
    return Detections(videos, **(values | columns))


def truth(scored: bool = False) -> GroundTruth:
    names = ("A/v_g01", "B/v_g02", "B/v_g03")
    videos = VideoTable(
        names, [10, 20, 30], [320, 320, 160], [240] * 3, [25, 29.97, 0], ("g01", "g02", "g03")
    )
    tubes = TruthTubes(names, [0, 1], [7, 3], [0, 1], [0, 4], [2, 6], [False, True])
    boxes = TruthBoxes(names, [0, 0, 1], [7, 7, 3], [0, 1, 4], np.arange(12).reshape(3, 4))
    listed = np.array([[0, 1], [2, 5]], np.int32) if scored else None
    return GroundTruth(("jump", "run"), videos, tubes, boxes, listed, None if listed is None else listed[1:])


def test_columns_on_disk_are_the_documented_ones(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    tables.write_detections(path, detections(stream=[0, 2, 1], track=[4, 5, 6]), {})
    file = pq.ParquetFile(path)
    assert {f.name: str(f.type) for f in file.schema_arrow} == {
        "video": "dictionary<values=string, indices=int32, ordered=0>",
        "frame": "int32",
        "box": "int32",
        **dict.fromkeys(["x1", "y1", "x2", "y2"], "float"),
        "label": "int16",
        "score": "float",
        "stream": "dictionary<values=string, indices=int32, ordered=0>",
        "track": "int32",
    }
    assert file.metadata.row_group(0).column(1).compression == "ZSTD"
    assert file.read()["stream"].to_pylist() == ["rgb", "fused", "flow"]
    stored = json.loads(file.schema_arrow.metadata[b"bench"])
    assert stored == {"format": 1, "kind": "detections", "videos": ["a", "b/v_c"], "facts": {}}


def foreign(path: Path, **columns: Any) -> None:
    """A file as another program would write it: plain types, no header."""
    base: dict[str, Any] = {
        "video": ["v2", "v1", "v2"], "frame": [0, 1, 2], "box": [0, 0, 1], "label": [0, 1, 0],
        "score": [0.5, 0.25, 1.0], **{corner: [1.0, 2.0, 3.0] for corner in ("x1", "y1", "x2", "y2")},
    }  # fmt: skip
    table = {name: values for name, values in (base | columns).items() if values is not None}
    pq.write_table(pa.table(table), path)


def test_files_of_other_programs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "theirs.parquet"
    foreign(path, stream=["rgb", "flow", "fused"])
    read = tables.read_detections(path)
    assert read.videos == ("v2", "v1")
    assert read.video.tolist() == [0, 1, 0]
    assert read.boxes_N4.dtype == np.float32
    assert read.stream is not None
    assert read.stream.tolist() == [0, 1, 2]
    assert tables.read_metadata(path) == {}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"score": None}, "lacks score"),
        ({"trak": [1, 2, 3]}, "has unknown trak"),
        ({"score": [0.1, float("nan"), 0.2]}, "score, row 1: nan is not a finite number"),
        ({"x2": [1.0, 2.0, float("inf")]}, "x2, row 2: inf is not"),
        ({"x1": [1.0, None, 2.0]}, "column x1, row 1: empty cell"),
        ({"frame": [0, 2**40, 1]}, "column frame: int64 does not fit int32"),
        ({"frame": [0.5, 1.0, 1.0]}, "column frame: double does not fit int32"),
        ({"label": ["run", "run", "run"]}, "column label: string does not fit int16"),
        ({"stream": ["rgb", "depth", "rgb"]}, "column stream, row 1: 'depth' is not in"),
    ],
)
def test_wrong_columns_are_refused_by_name(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    path = tmp_path / "theirs.parquet"
    foreign(path, **columns)
    with pytest.raises(ValueError, match=said) as caught:
        tables.read_detections(path)
    assert str(path) in str(caught.value)


def test_unfinite_values_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    with pytest.raises(ValueError, match=r"d\.parquet, score, row 2: nan"):
        tables.write_detections(path, detections(score=[0, 1, np.nan]), {})
    boxes_N4 = detections().boxes_N4.copy()
    boxes_N4[1, 2] = np.inf
    with pytest.raises(ValueError, match="boxes_N4, row 1"):
        tables.write_detections(path, detections(boxes_N4=boxes_N4), {})
    assert not path.exists()


def test_damaged_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    with pytest.raises(FileNotFoundError):
        tables.read_detections(path)
    tables.write_detections(path, detections(500), {})
    with pytest.raises(ValueError, match="holds detections, not tubes"):
        tables.read_tubes(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"d\.parquet is cut off or no Parquet file"):
        tables.read_detections(path)
    damaged = bytearray(content)
    damaged[100:160] = bytes(60)
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"d\.parquet"):
        tables.read_detections(path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    table = pa.table({"video": ["a"]}).replace_schema_metadata({"bench": json.dumps({"format": 2})})
    pq.write_table(table, path)
    with pytest.raises(ValueError, match="has format 2, this version reads 1"):
        tables.read_header(path)


def test_same_content_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tables.write_detections(tmp_path / name, detections(50), {"b": 1, "a": 2.5})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_parts_continue_where_they_stopped(tmp_path: Path) -> None:
    assert tables.next_part(tmp_path) == 0
    assert tables.videos_done(tmp_path) == ()
    assert len(tables.read_parts(tmp_path)) == 0
    tables.write_part(tmp_path, 0, detections(3, ("a", "b")), {})
    tables.write_part(tmp_path, 1, detections(2, ("c", "long")), {"continues": {"long": 900}})
    assert tables.videos_done(tmp_path) == ("a", "b", "c")
    assert tables.videos_continuing(tmp_path) == {"long": 900}
    tables.write_part(tmp_path, 2, detections(4, ("long",)), {})
    assert tables.videos_done(tmp_path) == ("a", "b", "c", "long")
    assert tables.videos_continuing(tmp_path) == {}
    joined = tables.read_parts(tmp_path)
    assert joined.videos == ("a", "b", "c", "long")
    assert len(joined) == 9
    assert len(dict(joined.by_video())["long"]) == 5


def test_each_process_numbers_its_own_parts(tmp_path: Path) -> None:
    tables.write_part(tmp_path, 4, detections(), {})
    numbers = [tables.next_part(tmp_path, rank, 3) for rank in range(3)]
    assert [number % 3 for number in numbers] == [0, 1, 2]
    assert sorted(numbers) == [5, 6, 7]


@pytest.mark.parametrize("scored", [False, True])
def test_ground_truth_round_trip(tmp_path: Path, scored: bool) -> None:
    tables.write_ground_truth(tmp_path, truth(scored=not scored))
    tables.write_ground_truth(tmp_path, truth(scored), {"dataset": "toy"})
    assert equal(tables.read_ground_truth(tmp_path), truth(scored))
    assert tables.read_metadata(tmp_path / "videos.parquet")["dataset"] == "toy"


def test_ground_truth_digest_sees_every_table() -> None:
    base = truth()
    same = replace(truth())
    moved = replace(base, boxes=replace(base.boxes, boxes_N4=base.boxes.boxes_N4 + 1))
    renamed = replace(base, classes=("jump", "walk"))
    listed = truth(scored=True)
    trusted = replace(listed, excluded_frames=None)
    digests = [tables.digest_ground_truth(t) for t in (base, moved, renamed, listed, trusted)]
    assert len(set(digests)) == 5
    assert tables.digest_ground_truth(same) == digests[0]


def test_mixed_or_incomplete_ground_truth_is_refused(tmp_path: Path) -> None:
    tables.write_ground_truth(tmp_path / "a", truth())
    tables.write_ground_truth(tmp_path / "b", replace(truth(), classes=("x", "y")))
    (tmp_path / "a" / "boxes.parquet").write_bytes((tmp_path / "b" / "boxes.parquet").read_bytes())
    with pytest.raises(ValueError, match="mixes tables of different annotations"):
        tables.read_ground_truth(tmp_path / "a")
    with pytest.raises(ValueError, match="has the classes"):
        tables.read_ground_truth(tmp_path / "b", ("p", "q"))
    (tmp_path / "b" / "tubes.parquet").unlink()
    with pytest.raises(ValueError, match=r"tubes\.parquet is missing"):
        tables.read_ground_truth(tmp_path / "b")


def short_form(path: Path, **columns: Any) -> None:
    base: dict[str, Any] = {
        "video": ["b", "a", "b", "b"], "tube": [0, 0, 0, 1], "label": [1, 0, 1, 0], "frame": [5, 2, 3, 9],
        **{corner: [1.0, 2.0, 3.0, 4.0] for corner in ("x1", "y1", "x2", "y2")},
    }  # fmt: skip
    pq.write_table(pa.table(base | columns), path)


def test_short_form_ground_truth(tmp_path: Path) -> None:
    path = tmp_path / "truth.parquet"
    short_form(path)
    read = tables.read_ground_truth(path, ("jump", "run"))
    assert read.videos.names == ("b", "a")
    assert read.videos.frames.tolist() == [10, 3]
    assert list(zip(read.tubes.video, read.tubes.label, read.tubes.start, read.tubes.end)) == [
        (0, 1, 3, 6), (0, 0, 9, 10), (1, 0, 2, 3),
    ]  # fmt: skip
    assert read.boxes.frame.tolist() == [3, 5, 9, 2]
    assert read.boxes.boxes_N4[:, 0].tolist() == [3, 1, 4, 2]
    assert read.box_labels().tolist() == [1, 1, 0, 0]


def test_short_form_errors(tmp_path: Path) -> None:
    path = tmp_path / "truth.parquet"
    short_form(path)
    with pytest.raises(ValueError, match="without classes"):
        tables.read_ground_truth(path)
    short_form(path, label=[1, 0, 0, 0])
    with pytest.raises(ValueError, match="tube 0 of video b has rows of several labels"):
        tables.read_ground_truth(path, ("jump", "run"))
    short_form(path, label=[1, 0, 1, 2])
    with pytest.raises(ValueError, match="label 2"):
        tables.read_ground_truth(path, ("jump", "run"))
