"""AVA: its files of annotation, and where the annotated second lies in movies, cuts, frames and segments."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bench.interop.ava import read_label_map
from bench.interop.ava_classes import EVALUATED
from bench.interop.ava_csv import read_frames, read_rows
from bench.metrics import evaluate
from bench.records import Detections
from datasets.ava import AvaV10, AvaV21, AvaV22
from datasets.ava_layout import FRAMES_A_SECOND
from datasets.base import DataError

VAL = """\
-Movie,0904,0.25,0.50,0.75,1.00,12,7
-Movie,0904,0.25,0.50,0.75,1.00,80,7
-Movie,904,0.100,0.200,0.300,0.400,17,8
other,1005.0,0.000,0.000,0.500,0.500,2,0
other,1006,0.000,0.000,0.500,0.500,11,1
other,1007
"""
TRAIN = "third,0902,0.1,0.1,0.2,0.2,14,3\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ava_val_v2.2.csv").write_text(VAL)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "ava_train_v2.2.csv").write_text(TRAIN)
    (tmp_path / "ava_val_excluded_timestamps_v2.2.csv").write_text("-Movie,0950\nother,1006\n")
    return tmp_path


def write_movie(path: Path, frames: int, rate: int, late: int = 0) -> None:
    """A tiny movie; from the middle on each frame is shown ``late`` ticks of 1/1000 s longer."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        time = 0
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.zeros((16, 32, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            time += 1000 // rate + (late if number >= frames // 2 else 0)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def test_annotation_alone_is_enough_to_score(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = AvaV22(root)
    truth = data.ground_truth()
    assert "AVA v2.2: of 3 movies there are none: annotation alone" in capsys.readouterr().err
    assert truth.videos.names == ("third", "-Movie", "other")
    assert len(truth.classes) == 60
    assert [truth.classes[label] for label in truth.tubes.label] == [
        "walk", "stand", "watch (a person)", "carry/hold (an object)", "sit",
    ]  # fmt: skip
    assert truth.boxes.frame.tolist() == [902_000, 904_000, 904_000, 904_000, 1_006_000]
    np.testing.assert_allclose(truth.boxes.boxes_N4[1], [250, 500, 750, 1000])
    assert (truth.tubes.end - truth.tubes.start).tolist() == [1] * 5
    assert truth.scored_frames is not None
    assert truth.scored_frames.tolist() == [
        [0, 902_000], [1, 904_000], [2, 1_005_000], [2, 1_006_000], [2, 1_007_000],
    ]  # fmt: skip
    assert truth.excluded_frames is not None
    assert truth.excluded_frames.tolist() == [[1, 950_000], [2, 1_006_000]]
    perfect = Detections(
        truth.videos.names, truth.boxes.video, truth.boxes.frame, truth.boxes.tube, truth.boxes.boxes_N4,
        truth.tubes.label, np.linspace(1, 0.5, 5),
    )  # fmt: skip
    score = evaluate(truth, perfect, None, data.protocol("val"))
    assert score.metrics["frame_map/0.50"] == 100
    assert score.metrics["video_map/0.50"] is None


def test_splits_are_the_videos_of_their_files(root: Path) -> None:
    data = AvaV22(root)
    assert data.split("val").train == ("third",)
    assert data.split("val").test == ("-Movie", "other")
    with pytest.raises(DataError, match=r"found no ava_test_v2\.2\.csv"):
        data.split("test")
    with pytest.raises(ValueError, match="unknown split"):
        data.split("1")
    (root / "annotations" / "ava_train_v2.2.csv").unlink()
    assert AvaV22(root).split("val").train == ()
    with pytest.raises(DataError, match=r"AVA v2\.1: found no ava_\*_v2\.1\.csv\. Wanted below"):
        AvaV21(root).ground_truth()


def test_its_protocol_scores_frames_of_multi_label_boxes(root: Path) -> None:
    protocol = AvaV22(root).protocol("val")
    assert protocol.id == "ava-v2.2/val/ava@1"
    assert protocol.ranking_metric == "frame_map/0.50"
    assert AvaV22.multi_label


def test_whole_movies_and_cuts_are_told_apart_by_how_long_they_last(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_movie(root / "videos" / "-Movie.mkv", 3640, 2)
    write_movie(root / "trainval" / "other.mp4", 1802, 2)
    truth = AvaV22(root).ground_truth()
    said = capsys.readouterr().err
    assert "of 3 movies there are 1 as whole movies, 1 as 900-1800 s cuts" in said
    assert truth.videos.frames.tolist()[1:] == [3640, 1802]
    assert truth.videos.fps.tolist() == [1000, 2, 2]
    assert truth.videos.width.tolist() == [1000, 32, 32]
    assert truth.boxes.frame.tolist() == [902_000, 1808, 1808, 1808, 212]
    np.testing.assert_allclose(truth.boxes.boxes_N4[1], [8, 8, 24, 16])
    np.testing.assert_allclose(truth.boxes.boxes_N4[4], [0, 0, 16, 8])
    assert truth.scored_frames is not None
    assert truth.scored_frames.tolist() == [[0, 902_000], [1, 1808], [2, 210], [2, 212], [2, 214]]
    assert truth.excluded_frames is not None
    assert truth.excluded_frames.tolist() == [[1, 1900], [2, 212]]


def test_a_varying_frame_rate_is_followed(root: Path) -> None:
    write_movie(root / "videos" / "other.mp4", 1802, 2, late=2)
    truth = AvaV22(root).ground_truth().select(("other",))
    assert truth.scored_frames is not None
    assert truth.scored_frames[:, 1].tolist() == [210, 212, 214]
    (root / "ava_val_v2.2.csv").write_text(VAL.replace("1006,", "1700,"))
    late = AvaV22(root).ground_truth().select(("other",)).boxes.frame
    assert late.tolist() == [901 + round((800 - 450.5) / 0.502)]


def test_a_movie_that_is_neither_is_refused(root: Path) -> None:
    write_movie(root / "videos" / "other.mp4", 200, 2)
    with pytest.raises(DataError, match=r"other\.mp4: lasts 100 s; a whole AVA movie has 1,800 s or more"):
        AvaV22(root).ground_truth()


def test_folders_of_frames_are_cuts_at_thirty_a_second(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    assert FRAMES_A_SECOND == 30
    monkeypatch.setattr("datasets.ava_layout.FRAMES_A_SECOND", 0.1)
    folder = root / "frames" / "other"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "other_000001.jpg"), np.zeros((16, 32, 3), np.uint8))
    for number in range(2, 91):
        shutil.copy(folder / "other_000001.jpg", folder / f"other_{number:06d}.jpg")
    truth = AvaV22(root).ground_truth().select(("other",))
    assert truth.videos.frames.tolist() == [90]
    assert truth.boxes.frame.tolist() == [11]


def test_segments_are_videos_whose_middle_frame_counts(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for movie, second in (("-Movie", "904"), ("other", "1006"), ("other", "1005"), ("other", "1007")):
        write_movie(root / "segments" / movie / f"{second}.mp4", 60, 25)
    data = AvaV22(root)
    truth = data.ground_truth()
    assert "2 as one-second segments" in capsys.readouterr().err
    names = ("third", "-Movie/0904", "other/1005", "other/1006", "other/1007")
    assert truth.videos.names == names
    assert truth.videos.group == ("third", "-Movie", "other", "other", "other")
    assert truth.videos.frames.tolist()[1:] == [60] * 4
    assert truth.boxes.frame.tolist() == [902_000, 30, 30, 30, 30]
    assert truth.boxes.video.tolist() == [0, 1, 1, 1, 3]
    assert truth.scored_frames is not None
    assert truth.scored_frames.tolist() == [[0, 902_000], [1, 30], [2, 30], [3, 30], [4, 30]]
    assert truth.excluded_frames is not None
    assert truth.excluded_frames.tolist() == [[3, 30]]
    assert data.split("val").test == names[1:]
    assert data.video_path("-Movie/0904").name == "904.mp4"
    assert data.missing_videos(names) == ["third"]


PREDICTED = """\
other,1006,0.000,0.000,0.500,0.500,11,0.9
-Movie,0904,0.25,0.50,0.75,1.00,12,0.8
-Movie,0904,0.25,0.50,0.75,1.00,80,0.7
-Movie,0905,0.25,0.50,0.75,1.00,80,0.6
"""


@pytest.mark.parametrize("layout", ["annotation alone", "whole movie and cut", "segments"])
def test_predictions_by_timestamps_come_where_the_annotation_is(root: Path, layout: str) -> None:
    if layout == "whole movie and cut":
        write_movie(root / "videos" / "-Movie.mkv", 3640, 2)
        write_movie(root / "trainval" / "other.mp4", 1802, 2)
    if layout == "segments":
        for movie, second in (("-Movie", "904"), ("other", "1006"), ("other", "1005"), ("other", "1007")):
            write_movie(root / "segments" / movie / f"{second}.mp4", 60, 25)
    (root / "mine.csv").write_text(PREDICTED)
    data = AvaV22(root)
    truth, found = data.ground_truth(), data.read_timed(root / "mine.csv")
    assert found.videos == truth.videos.names
    assert len(found) == (3 if layout == "segments" else 4)  # a second that is not annotated has no segment
    place = {
        (v, f, label): box
        for v, f, label, box in zip(
            truth.boxes.video, truth.boxes.frame, truth.box_labels(), truth.boxes.boxes_N4
        )
    }
    annotated = [(v, f, label) in place for v, f, label in zip(found.video, found.frame, found.label)]
    assert annotated == [True] * 3 + [False] * (len(found) - 3)
    for row in range(3):
        key = (found.video[row], found.frame[row], found.label[row])
        np.testing.assert_allclose(found.boxes_N4[row], place[key])


def test_timestamps_mean_nothing_to_other_datasets(tmp_path: Path) -> None:
    from datasets.jhmdb import Jhmdb

    with pytest.raises(ValueError, match=r"mine\.csv has timestamps; J-HMDB-21 is annotated by frames"):
        Jhmdb(tmp_path).read_timed(tmp_path / "mine.csv")


def test_a_list_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "excluded.csv").write_bytes(b"movie,0902\nm\xff\xfe,0903\n")
    with pytest.raises(ValueError, match=r"excluded\.csv is no text of two columns"):
        read_frames(tmp_path / "excluded.csv")


def test_what_is_odd_is_counted_and_told(root: Path) -> None:
    (root / "ava_val_v2.2.csv").write_text(VAL + "other,1006,0.000,0.000,0.500,0.500,11,1\n")
    assert [quirk.count for quirk in AvaV22(root).quirks()] == [2, 1, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (VAL + "../x,0904,0,0,1,1,12,1\n", r"the video name '\.\./x' leads out"),
        (VAL + "x,0904,0,0,1,1\n", "columns"),
        (VAL + "x,0904,0,0,30,1,12,1\n", "far outside the frame"),
        (VAL + "third,0904,0,0,1,1,12,1\n", r"ava_\{train,val\}_v\*\.csv both annotate the video third"),
        ("", "is empty"),
    ],
)
def test_annotation_that_does_not_fit_is_refused(root: Path, text: str, said: str) -> None:
    (root / "ava_val_v2.2.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        AvaV22(root).ground_truth()


@pytest.mark.realdata
def test_the_real_ground_truth_has_the_known_counts(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "ava_test_v1.0.csv").symlink_to(shared / "data/ava/ava_test_v1.0.csv")
    data = AvaV10(tmp_path)
    truth = data.ground_truth()
    assert truth.scored_frames is not None
    assert (len(truth.videos), len(truth.scored_frames)) == (38, 10_140)
    outside = data.quirks()[1]
    assert len(truth.tubes) + outside.count == 41_425
    assert len(np.unique(read_rows(tmp_path / "ava_test_v1.0.csv", scored=False)[0].action_N)) == 76
    assert set(np.diff(np.sort(np.unique(truth.scored_frames[:, 1])))) == {3000}
    assert data.split("test").test == truth.videos.names


@pytest.mark.realdata
def test_the_real_side_files_fit(shared: Path) -> None:
    folder = shared / "data/ava"
    for year, version in ((2018, "2.1"), (2019, "2.2")):
        assert (
            read_label_map(folder / f"ava_action_list_v{version}_for_activitynet_{year}.pbtxt") == EVALUATED
        )
        assert len(read_label_map(folder / f"ava_action_list_v{version}.pbtxt")) == 80
    counts = {"train": 161, "val": 37, "test": 66}
    for part, count in counts.items():
        for version in ("2.1", "2.2"):
            assert len(read_frames(folder / f"ava_{part}_excluded_timestamps_v{version}.csv")) == count


@pytest.mark.realdata
def test_real_segments_are_read_in_their_middle(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "ava_val_v2.2.csv").write_text("m,0902,0,0,1,1,12,1\nm,0903,0,0,0.5,1,12,1\n")
    shutil.copytree(shared / "data/ava/segments", tmp_path / "segments" / "m")
    truth = AvaV22(tmp_path).ground_truth()
    assert truth.videos.names == ("m/0902", "m/0903")
    assert set(truth.videos.frames.tolist()) == {60}
    assert truth.boxes.frame.tolist() == [30, 30]
    np.testing.assert_array_equal(truth.boxes.boxes_N4[1], [0, 0, 320, 480])
