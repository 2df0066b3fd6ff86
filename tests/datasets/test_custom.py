"""Somebody's own folder of videos and tables, and the example that the documentation gives of one."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import datasets
from bench.interop.own import OwnParquet
from bench.metrics import evaluate
from bench.records import Detections
from datasets.base import DataError
from datasets.custom import Custom

sys.path.insert(0, str(Path(__file__).parent))
from daly_example import write_video

DOCUMENT = Path(datasets.__file__).resolve().parents[1] / "docs" / "custom-dataset.md"
HEADER = "video,tube,label,frame,x1,y1,x2,y2\n"


def documented() -> dict[str, str]:
    """File name -> content of the tables in the document's example."""
    return dict(re.findall(r"```csv (\S+)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "My Kitchen"
    folder.mkdir()
    for name, content in documented().items():
        (folder / name).write_text(content)
    for day, frames in (("monday", 12), ("tuesday", 5)):
        write_video(folder / "videos" / "kitchen" / f"{day}.mp4", (128, 96), frames, 20)
    return folder


def annotate(root: Path, rows: str) -> Custom:
    (root / "annotations.csv").write_text(HEADER + rows)
    return Custom(root)


def test_the_documented_example_is_a_dataset(root: Path) -> None:
    data = datasets.prepare("custom", root, root / "cache")
    truth = data.ground_truth()
    assert truth.classes == data.classes == ("pour", "stir")
    assert truth.videos.names == ("kitchen/monday", "kitchen/tuesday")
    assert truth.videos.group == ("monday", "tuesday")
    assert truth.videos.frames.tolist() == [12, 5]
    assert truth.videos.fps.tolist() == [20, 20]
    assert list(zip(truth.videos.width.tolist(), truth.videos.height.tolist())) == [(128, 96)] * 2
    assert truth.tubes.label.tolist() == [1, 0, 0]
    assert truth.tubes.start.tolist() == [2, 8, 0]
    assert truth.tubes.end.tolist() == [5, 10, 1]
    assert truth.boxes.tube.tolist() == [0, 0, 0, 1, 1, 2]
    assert truth.boxes.frame.tolist() == [2, 3, 4, 8, 9, 0]
    np.testing.assert_array_equal(truth.boxes.boxes_N4[-1], [20.5, 10, 70, 78])
    split = data.split("1")
    assert (split.train, split.test) == (("kitchen/monday",), ("kitchen/tuesday",))
    assert data.missing_videos(truth.videos.names) == []
    assert data.video_path("kitchen/monday").name == "monday.mp4"


def test_the_documented_example_is_scored(root: Path) -> None:
    data = Custom(root)
    truth = data.ground_truth().select(data.split("1").test)
    perfect = Detections(
        truth.videos.names, truth.boxes.video, truth.boxes.frame, truth.boxes.tube, truth.boxes.boxes_N4,
        truth.box_labels(), np.ones(1),
    )  # fmt: skip
    score = evaluate(truth, perfect, None, data.protocol("1"))
    assert score.per_class["frame_ap/0.50"]["pour"] == 100


def test_the_document_names_what_is_true(root: Path) -> None:
    said = DOCUMENT.read_text()
    for file in ("annotations.csv", "annotations.parquet", "classes.txt", "splits.csv", "videos.csv"):
        assert f"  {file}" in said or f"or {file}" in said
    assert "custom-FOLDER@DIGEST" in said
    assert re.fullmatch(r"custom-my-kitchen@[0-9a-f]{8}/1/act@1", Custom(root).protocol("1").id)


def test_other_annotation_is_another_dataset(root: Path) -> None:
    before = Custom(root).id
    assert Custom(root).id == before
    (root / "splits.csv").write_text("video,part\nkitchen/monday,test\n")
    assert Custom(root).id != before


def test_parquet_says_the_same_as_csv(root: Path) -> None:
    by_csv = Custom(root).ground_truth()
    columns = list(by_csv.boxes.boxes_N4.T)
    table = {
        "video": [by_csv.videos.names[v] for v in by_csv.boxes.video],
        "tube": by_csv.boxes.tube,
        "label": by_csv.box_labels(),
        "frame": by_csv.boxes.frame,
        **dict(zip(("x1", "y1", "x2", "y2"), columns)),
    }
    (root / "annotations.csv").unlink()
    path = root / "annotations.parquet"
    pq.write_table(pa.table(table).replace_schema_metadata({"classes": '["pour", "stir"]'}), path)
    by_parquet = Custom(root).ground_truth()
    assert by_parquet.classes == by_csv.classes
    for mine, other in ((by_parquet.tubes, by_csv.tubes), (by_parquet.boxes, by_csv.boxes)):
        for column in mine.columns():
            np.testing.assert_array_equal(getattr(mine, column), getattr(other, column))
    short = OwnParquet().truth(path, "1").annotation
    np.testing.assert_array_equal(short.tubes.end, by_csv.tubes.end)
    pq.write_table(pa.table(table), path)
    with pytest.raises(
        DataError, match=r"annotations\.parquet: the label '0' is no class name; list the names"
    ):
        Custom(root).ground_truth()
    (root / "classes.txt").write_text("stir\npour\n")
    assert Custom(root).ground_truth().classes == ("stir", "pour")
    (root / "annotations.csv").write_text(documented()["annotations.csv"])
    with pytest.raises(DataError, match=r"annotations\.csv and annotations\.parquet; keep the one"):
        Custom(root).ground_truth()


def test_rows_may_come_in_any_order_and_tubes_may_have_gaps(root: Path) -> None:
    truth = annotate(root, "v,7,run,9,0,0,1,1\na,7,run,1,0,0,1,1\nv,7,run,3,0,0,2,2\n").ground_truth()
    assert truth.videos.names[:2] == ("a", "kitchen/monday")
    assert truth.tubes.start.tolist() == [3, 1]
    assert truth.tubes.end.tolist() == [10, 2]
    assert [truth.videos.names[v] for v in truth.tubes.video] == ["v", "a"]
    assert truth.boxes.frame.tolist() == [3, 9, 1]


def test_what_no_table_says_is_asked_of_the_files_or_left_unknown(root: Path) -> None:
    (root / "videos.csv").write_text("video,width,frames,fps\nkitchen/monday,64,,12.5\n")
    data = annotate(root, "gone,0,run,6,0,0,1,1\nkitchen/monday,0,run,0,0,0,1,1\n")
    table = data.ground_truth().videos
    assert table.names == ("gone", "kitchen/monday", "kitchen/tuesday")
    assert table.frames.tolist() == [7, 12, 5]
    assert table.width.tolist() == [0, 64, 128]
    assert table.fps.tolist() == [0, 12.5, 20]
    assert table.group == table.names
    assert data.missing_videos(table.names) == ["gone"]
    assert [quirk.count for quirk in data.quirks()] == [0, 1]


def test_without_a_list_all_videos_are_tested(root: Path) -> None:
    (root / "splits.csv").unlink()
    split = Custom(root).split("1")
    assert (split.train, split.test) == ((), ("kitchen/monday", "kitchen/tuesday"))


def test_labels_may_be_numbers_where_classes_are_listed(root: Path) -> None:
    (root / "classes.txt").write_text("rest\nrun left\n\nrun right\n")
    data = annotate(root, "v,0,2,0,0,0,1,1\nv,1,rest,0,0,0,1,1\n")
    assert data.ground_truth().tubes.label.tolist() == [2, 0]
    assert data.flipped_labels is None
    (root / "classes.txt").unlink()
    assert annotate(root, "v,0,run,0,0,0,1,1\nv,1,rest,0,0,0,1,1\n").flipped_labels == (0, 1)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "holds no box"),
        ("v,0,run,0,0,0,1\n", "Expected 8 columns, got 7"),
        ("v,x,run,0,0,0,1,1\n", "invalid value 'x'"),
        ("v,0,run,1.5,0,0,1,1\n", "invalid value '1.5'"),
        ("v,0,run,0,0,0,nan,1\n", "row 1 after the header: its x2 is empty or no number"),
        ("v,0,run,0,0,0,inf,1\n", "not a finite number"),
        ("v,0,run,0,0,0,,1\n", "row 1 after the header: its x2 is empty"),
        ("v,0,,0,0,0,1,1\n", "the label '' is no class name"),
        ("v,0,7,0,0,0,1,1\n", "the label '7' is no class name"),
        ("v,0,run,0,5,0,4,1\n", "row 1 after the header: a box has x2 < x1"),
        ("v,0,run,0,0,0,1,1\nv,0,run,-1,0,0,1,1\n", "row 2 after the header: a frame is not from 0"),
        ("v,0,run,99999999,0,0,1,1\n", "a frame is not from 0 to 20000000"),
        (
            "v,0,run,3,0,0,1,1\nv,0,run,3,0,0,1,1\n",
            "row 2 after the header: its tube has a box in this frame",
        ),
        ("v,0,run,3,0,0,1,1\nv,0,sit,2,0,0,1,1\n", "row 1 after the header: its tube has another label"),
        ("/etc/v,0,run,0,0,0,1,1\n", "the video name '/etc/v' leads out"),
        ("../v,0,run,0,0,0,1,1\n", "the video name '../v' leads out"),
        ('"v,0,run,0,0,0,1,1\n', "CSV|columns"),
    ],
)
def test_rows_that_do_not_fit_are_refused(root: Path, rows: str, said: str) -> None:
    with pytest.raises(DataError, match=rf"annotations\.csv.*({said})"):
        annotate(root, rows).ground_truth()


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("annotations.csv", "video,frame\nv,0\n", r"tube.*columns are video, tube, label"),
        ("annotations.csv", "", "Empty CSV"),
        ("classes.txt", "run\nrun\n", "a class is there twice"),
        ("classes.txt", "\n", "names no class"),
        ("", "stirr\npour\n", "unknown class 'stir'; in .*classes.txt did you mean stirr"),
        ("splits.csv", "name,part\nv,test\n", "the header must be video and some of part"),
        ("splits.csv", "video,part\nv,val\n", "row 1 after the header: part is 'val', not train or test"),
        ("splits.csv", "video,part\nv,test\nv,train\n", "the video 'v' is there twice"),
        ("splits.csv", "video,part\nv\n", "the header has 2 columns, this row has 1"),
        ("splits.csv", "video,part\n../v,test\n", "leads out"),
        ("videos.csv", "video,width\nv,0\n", "width is '0', not a number from 1"),
        ("videos.csv", "video,fps\nv,1e3\n", "fps is '1e3'"),
        ("splits.csv", 'video,part\n"v,test\n', "unexpected end of data"),
        ("splits.csv", "", "the header must be video"),
        ("videos.csv", "video,color\nv,1\n", "some of frames, width, height, fps, group"),
    ],
)
def test_tables_that_do_not_fit_are_refused(root: Path, file: str, text: str, said: str) -> None:
    (root / (file or "classes.txt")).write_text(text)
    data = Custom(root)
    with pytest.raises(DataError, match=rf"{file}.*{said}"):
        _ = data.ground_truth(), data.split("1")


def test_a_missing_folder_or_table_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"where is your own dataset\? Name its folder with --data-root"):
        datasets.prepare("custom", None, tmp_path)
    with pytest.raises(DataError, match=r"found no .*annotations\.csv\. Wanted below"):
        datasets.prepare("custom", tmp_path, tmp_path).ground_truth()
