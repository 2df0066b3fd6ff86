"""What a reader refuses, with file, place and mend; and the little that it counts instead."""

from __future__ import annotations

import json
import os
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.interop.base import Truth
from bench.interop.formats import Manner, read_predictions, read_truth

sys.path.insert(0, str(Path(__file__).parent))
import foreign

DETECTIONS, TUBES = foreign.predictions()
ROW = 7
VIDEO = DETECTIONS.videos[DETECTIONS.video[ROW]]


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    return read_truth(foreign.parquet_truth(tmp_path / "truth.parquet"))


def refused(path: Path, truth: Truth, *said: str, tubes: Path | None = None, **manner: Any) -> str:
    """The message; it names the file and says all of these."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is checked here
        read_predictions(path, tubes, truth, Manner(**manner))
    message = str(caught.value)
    for words in (str(tubes or path), *said):
        assert words in message, message
    return message


def changed(values: Any, value: Any, kind: Any = None) -> np.ndarray:
    """The same column with another value in one row."""
    column = np.array(values, kind or np.asarray(values).dtype)
    column[ROW] = value
    return column


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("score", np.nan, "row 7: nan is not a finite number"),
        ("score", np.inf, "row 7: inf is not a finite number"),
        ("x2", -np.inf, "row 7: -inf is not a finite number"),
        ("y1", np.nan, "row 7: nan is not a finite number"),
        ("x1", 1000.0, "row 7: box [1000.0"),
        ("x1", 1000.0, "is inverted (x2 < x1 or y2 < y1)"),
        ("frame", -1, "row 7: frame -1 is before the first, which is 0"),
        ("frame", 99, f"row 7: frame 99 is past the end of {VIDEO}, whose 7 frames are 0 to 6"),
        ("label", 3, "row 7: label 3 is unknown; in this format there are 0 (Biking) to 2 (Fencing)"),
        ("label", -1, "row 7: label -1 is unknown"),
        ("label", 70000, "row 7: label 70000 is unknown"),
        ("video", "Biking/v_Biking_g01_c02", "row 7: the truth has no video 'Biking/v_Biking_g01_c02'"),
        ("video", "Biking/v_Biking_g01_c02", "did you mean Biking/v_Biking_g01_c01"),
    ],
)
def test_one_bad_value(tmp_path: Path, truth: Truth, column: str, value: Any, said: str) -> None:
    good = {
        "video": foreign.names_of(DETECTIONS), "frame": DETECTIONS.frame,
        "label": DETECTIONS.label.astype(int), "score": DETECTIONS.score,
        **foreign.corners(DETECTIONS.boxes_N4),
    }  # fmt: skip
    kind = object if column == "video" else None
    bad = list(changed(good[column], value, kind)) if column == "video" else changed(good[column], value)
    path = foreign.parquet_detections(tmp_path / "d.parquet", DETECTIONS, **{column: bad})
    refused(path, truth, said)


def test_numbers_of_other_kinds(tmp_path: Path, truth: Truth) -> None:
    def with_column(**columns: Any) -> Path:
        return foreign.parquet_detections(tmp_path / "d.parquet", DETECTIONS, **columns)

    half = changed(DETECTIONS.frame.astype(float), 2.5)
    refused(with_column(frame=half), truth, "row 7: frame 2.5 is no whole number that a frame can have")
    huge = changed(DETECTIONS.frame.astype(np.int64), 2**40)
    refused(with_column(frame=huge), truth, "row 7: frame 1099511627776 is no whole number")
    large = changed(DETECTIONS.frame, 20_000_000)
    refused(with_column(frame=large), truth, "row 7: frame 20000000 is no number that a frame can have")
    texts = [str(score) for score in DETECTIONS.score]
    refused(with_column(score=texts), truth, "column score: string instead of numbers")
    refused(with_column(label=[str(c) for c in DETECTIONS.label]), truth, "column label: string instead of")
    refused(with_column(frame=DETECTIONS.frame > 2), truth, "column frame: bool instead of numbers")
    refused(with_column(video=DETECTIONS.video), truth, "column video: int32 instead of text")
    refused(with_column(score=pa.array([None, *DETECTIONS.score[1:]])), truth, "score, row 0: empty cell")
    names = pa.array([None, *foreign.names_of(DETECTIONS)[1:]])
    refused(with_column(video=names), truth, "video, row 0: empty cell")
    wide = with_column(
        frame=DETECTIONS.frame.astype(np.float64), label=DETECTIONS.label.astype(np.int64),
        score=DETECTIONS.score.astype(np.float64),
    )  # fmt: skip
    assert len(read_predictions(wide, None, truth, Manner()).detections or ()) == len(DETECTIONS)


def test_columns(tmp_path: Path, truth: Truth) -> None:
    def with_columns(**columns: Any) -> Path:
        return foreign.parquet_detections(tmp_path / "d.parquet", DETECTIONS, **columns)

    refused(with_columns(score=None), truth, "lacks the column score; it has video, frame, x1")
    said = "lacks the column score; did you mean scores?"
    refused(with_columns(score=None, scores=DETECTIONS.score), truth, said)
    said = "has a column 'actionnes'; did you mean actionness?"
    refused(with_columns(actionnes=DETECTIONS.score), truth, said)
    twice = pa.table([pa.array([1.0]), pa.array([2.0])], names=["score", "score"])
    pq.write_table(twice, tmp_path / "d.parquet")
    refused(tmp_path / "d.parquet", truth, "has the column score twice")
    allowed = with_columns(box=DETECTIONS.box, actionness=DETECTIONS.score, objectness=DETECTIONS.score)
    assert read_predictions(allowed, None, truth, Manner()).detections is not None
    refused(foreign.parquet_truth(tmp_path / "truth.parquet"), truth, "lacks the column score")


def test_tubes(tmp_path: Path, truth: Truth) -> None:
    detections = foreign.parquet_detections(tmp_path / "d.parquet", DETECTIONS)

    def with_columns(**columns: Any) -> Path:
        return foreign.parquet_tubes(tmp_path / "t.parquet", TUBES, **columns)

    mixed = changed(TUBES.label, (TUBES.label[ROW] + 1) % 3)
    refused(detections, truth, "differs from that of the rows before; a tube has one label",
            tubes=with_columns(label=mixed))  # fmt: skip
    refused(detections, truth, "a tube has one score", tubes=with_columns(score=changed(TUBES.score, 0.5)))
    twice = changed(TUBES.frame, TUBES.frame[ROW - 1])
    refused(
        detections, truth, "row 7: tube 1 has a second box in this frame", tubes=with_columns(frame=twice)
    )
    refused(detections, truth, "d.parquet holds no tubes", tubes=detections)
    boxes_N4 = TUBES.boxes_N4.copy()
    boxes_N4[ROW] = [50, 50, 40, 60]
    found = read_predictions(detections, with_columns(**foreign.corners(boxes_N4)), truth, Manner())
    assert found.notes[-1] == "1 boxes of tubes are inverted (x2 < x1 or y2 < y1); they overlap nothing"


def test_frames_past_the_end_count_where_the_truth_has_boxes(tmp_path: Path) -> None:
    """J-HMDB annotates three videos past their end; predictions there are accepted, later ones are not."""
    path = foreign.parquet_truth(tmp_path / "truth.parquet")
    shorter = {name: frames - 3 for name, frames in foreign.LENGTHS.items()}
    known = foreign.truth()
    columns = {"video": foreign.names_of(known.boxes), "tube": known.boxes.tube, "label": known.box_labels(),
               "frame": known.boxes.frame, **foreign.corners(known.boxes.boxes_N4)}  # fmt: skip
    foreign.write_parquet(path, columns, classes=foreign.CLASSES, videos=shorter)
    detections = foreign.parquet_detections(tmp_path / "d.parquet", DETECTIONS)
    found = read_predictions(detections, None, read_truth(path), Manner())
    assert len(found.detections or ()) == len(DETECTIONS)
    late = foreign.parquet_detections(tmp_path / "d.parquet", DETECTIONS, frame=changed(DETECTIONS.frame, 20))
    refused(late, read_truth(path), "row 7: frame 20 is past the end")
    foreign.write_parquet(
        path, columns, classes=foreign.CLASSES
    )  # lengths unknown: nothing to hold it against
    assert read_predictions(late, None, read_truth(path), Manner()).detections is not None


def test_empty_boxes_are_counted_where_the_protocol_drops_them(tmp_path: Path, truth: Truth) -> None:
    path = foreign.parquet_detections(
        tmp_path / "d.parquet", DETECTIONS, x1=changed(DETECTIONS.boxes_N4[:, 0], 1000)
    )
    refused(path, truth, "is inverted")
    found = read_predictions(path, None, truth, Manner(drops_empty_boxes=True))
    assert found.notes[-1] == "1 boxes have x2 <= x1 or y2 <= y1; the protocol drops them"


def test_empty_boxes_of_ava_are_counted(tmp_path: Path) -> None:
    truth = read_truth(foreign.ava_csv(tmp_path / "truth.csv", scored=False))
    path = foreign.ava_csv(tmp_path / "found.csv")
    path.write_text(
        path.read_text() + "movie0,0902,0.5,0.5,0.5,0.9,12,0.5\nmovie0,0902,0.5,0.5,0.4,0.9,12,0.5\n"
    )
    found = read_predictions(path, None, truth, Manner(drops_empty_boxes=True))
    assert found.notes[-1] == "2 boxes have x2 <= x1 or y2 <= y1; the protocol drops them"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": None}, "is short-form ground truth without classes"),
        ({"classes": "Biking"}, "metadata classes: b'\"Biking\"' is of the wrong kind"),
        ({"classes": ["a", "a", "b"]}, "metadata classes: must be different names"),
        ({"classes": ["Biking"]}, "has a tube of label 1, but 1 classes"),
        ({"videos": {"other": 3}}, "'Biking/v_Biking_g01_c01' is not in the file's list"),
        ({"videos": dict.fromkeys(foreign.VIDEOS, "7")}, "has '7' frames"),
        ({"columns": {"label": [0, 1]}}, "several labels"),
        ({"columns": {"x1": 1000.0}}, "tube 0 of Biking/v_Biking_g01_c01, frame 1: an inverted box"),
        ({"columns": {"frame": -2}}, "frame -2: no frame that can be"),
        ({"columns": {"frame": 4}}, "frame 4: two boxes in one frame"),
        ({"columns": {"y1": np.nan}}, "row 0: nan is not a finite number"),
    ],
)
def test_truth(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    known = foreign.truth()
    columns = {"video": foreign.names_of(known.boxes), "tube": known.boxes.tube,
               "label": known.box_labels().astype(int), "frame": known.boxes.frame,
               **foreign.corners(known.boxes.boxes_N4)}  # fmt: skip
    for name, value in change.get("columns", {}).items():
        columns[name] = np.array(columns[name])
        columns[name][: np.size(value)] = value
    metadata = {"classes": foreign.CLASSES, "videos": foreign.LENGTHS} | change
    metadata = {k: v for k, v in metadata.items() if v is not None and k != "columns"}
    path = foreign.write_parquet(tmp_path / "truth.parquet", columns, **metadata)
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        read_truth(path)
    assert str(path) in str(caught.value)


def test_no_file_no_content_no_format(tmp_path: Path, truth: Truth) -> None:
    refused(tmp_path / "gone.parquet", truth, "no such file or folder")
    (tmp_path / "empty.parquet").touch()
    refused(tmp_path / "empty.parquet", truth, "is empty")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", truth, "is an empty folder")
    (tmp_path / "notes").write_text("what I did last summer\n")
    refused(tmp_path / "notes", truth, "is in no format that is known", "parquet:", "coco:", "--format")
    (tmp_path / "folder" / "picture.png").write_bytes(b"\x89PNG")
    refused(tmp_path / "folder", truth, "is in no format that is known")
    with pytest.raises(ValueError, match="unknown format 'parket'; did you mean parquet"):
        read_predictions(tmp_path / "notes", None, truth, Manner("parket"))
    refused(tmp_path / "notes", truth, "is cut off or no Parquet file", format="parquet")
    refused(tmp_path / "notes", truth, "is cut off or no JSON", format="coco")
    refused(tmp_path / "notes", truth, "not a whole pickle", format="multisports")
    refused(tmp_path / "folder", truth, "holds neither CLASS/VIDEO/00001.pkl", format="act")
    refused(tmp_path / "folder", truth, "has no file named like CLASS_VIDEO_00001.txt", format="yowo")


class Hostile:
    """Unpickled carelessly, this makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.mkdir, (str(self.folder),)


