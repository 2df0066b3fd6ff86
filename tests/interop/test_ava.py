"""AVA's files as people have them, and as people get them wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.interop import ava
from bench.metrics import evaluate
from bench.protocol import EVALUATORS, Protocol
from bench.records import Detections, GroundTruth, VideoTable

CLASSES = {1: "bend", 12: "stand", 80: "watch"}
TRUTH = ["a,0902,0.1,0.2,0.5,0.9,12", "a,0902,0.1,0.2,0.5,0.9,80", "b,0903,0.2,0.2,0.4,0.8,12"]
FOUND = ["a,0902,0.1,0.2,0.5,0.9,12,0.9", "a,0902,0.1,0.2,0.5,0.9,80,0.8", "b,0903,0.3,0.2,0.4,0.8,1,0.7"]


def written(folder: Path, lines: list[str], name: str = "truth.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def truth_of(folder: Path, lines: list[str]) -> GroundTruth:
    return ava.read_truth(written(folder, lines), CLASSES)


def found_of(folder: Path, lines: list[str], truth: GroundTruth | None = None) -> Detections:
    truth = truth_of(folder, TRUTH) if truth is None else truth
    return ava.read_detections(written(folder, lines, "found.csv"), truth, CLASSES)


def test_truth(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, TRUTH)
    assert truth.classes == ("bend", "stand", "watch")
    assert truth.videos.names == ("a", "b")
    assert truth.boxes.frame.tolist() == [902_000, 902_000, 903_000]  # milliseconds
    assert truth.videos.frames.tolist() == [903_001, 903_001]
    assert truth.box_labels().tolist() == [1, 2, 1]
    assert truth.boxes.boxes_N4.tolist() == [[100, 200, 500, 900], [100, 200, 500, 900], [200, 200, 400, 800]]
    assert truth.tubes.start.tolist() == truth.boxes.frame.tolist()
    assert (truth.tubes.end - truth.tubes.start).tolist() == [1, 1, 1]
    assert truth.scored_frames is not None
    assert truth.scored_frames.tolist() == [[0, 902_000], [1, 903_000]]
    assert truth.excluded_frames is None


def test_labels_are_in_the_order_of_ids(tmp_path: Path) -> None:
    mixed = {number: CLASSES[number] for number in (80, 1, 12)}
    truth = ava.read_truth(written(tmp_path, TRUTH), mixed)
    assert truth.classes == ("bend", "stand", "watch")
    assert truth.box_labels().tolist() == [1, 2, 1]


def test_detections(tmp_path: Path) -> None:
    found = found_of(tmp_path, FOUND)
    assert found.label.tolist() == [1, 2, 0]
    assert found.score.tolist() == np.float32([0.9, 0.8, 0.7]).tolist()
    assert found.box.tolist() == [0, 0, 1]  # two labels of one box
    assert found.boxes_N4[2].tolist() == [300, 200, 400, 800]


def test_real_sizes_and_frame_rates(tmp_path: Path) -> None:
    videos = VideoTable(("other", "a", "b"), [99, 2000, 2000], [10, 640, 320], [10, 480, 240], [1, 25, 29.97],
                        ("other", "a", "b"))  # fmt: skip
    path = written(tmp_path, [*TRUTH, "b,904.5"])
    truth = ava.read_truth(path, CLASSES, videos=videos, start=900)
    assert truth.boxes.frame.tolist() == [50, 50, 90]  # 3 s at 29.97: 89.91
    assert truth.boxes.boxes_N4[2].tolist() == [64, 48, 128, 192]
    assert truth.scored_frames is not None
    assert truth.scored_frames.tolist() == [[1, 50], [2, 90], [2, 135]]
    found = ava.read_detections(written(tmp_path, FOUND, "found.csv"), truth, CLASSES, start=900)
    assert found.frame.tolist() == [50, 50, 90]
    assert found.video.tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.replace(",", "\t"),
        lambda row: row.replace(",090", ",90"),
        lambda row: row.replace(",090", ",00000090"),
        lambda row: row.replace("902,", "902.0,").replace("903,", "903.000000,"),
        lambda row: row + ",person 7",
        lambda row: row + ",,",
        lambda row: '"' + row[0] + '"' + row[1:],
        lambda row: row + "\r",
        lambda row: row + "\n",  # blank lines between
    ],
)
@pytest.mark.parametrize("header", [None, "video_id,frame_timestamp,x1,y1,x2,y2,action_id,score"])
def test_spellings_of_one_file(tmp_path: Path, change, header: str | None) -> None:
    def spelled(lines: list[str]) -> list[str]:
        return [change(line) for line in ([header] if header else []) + lines]

    truth, plain = truth_of(tmp_path, spelled(TRUTH)), truth_of(tmp_path, TRUTH)
    for table in ("tubes", "boxes"):
        ours, theirs = getattr(truth, table), getattr(plain, table)
        assert all(np.array_equal(getattr(ours, name), getattr(theirs, name)) for name in ours.columns())
    assert np.array_equal(truth.scored_frames, plain.scored_frames)
    found, expected = found_of(tmp_path, spelled(FOUND), plain), found_of(tmp_path, FOUND, plain)
    assert np.array_equal(found.boxes_N4, expected.boxes_N4)
    assert np.array_equal(found.score, expected.score)
    assert np.array_equal(found.frame, expected.frame)


def test_a_header_and_one_row(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, ["video,time,x1,y1,x2,y2,action,person", f"{TRUTH[0]},7"])
    assert len(truth.boxes) == 1


def test_a_file_longer_than_its_head(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, [f"a,{i},0.1,0.2,0.5,0.9,12" for i in range(5000)])
    assert len(truth.boxes) == 5000
    with pytest.raises(ValueError, match=r"found.csv, line 4001: score 'x' is no number"):
        found_of(
            tmp_path, [*[f"a,{i},0.1,0.2,0.5,0.9,12,0.5" for i in range(4000)], "a,1,0,0,1,1,1,x"], truth
        )


def test_rows_of_other_actions_and_of_two_columns_keep_their_frame(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, ["c,0902", *TRUTH, "a,905,0.1,0.1,0.2,0.2,2", "a,0903"])
    assert len(truth.boxes) == 3
    listed = {(truth.videos.names[video], frame // 1000) for video, frame in truth.scored_frames}
    assert listed == {("a", 902), ("b", 903), ("a", 905), ("a", 903), ("c", 902)}
    only = truth_of(tmp_path, ["a,0902", "b,0903"])
    assert not len(only.boxes)
    assert only.scored_frames.tolist() == [[0, 902_000], [1, 903_000]]


def test_a_perfect_file_scores_100_under_every_ava_evaluator(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, TRUTH)
    found = found_of(tmp_path, [f"{row},0.{9 - i}" for i, row in enumerate(TRUTH)], truth)
    for name in ("ava", "ava-2019", "ava-slowfast", "ava-mmaction2"):
        protocol = Protocol("ava", "val", EVALUATORS[name], "frame_map/0.50")
        assert evaluate(truth, found, None, protocol).metrics["frame_map/0.50"] == 100


def test_excluded_timestamps(tmp_path: Path) -> None:
    path = written(tmp_path, TRUTH)
    excluded = written(tmp_path, ["video_id,timestamp", "b,903", "z,0904", "b,0903.0"], "excluded.csv")
    truth = ava.read_truth(path, CLASSES, excluded)
    assert truth.excluded_frames is not None
    assert truth.excluded_frames.tolist() == [[1, 903_000]]  # z belongs to another split
    wrong = written(tmp_path, ["z,0904"], "excluded.csv")
    with pytest.raises(
        ValueError, match=r"excluded.csv names none of the videos, its first is 'z'; there are: a, b"
    ):
        ava.read_truth(path, CLASSES, wrong)
    with pytest.raises(ValueError, match=r"excluded.csv, line 2: 7 columns, not 2"):
        ava.read_truth(path, CLASSES, written(tmp_path, ["a,0902", TRUTH[0]], "excluded.csv"))


LABEL_MAP = """item {
  name: "bend/bow (at the waist)"
  id: 1
}
label {
  name: "watch (a person)"
  label_id: 80
  label_type: PERSON_INTERACTION
}
"""


def test_label_maps(tmp_path: Path) -> None:
    path = written(tmp_path, [LABEL_MAP], "list.pbtxt")
    assert ava.read_label_map(path) == {1: "bend/bow (at the waist)", 80: "watch (a person)"}
    with pytest.raises(ValueError, match=r"empty.pbtxt has no blocks such as item"):
        ava.read_label_map(written(tmp_path, ["name: 'x' id: 3"], "empty.pbtxt"))
    with pytest.raises(ValueError, match="one action id twice"):
        ava.read_label_map(written(tmp_path, [LABEL_MAP, LABEL_MAP], "twice.pbtxt"))


def test_the_default_classes_are_60_of_80() -> None:
    assert len(ava.EVALUATED) == 60
    assert list(ava.EVALUATED) == sorted(ava.EVALUATED)
    assert {2, 16, 18, 19, 21, 23, 25} & set(ava.EVALUATED) == set()
    assert ava.EVALUATED[12] == "stand"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("b,0903,0.2,0.2,0.4,0.8,12", "7 columns; a row here has 8"),
        ("b,0903", "2 columns; a row here has 8"),
        ("b,x,0.2,0.2,0.4,0.8,12,0.5", "timestamp 'x' is no number"),
        ("b,0903,0.2,,0.4,0.8,12,0.5", "y1 '' is no number"),
        ("b,0903,0.2,0.2,0.4,0.8,12,nan", "score 'nan' is no number"),
        ("b,0903,0.2,0.2,inf,0.8,12,0.5", "x2 'inf' is no number"),
        (
            "b,0903,64,48,128,192,12,0.5",
            "far outside the frame; edges are shares of width and height, 0 to 1",
        ),
        ("b,0903,0.2,0.2,0.4,0.8,0,0.5", "action 0 is no id; they are whole numbers from 1"),
        ("b,0903,0.2,0.2,0.4,0.8,1.5,0.5", "action 1.5 is no id"),
        (",0903,0.2,0.2,0.4,0.8,12,0.5", "the video has no name"),
        ("bb,0903,0.2,0.2,0.4,0.8,12,0.5", "video 'bb' is none of the 2 known ones; did you mean b?"),
        ("b,-1,0.2,0.2,0.4,0.8,12,0.5", "the timestamp lies before 0 s"),
    ],
)
def test_errors_name_file_row_and_mend(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        found_of(tmp_path, [*FOUND[:2], row, FOUND[2]])
    assert said in str(caught.value)
    assert f"{tmp_path / 'found.csv'}, line 3: " in str(caught.value)


def test_the_row_is_that_of_the_file_with_header_and_blank_lines(tmp_path: Path) -> None:
    lines = ["video,t,x1,y1,x2,y2,action,score", "", FOUND[0], "", "", "b,x,0.2,0.2,0.4,0.8,12,0.5"]
    with pytest.raises(ValueError, match=r"found.csv, line 6: timestamp 'x'"):
        found_of(tmp_path, lines)


def test_other_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere.csv: no such file"):
        ava.read_truth(tmp_path / "nowhere.csv")
    with pytest.raises(ValueError, match="is empty; write it again"):
        truth_of(tmp_path, ["", " "])
    with pytest.raises(
        ValueError, match=r"found.csv, line 1: 7 columns; a row here has 8, at least .* score"
    ):
        found_of(tmp_path, TRUTH)
    with pytest.raises(ValueError, match=r"truth.csv, line 2: 5 columns; a row here has 7"):
        truth_of(tmp_path, [TRUTH[0], "a,0902,0.1,0.2,0.5"])
    with pytest.raises(ValueError, match=r"truth.csv, line 2: timestamp 'never' is no number"):
        truth_of(tmp_path, [TRUTH[0], "a,never"])
    with pytest.raises(ValueError, match=r"truth.csv, line 1: the timestamp lies before 903 s"):
        ava.read_truth(written(tmp_path, TRUTH), CLASSES, start=903)
    with pytest.raises(ValueError, match="no row of an evaluated action"):
        found_of(tmp_path, [row.replace(",12,", ",2,").replace(",80,", ",3,") for row in FOUND[:2]])
    with pytest.raises(ValueError, match="the classes are not those of the ground truth"):
        ava.read_detections(written(tmp_path, FOUND, "found.csv"), truth_of(tmp_path, TRUTH))
    videos = replace(truth_of(tmp_path, TRUTH[:2]).videos)
    with pytest.raises(ValueError, match=r"truth.csv, line 4: video 'b' is none of the 1 known ones"):
        ava.read_truth(written(tmp_path, [*TRUTH[:2], "a,903", "b,903"]), CLASSES, videos=videos)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 1000)] * 4), min_size=1, max_size=20),
    st.sampled_from([320, 451, 1920]),
)
def test_decimals_survive_pixels(tmp_path_factory: pytest.TempPathFactory, boxes: list, side: int) -> None:
    """The decimals of a file are found again from float32 pixels of any size."""
    folder = tmp_path_factory.mktemp("ava")
    lines = [f"a,{i},{x1 / 1000:.3f},{y1 / 1000:.3f},{x2 / 1000:.3f},{y2 / 1000:.3f},12"
             for i, (x1, y1, x2, y2) in enumerate(boxes)]  # fmt: skip
    videos = VideoTable(("a",), [100], [side], [side], [1], ("a",))
    truth = ava.read_truth(written(folder, lines), CLASSES, videos=videos)
    again = np.round(truth.boxes.boxes_N4.astype(np.float64) / side, 6)
    assert again.tolist() == (np.array(boxes) / 1000).tolist()
