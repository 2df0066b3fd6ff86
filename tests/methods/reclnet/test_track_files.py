"""Tracks from a file that another program wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from track_examples import SIZE, Reader, numbered

from bench.files.tables import write_detections, write_tubes
from bench.records import Detections, Tubes
from methods.reclnet.described import softmax
from methods.reclnet.extraction import TrackMaker
from methods.reclnet.track_files import TrackFile
from methods.reclnet.tracking import FRAME_TRACKS

VIDEO = "run/v_run_g01_c01"  # the name of the footage of the tests
OTHER = "run/v_run_g02_c01"


def tubes(label: int = -1) -> Tubes:
    """One track with a gap, one of a single frame, and one of another video."""
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [6, 0, 16, 10], [5, 5, 9, 9], [1, 1, 2, 2]])
    return Tubes(
        (VIDEO, OTHER, "empty"), np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 2]), np.full(5, label),
        np.array([0.4, 0.4, 0.4, 0.9, 0.1]), np.array([1, 2, 5, 0, 900]), boxes,
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_tubes(tmp_path / "tracks.parquet", tubes(), {})
    return tmp_path / "tracks.parquet"


def foreign(path: Path, found: Tubes) -> None:
    """The same as another program might write it, without a word about itself."""
    columns = {name: getattr(found, name) for name in ("tube", "label", "score", "frame")}
    corners = dict(zip(("x1", "y1", "x2", "y2"), found.boxes_N4.T))
    names = [found.videos[i] for i in found.video]
    pd.DataFrame({"video": names, **columns, **corners}).to_parquet(path)


def test_tracks_of_one_video_are_read_best_first_with_gaps_on_the_straight_line(path: Path) -> None:
    found = TrackFile.open(path).paths(VIDEO, 6, 3)
    assert found.lengths.tolist() == [1, 5]
    assert (found.label == -1).all()
    np.testing.assert_allclose(found.boxes_R4[1:, 0], [0, 0, 2, 4, 6])
    np.testing.assert_array_equal(found.frame, [0, 1, 2, 3, 4, 5])


def test_a_video_that_is_listed_without_tracks_has_none(path: Path) -> None:
    assert len(TrackFile.open(path).paths("empty", 6, 3)) == 0


def test_a_file_of_another_program_is_read_likewise(tmp_path: Path, path: Path) -> None:
    foreign(tmp_path / "other.parquet", tubes(2))
    found = TrackFile.open(tmp_path / "other.parquet")
    assert found.videos == {VIDEO, OTHER}
    paths = found.paths(VIDEO, 6, 3)
    np.testing.assert_array_equal(paths.boxes_R4, TrackFile.open(path).paths(VIDEO, 6, 3).boxes_R4)
    assert (paths.label == 2).all()


def test_the_detectors_score_tracks_from_a_file(path: Path) -> None:
    config = replace(FRAME_TRACKS, file=str(path))
    found = TrackMaker(config, {}, 3).tracks(numbered(6))
    assert found.label_T.tolist() == [-1, -1]
    scores_MC = softmax(numbered(6), "rgb", Reader(), found, 4)
    np.testing.assert_allclose(scores_MC[:, 0], found.frame_M / 256, atol=1e-3)
    assert found.distinct_M4.max() <= SIZE[0]


def test_rows_a_frame_are_those_of_the_file_gaps_filled(path: Path, tmp_path: Path) -> None:
    """Five and one box in the six frames of one video, one in the 901 of another."""
    foreign(tmp_path / "other.parquet", tubes())
    for file in (path, tmp_path / "other.parquet"):
        assert TrackFile.open(file).per_frame() == pytest.approx(7 / 907)
    foreign(tmp_path / "empty.parquet", tubes()[np.arange(0)])
    assert TrackFile.open(tmp_path / "empty.parquet").per_frame() == 0


def test_a_missing_video_is_named_with_what_is_near(path: Path) -> None:
    with pytest.raises(ValueError, match=r"tracks\.parquet has no video 'run/v_run_g03_c01'.*v_run_g0"):
        TrackFile.open(path).paths("run/v_run_g03_c01", 6, 3)


def test_a_box_past_the_end_is_named(path: Path) -> None:
    with pytest.raises(ValueError, match=r"frame 5 of 'run/v_run_g01_c01', which has 5"):
        TrackFile.open(path).paths(VIDEO, 5, 3)


def test_a_label_of_another_list_of_classes_is_named(tmp_path: Path) -> None:
    write_tubes(tmp_path / "t.parquet", tubes(24), {})
    with pytest.raises(ValueError, match=r"label 24 in 'run/v_run_g01_c01'.*24 classes"):
        TrackFile.open(tmp_path / "t.parquet").paths(VIDEO, 6, 24)


def test_a_file_that_is_not_there_or_no_parquet_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tracks\.file.*none\.parquet"):
        TrackFile.open(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("video,tube")
    with pytest.raises(ValueError, match=r"tracks\.file.*text\.parquet"):
        TrackFile.open(tmp_path / "text.parquet")


def test_detections_are_not_tracks(tmp_path: Path) -> None:
    write_detections(tmp_path / "d.parquet", Detections.empty([VIDEO]), {})
    with pytest.raises(ValueError, match=r"d\.parquet holds detections, not tubes; write tracks"):
        TrackFile.open(tmp_path / "d.parquet")


def test_missing_columns_and_mixed_rows_are_named(tmp_path: Path) -> None:
    pd.DataFrame({"frame": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet has no column 'video'"):
        TrackFile.open(tmp_path / "a.parquet")
    foreign(tmp_path / "b.parquet", tubes())
    whole = pd.read_parquet(tmp_path / "b.parquet")
    whole.drop(columns="tube").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet has no column 'tube'"):
        TrackFile.open(tmp_path / "b.parquet")
    whole.drop(columns="x1").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet has wrong columns: it lacks x1.*v_run_g01"):
        TrackFile.open(tmp_path / "b.parquet").paths(VIDEO, 6, 3)
    foreign(tmp_path / "c.parquet", tubes())
    pd.read_parquet(tmp_path / "c.parquet").iloc[::-1].to_parquet(tmp_path / "c.parquet")
    with pytest.raises(ValueError, match=r"c\.parquet: Tubes: rows of one tube.*v_run_g01"):
        TrackFile.open(tmp_path / "c.parquet").paths(VIDEO, 6, 3)