def test_pickles_run_nothing(tmp_path: Path, truth: Truth) -> None:
    made = tmp_path / "made"
    for path in ("frame_detections.pkl", "act/Diving/v_Diving_g01_c01/00001.pkl"):
        foreign.dump(tmp_path / path, {"a": Hostile(made)})
    refused(tmp_path / "frame_detections.pkl", truth, "refused, it asks for posix.mkdir")
    with pytest.raises(ValueError, match=r"00001\.pkl: refused, it asks for posix\.mkdir"):
        read_predictions(tmp_path / "act", None, truth, Manner())
    foreign.dump(tmp_path / "X-GT.pkl", Hostile(made))
    with pytest.raises(ValueError, match=r"X-GT\.pkl: refused"):
        read_truth(tmp_path / "X-GT.pkl")
    assert not made.exists()


def test_names_in_files_are_never_paths(tmp_path: Path) -> None:
    """A truth that names a video ``../secret`` makes no reader look there."""
    (tmp_path / "secret").mkdir()
    foreign.dump(tmp_path / "secret" / "00001.pkl", (np.zeros((0, 6)), 0))
    names = {"Diving/v": 3, "../secret": 3}
    columns = {"video": ["Diving/v", "../secret"], "tube": [0, 0], "label": [0, 0], "frame": [0, 0],
               **foreign.corners(np.float32([[1, 2, 3, 4]] * 2))}  # fmt: skip
    truth = read_truth(
        foreign.write_parquet(tmp_path / "t.parquet", columns, classes=["Diving"], videos=names)
    )
    foreign.dump(tmp_path / "act" / "Diving" / "v" / "00001.pkl", (np.zeros((0, 6)), 0))
    assert read_predictions(tmp_path / "act", None, truth, Manner()).covered == {"Diving/v"}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("00001.pkl", {0: np.zeros((1, 5))}, "00001.pkl: label 0; the labels of MOC's files start at 1"),
        ("00001.pkl", {1: np.zeros((1, 6))}, "label 1: rows of 6 numbers, not boxes and a score"),
        ("00001.pkl", {1: [[0, 0, 1, 1, 0.5]]}, "label 1: list instead of an array of numbers"),
        ("00001.pkl", (np.zeros((2, 7)), 0), "rows of 7 numbers, not a label, a score and boxes"),
        ("00001.pkl", "text", "str instead of ACT's pair of arrays or MOC's dict"),
        ("00001.pkl", (np.array([[9.0, 0.5, 0, 0, 1, 1]]), 0), "tubelet 0: label 9 is unknown"),
        ("00001.pkl", (np.array([[0, np.nan, 0, 0, 1, 1]]), 0), "tubelet 0: score nan is not a finite"),
        ("99999.pkl", (np.array([[0, 0.5, 0, 0, 1, 1]]), 0), "frame 99999 is past the end of"),
        ("_tubes.pkl", [1], "not a dict from label to a list of tubes"),
        ("_tubes.pkl", {0: [np.zeros((3, 6))]}, "a tube is a pair of its rows and its score"),
        ("_tubes.pkl", {0: [(np.zeros((3, 4)), 0.5)]}, "tube 0: an array of shape (3, 4)"),
        ("_tubes.pkl", {0: [(np.zeros((3, 6)), "high")]}, "tube 0: 'high' is no number"),
        ("_tubes.pkl", {0: [(np.zeros((1, 6)), 0.5)]}, "tube 0: frame 0 is before the first, which is 1"),
    ],
)
def test_folders_of_pickles(tmp_path: Path, truth: Truth, file: str, content: Any, said: str) -> None:
    root = foreign.act_folder(tmp_path / "act", DETECTIONS[:0], None)
    path = root / (f"{VIDEO}{file}" if file.startswith("_") else f"{VIDEO}/{file}")
    foreign.dump(path, content)
    if isinstance(content, dict) and not file.startswith("_"):
        for other in root.rglob("*.pkl"):  # MOC's alone: two methods in a folder are another error
            if other != path:
                other.unlink()
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        read_predictions(root, None, truth, Manner())
    assert str(path) in str(caught.value)


def test_folders_of_pickles_are_whole(tmp_path: Path, truth: Truth) -> None:
    """Tubelets of K = 3 want a file for every start; boxes of single frames may lack frames."""
    root = tmp_path / "act"
    row = np.array([[0, 0.5, *[10, 10, 60, 60] * 3]], np.float32)
    for name, frames in foreign.LENGTHS.items():
        for start in range(1, frames - 1):
            foreign.dump(root / name / f"{start:05}.pkl", (row, row))
    assert len(read_predictions(root, None, truth, Manner()).covered) == 5
    (root / VIDEO / "00003.pkl").unlink()
    refused(root, truth, f"{VIDEO} has no 00003.pkl; 1 of its 5 files are missing")
    foreign.dump(root / VIDEO / "00003.pkl", {1: np.zeros((1, 13))})
    with pytest.raises(ValueError, match=r"00003\.pkl has tubelets of another length or method than"):
        read_predictions(root, None, truth, Manner())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "holds an empty list"),
        ({}, "holds no tube"),
        ([np.zeros(7)], "row 0: not an array of 8 numbers"),
        (np.zeros((2, 7)), "an array of shape (2, 7) instead of rows of 8 numbers"),
        ({0: [("a", 0.5)]}, "label 0, tube 0: not a video's name, a score and rows"),
        ({0: [("a", 0.5, np.ones((1, 6)))]}, "tube 0: the truth has no video 'a'"),
        ({"gttubes": {}}, "is ground truth, not predictions"),
        (np.array([[9, 1, 0, 0.5, 0, 0, 1, 1.0]]), "row 0: video 9 is none of the 5 of split 1"),
        (np.array([[0, 0, 0, 0.5, 0, 0, 1, 1.0]]), "row 0: frame 0 is before the first, which is 1"),
        (np.array([[0, 1, 5, 0.5, 0, 0, 1, 1.0]]), "row 0: label 5 is unknown"),
        (np.array([[0, 1, 0, np.inf, 0, 0, 1, 1.0]]), "row 0: score inf is not a finite number"),
        (3.5, "holds float, not rows of 8 numbers or a dict of tubes"),
    ],
)
def test_single_pickles(tmp_path: Path, content: Any, said: str) -> None:
    truth = read_truth(foreign.gt_pickle(tmp_path / "X-GT.pkl"))
    refused(foreign.dump(tmp_path / "p.pkl", content), truth, said)


def test_video_numbers_need_their_list(tmp_path: Path, truth: Truth) -> None:
    path = foreign.multisports_frames(tmp_path / "frame_detections.pkl", DETECTIONS)
    refused(path, truth, "numbers its videos by the test list of a *-GT.pkl; give that pickle as --truth")
    with pytest.raises(ValueError, match=r"--split x: .*numbers its splits, 1 to 2"):
        read_truth(foreign.gt_pickle(tmp_path / "X-GT.pkl"), "x")
    with pytest.raises(ValueError, match="holds no split 3"):
        read_truth(tmp_path / "X-GT.pkl", "3")
    unsplit = read_truth(tmp_path / "truth.parquet", "1")
    assert (unsplit.split, unsplit.notes[-1]) == (
        "all", "--split 1 changes nothing: truth.parquet has no splits"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 0.5 1 2 3", "line 2: 5 fields instead of label score x1 y1 x2 y2"),
        ("1 0.5 1 2 3 4 5", "line 2: 7 fields instead of"),
        ("one 0.5 1 2 3 4", "line 2: 'one' is no number"),
        ("1 nan 1 2 3 4", "line 2: score nan is not a finite number"),
        ("1 0.5 1 2 inf 4", "line 2: box [1.0, 2.0, inf, 4.0] is not of finite numbers"),
        ("1 0.5 9 2 3 4", "line 2: box [8.0, 1.0, 2.0, 3.0] is inverted"),
        ("0 0.5 1 2 3 4", "line 2: label 0 is unknown; in this format there are 1 (Biking) to 3 (Fencing)"),
        ("1.5 0.5 1 2 3 4", "line 2: label 1.5 is no whole number"),
    ],
)
def test_text_files(tmp_path: Path, truth: Truth, line: str, said: str) -> None:
    root = foreign.yowo_folder(tmp_path / "yowo", DETECTIONS)
    path = root / f"{VIDEO.replace('/', '_')}_00001.txt"
    path.write_text(f"1 0.5 11 12 13 14\n{line}\n")
    with pytest.raises(ValueError, match=re.escape(f"{path}, {said}")):
        read_predictions(root, None, truth, Manner())


def test_text_folders(tmp_path: Path, truth: Truth) -> None:
    root = foreign.yowo_folder(tmp_path / "yowo", DETECTIONS)
    (root / "Diving_v_Divin_g01_c01_00001.txt").write_text("2 0.5 1 2 3 4\n")
    refused(
        root, truth, "the truth has no video 'Diving_v_Divin_g01_c01'", "did you mean Diving/v_Diving_g01"
    )
    (root / "Diving_v_Divin_g01_c01_00001.txt").unlink()
    (root / f"{VIDEO.replace('/', '_')}_00000.txt").write_text("2 0.5 1 2 3 4\n")
    refused(root, truth, "line 1: frame 0 is before the first, which is 1 in this format")


@pytest.mark.parametrize("label", ["inf", "nan", "-3", "1e9", "1.5"])
def test_labels_of_text_truth(tmp_path: Path, label: str) -> None:
    path = foreign.yowo_truth(tmp_path / "gt") / "Diving_v_Diving_g01_c01_00001.txt"
    path.write_text(f"{label} 11 21 51 91\n")
    with pytest.raises(ValueError, match=re.escape(f"{path}, line 1: label ")):
        read_truth(tmp_path / "gt")


def coco(change: Any) -> Any:
    """The truth as an object, changed."""
    content = {
        "images": [{"id": 1, "file_name": "v/00001.jpg"}, {"id": 2, "file_name": "v/00002.jpg"}],
        "categories": [{"id": 3, "name": "Diving"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}],
    }
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.pop("images"), "lacks images; ground truth has images, annotations, categories"),
        (lambda c: c.update(images=[]), "has no images"),
        (lambda c: c.update(images=7), "images is no list"),
        (lambda c: c.update(annotations=[3]), "annotations entry 0: no object, but 3"),
        (lambda c: c["images"][1].pop("file_name"), "images entry 1 has no 'file_name'; it has id"),
        (lambda c: c["images"][1].update(id=1), "images entry 1: 1 is there twice"),
        (lambda c: c["images"][1].update(file_name="v/00001.png"), "images entry 1: ('v', 0) is there twice"),
        (lambda c: c["categories"].append({"id": 3, "name": "Biking"}), "two categories have one id"),
        (lambda c: c["categories"].append({"id": 4, "name": "Diving"}), "two classes are named 'Diving'"),
        (lambda c: c["annotations"][0].pop("bbox"), "annotations entry 0 has no 'bbox'"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 3]), "entry 0: bbox [1, 2, 3] is not x, y"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, "3", 4]), "is not x, y, width, height"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, -3, 4]), "annotations entry 0: box [1.0, 2.0, -2."),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 10**400, 4]), "is not of finite numbers"),
        (lambda c: c["annotations"][0].update(image_id=9), "annotations entry 0: image_id 9 is unknown; "),
        (lambda c: c["annotations"][0].update(category_id="3"), "category_id '3' is unknown"),
        (lambda c: c["annotations"][0].update(category_id=None), "entry 0: category_id is None"),
        (lambda c: c["annotations"][0].update(iscrowd=1), "annotations entry 0 is a crowd"),
    ],
)  # fmt: skip
def test_json_truth(tmp_path: Path, change: Any, said: str) -> None:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(coco(change)))
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        read_truth(path)
    assert str(path) in str(caught.value)


def test_json_results(tmp_path: Path, truth: Truth) -> None:
    known_path, path = tmp_path / "truth.json", tmp_path / "results.json"
    known_path.write_text(json.dumps(coco(lambda content: None)))
    known = read_truth(known_path)

    def write(content: Any) -> Path:
        path.write_text(json.dumps(content))
        return path

    good = {"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}
    refused(write([]), known, "holds no results")
    refused(write([good, good | {"score": "0.5"}]), known, "entry 1: score is '0.5'")
    refused(write([good, good | {"score": float("nan")}]), known, "entry 1: score nan is not a finite number")
    refused(write([good, good | {"image_id": 7}]), known, "entry 1: image_id 7 is unknown; there are: 1, 2")
    refused(write([good, {}]), known, "entry 1 has no 'category_id'; it has nothing")
    whole = coco(lambda content: content["categories"][0].update(name="Divin"))
    refused(write(whole), truth, "categories: unknown class 'Divin'; did you mean Diving?")


@pytest.mark.parametrize(
    ("files", "frames"),
    [
        (["a/b/00001.jpg", "a/b/00003.jpg"], [("a/b", 0), ("a/b", 2)]),
        (["a/b/00000.jpg", "a/b/00003.jpg"], [("a/b", 0), ("a/b", 3)]),
        (["000123.jpg", "000124.jpg"], [("000123", 0), ("000124", 0)]),
        (["a/first.jpg", "a/second.jpg"], [("a/first", 0), ("a/second", 0)]),
        (["rgb/Diving/v_Diving_g01_c01/img_2.png", "x/1.jpg"], [("Diving/v_Diving_g01_c01", 1), ("x", 0)]),
        ([r"a\b\00001.jpg", "/a/b/00002.jpg"], [("a/b", 0), ("a/b", 1)]),
    ],
)  # fmt: skip
def test_which_frame_an_image_is(files: list[str], frames: list[tuple[str, int]]) -> None:
    from bench.interop.coco_json import frames_of

    images = [{"id": i, "file_name": file} for i, file in enumerate(files)]
    found = frames_of(Path("x.json"), {"images": images}, {"Diving/v_Diving_g01_c01"})
    assert list(found.values()) == frames


def test_images_of_tracking_data_say_their_frame() -> None:
    from bench.interop.coco_json import frames_of

    images = [{"id": 4, "video_id": 1, "frame_id": 0}, {"id": 5, "video_id": 2, "frame_id": 8}]
    found = frames_of(Path("x.json"), {"images": images, "videos": [{"id": 2, "name": "walk"}]})
    assert found == {4: ("1", 0), 5: ("walk", 8)}
    named = [image | {"video": f"v{image['video_id']}"} for image in images]
    assert list(frames_of(Path("x.json"), {"images": named}).values()) == [("v1", 0), ("v2", 8)]


def test_protocols_of_pickles_do_not_matter(tmp_path: Path) -> None:
    truth = read_truth(foreign.gt_pickle(tmp_path / "X-GT.pkl"))
    rows = np.column_stack([DETECTIONS.video, DETECTIONS.frame + 1, DETECTIONS.label, DETECTIONS.score,
                            DETECTIONS.boxes_N4])  # fmt: skip
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path = foreign.dump(tmp_path / "frame_detections.pkl", rows, protocol)
        assert len(read_predictions(path, None, truth, Manner()).detections or ()) == len(DETECTIONS)
