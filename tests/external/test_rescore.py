"""Scoring of predictions that lie in files: coverage, identity, where the result goes, every evaluator."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.external.rescore import SPREAD, Request, score, score_all, scored_truth
from bench.interop.base import Truth
from bench.metrics import evaluate
from bench.protocol import EVALUATORS, Protocol, Trimming
from bench.records import Detections
from bench.results.notes import AUC_HAS_NONE, LEFT_OUT, ONE_GROUP, notes_of
from bench.results.result import Result
from bench.results.scoring import Scored
from datasets.trimming import trimmed

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))
import foreign

DETECTIONS, TUBES = foreign.predictions()
Ask = Callable[..., Request]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """A request for the scene's own files; keywords change it."""
    truth = foreign.parquet_truth(tmp_path / "scene.parquet")
    detections = foreign.parquet_detections(tmp_path / "found.parquet", DETECTIONS)
    tubes = foreign.parquet_tubes(tmp_path / "tubes.parquet", TUBES)
    usual: dict[str, Any] = {
        "predictions": detections, "tubes": tubes, "truth": truth, "protocol": "act", "intervals": False,
        "runs_dir": tmp_path / "runs",
    }  # fmt: skip
    return lambda **changes: Request(**(usual | changes))


def without(path: Path, *videos: str, found: Detections = DETECTIONS) -> Path:
    kept = found[~np.isin(foreign.names_of(found), videos)]
    return foreign.parquet_detections(path, kept)


def test_numbers_are_those_of_the_arrays(ask: Ask) -> None:
    result, _ = score(ask())
    values = {name: None if e is None else e.value for name, e in result.metrics.items()}
    protocol = Protocol("file-scene", "all", EVALUATORS["act"])
    assert values == evaluate(foreign.truth(), DETECTIONS, TUBES, protocol).metrics
    assert result.protocol == protocol.id
    assert result.metrics["video_map/0.50"].low is None  # type: ignore[union-attr]


def test_what_is_known_of_the_predictions(ask: Ask, tmp_path: Path) -> None:
    result, folder = score(ask())
    assert (result.identity.method, result.identity.title, result.identity.variant) == (
        "found", "found", "imported"
    )  # fmt: skip
    assert result.training is None
    assert result.speed is None
    assert result.ranked
    assert [note.split(":")[0] for note in result.notes] == [
        "truth scene.parquet read as the suite's Parquet",
        "found.parquet read as the suite's Parquet",
        "tubes.parquet read as the suite's Parquet",
        "no figure has an interval",
    ]
    assert folder.parent == tmp_path / "runs" / "file-scene"
    assert re.fullmatch("found_all_act_[0-9a-f]{8}", folder.name)
    assert Result.read(folder) == result
    named, other = score(ask(name="My Detector / v2"))
    assert (named.identity.method, named.identity.title) == ("My-Detector-v2", "My Detector / v2")
    assert other.parent == folder.parent
    assert other != folder


def test_where_the_result_goes(ask: Ask, tmp_path: Path) -> None:
    assert score(ask(out=tmp_path / "here"))[1] == tmp_path / "here"
    assert score(ask(out=tmp_path / "there" / "result.json"))[1] == tmp_path / "there"
    assert (tmp_path / "there" / "matches.parquet").is_file()
    with pytest.raises(ValueError, match=r"mine\.json: the file is always called result\.json"):
        score(ask(out=tmp_path / "mine.json"))
    with pytest.raises(ValueError, match=r"--out .*found\.parquet: there is a file of that name"):
        score(ask(out=tmp_path / "found.parquet"))
    with pytest.raises(ValueError, match=r"found\.parquet/below: the result cannot be written there"):
        score(ask(out=tmp_path / "found.parquet" / "below"))


def test_annotation_of_one_name_and_another_content_has_a_result_of_its_own(ask: Ask, tmp_path: Path) -> None:
    known = foreign.truth().boxes
    moved = foreign.corners(known.boxes_N4 + np.float32([8, 0, 0, 0]))
    columns = {"video": foreign.names_of(known), "tube": known.tube, "frame": known.frame, **moved}
    columns["label"] = foreign.truth().box_labels()
    (tmp_path / "other").mkdir()
    other = foreign.write_parquet(
        tmp_path / "other" / "scene.parquet", columns, classes=foreign.CLASSES, videos=foreign.LENGTHS
    )
    (one, here), (two, there) = score(ask()), score(ask(truth=other))
    assert here != there
    assert one.protocol == two.protocol
    assert Result.read(here) == one


def test_intervals_are_not_lost_to_a_result_without(ask: Ask, tmp_path: Path) -> None:
    score(ask())
    whole, folder = score(ask(intervals=True))
    with pytest.raises(ValueError, match="--no-intervals would lose them"):
        score(ask())
    assert Result.read(folder) == whole
    assert score(ask(out=tmp_path / "quick"))[1] == tmp_path / "quick"


def test_figures_without_intervals_say_why(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert notes_of(score(ask())[0])[-1] == LEFT_OUT
    result, _ = score(ask(intervals=True))
    assert not {LEFT_OUT, ONE_GROUP} & set(result.notes)
    assert notes_of(result)[-1] == AUC_HAS_NONE
    monkeypatch.setattr("bench.results.scoring.intervals", lambda *words: {})  # of one group a class
    result, _ = score(ask(intervals=True))
    assert notes_of(result)[-1] == result.notes[-1] == ONE_GROUP


@pytest.mark.parametrize("trimming", ["trimmed", "gt-trimmed"])
def test_files_are_trimmed_to_the_action_as_runs_are(ask: Ask, trimming: Trimming) -> None:
    result, folder = score(ask(protocol=f"act+{trimming}"))
    protocol = Protocol("file-scene", "all", EVALUATORS["act"], trimming=trimming)
    assert result.protocol == protocol.id == f"file-scene/all/act+{trimming}@1"
    assert re.fullmatch(rf"found_all_act\+{trimming}_[0-9a-f]{{8}}", folder.name)
    scored = Scored(trimmed(foreign.truth()), DETECTIONS, TUBES).cut(protocol)
    values = {name: None if e is None else e.value for name, e in result.metrics.items()}
    assert values == evaluate(*scored, protocol).metrics
    assert values != {n: None if e is None else e.value for n, e in score(ask())[0].metrics.items()}


def test_what_cannot_be_trimmed_is_refused(ask: Ask) -> None:
    with pytest.raises(ValueError, match=r"unknown trimming 'trimed'; did you mean trimmed"):
        score(ask(protocol="act+trimed"))
    with pytest.raises(ValueError, match=r"whole videos are tuned on, by --protocol act; "):
        scored_truth(ask(protocol="act+trimmed"))
    frames = Truth(foreign.truth(), has_tubes=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.external.truths.read_truth", lambda path, split: frames)
        with pytest.raises(ValueError, match=r"\+trimmed: .*scene\.parquet has boxes of single frames"):
            score(ask(protocol="act+trimmed"))


def test_intervals_are_those_of_a_run(ask: Ask) -> None:
    result, _ = score(ask(intervals=True))
    estimate = result.metrics["frame_map/0.50"]
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < estimate.value < estimate.high


def test_missing_videos_are_named(ask: Ask, tmp_path: Path) -> None:
    lost = (foreign.VIDEOS[1], foreign.VIDEOS[3])
    path = without(tmp_path / "part.parquet", *lost)
    with pytest.raises(ValueError, match=r"part\.parquet lacks 2 of 5 videos: ") as caught:
        score(ask(predictions=path))
    assert f"{lost[0]}, {lost[1]}. Predict them" in str(caught.value)
    assert "--partial" in str(caught.value)


def test_partial_scores_what_is_there(ask: Ask, tmp_path: Path) -> None:
    path = without(tmp_path / "part.parquet", foreign.VIDEOS[1])
    result, _ = score(ask(predictions=path, partial=True))
    assert (result.coverage.videos, result.coverage.expected, result.coverage.partial) == (4, 5, True)
    assert not result.ranked
    there = [name for name in foreign.VIDEOS if name != foreign.VIDEOS[1]]
    keep = np.isin(foreign.names_of(DETECTIONS), there), np.isin(foreign.names_of(TUBES), there)
    direct = evaluate(
        foreign.truth().select(there), DETECTIONS[keep[0]].with_videos(there),
        TUBES[keep[1]].with_videos(there), Protocol("x", "1", EVALUATORS["act"]),
    ).metrics  # fmt: skip
    assert {name: None if e is None else e.value for name, e in result.metrics.items()} == direct


def test_nothing_there_is_never_scored(ask: Ask, tmp_path: Path) -> None:
    empty = foreign.parquet_detections(tmp_path / "none.parquet", DETECTIONS[:0])
    with pytest.raises(ValueError, match=r"none\.parquet has no rows and lists no videos"):
        score(ask(predictions=empty, tubes=None, partial=True))
    foreign.write_parquet(
        empty, {key: [] for key in ("video", "frame", "label", "score", *foreign.CORNERS)}, videos=[]
    )
    with pytest.raises(ValueError, match=r"none\.parquet lacks 5 of 5 videos: .*is it the right file"):
        score(ask(predictions=empty, tubes=None, partial=True))


def test_a_video_without_a_box_is_there_when_it_is_listed(ask: Ask, tmp_path: Path) -> None:
    kept = DETECTIONS[DETECTIONS.video != 1]
    columns = {"video": foreign.names_of(kept), "frame": kept.frame, "label": kept.label, "score": kept.score,
               **foreign.corners(kept.boxes_N4)}  # fmt: skip
    path = foreign.write_parquet(tmp_path / "listed.parquet", columns, videos=foreign.VIDEOS)
    result, _ = score(ask(predictions=path, tubes=None))
    assert not result.coverage.partial
    foreign.write_parquet(path, columns, videos=[*foreign.VIDEOS, "Divin/v_Diving_g01_c01"])
    with pytest.raises(
        ValueError, match=r"the truth has no video 'Divin/v_Diving_g01_c01'; did you mean Diving/v"
    ):
        score(ask(predictions=path, tubes=None))


def test_without_tubes_video_map_is_not_applicable(ask: Ask) -> None:
    result, _ = score(ask(tubes=None))
    assert result.metrics["video_map/0.50"] is None
    assert not result.ranked


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol": "atc"}, "unknown evaluator 'atc'; did you mean act"),
        ({"truth": None}, "Name its file with --truth, or a dataset with --dataset"),
        ({"dataset": "ucf24-mini"}, "--truth and --dataset both name the truth"),
        ({"truth": None, "dataset": "jhmbd"}, "unknown dataset 'jhmbd'; did you mean jhmdb"),
        ({"format": "yolo"}, "unknown format 'yolo'; did you mean yowo"),
    ],
)
def test_slips(ask: Ask, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        score(ask(**changes))


def test_every_evaluator(ask: Ask, tmp_path: Path) -> None:
    rows, coverage = score_all(ask())
    assert [row.evaluator for row in rows] == list(EVALUATORS)
    assert not coverage.partial
    assert not (tmp_path / "runs").exists()
    for row in rows:
        assert row.why or all(row.metrics[name] is not None for name in SPREAD)
    by_name = {row.evaluator: row for row in rows}
    result, _ = score(ask())
    for name in SPREAD:
        estimate = result.metrics[name]
        assert estimate is not None
        assert by_name["act"].metrics[name] == estimate.value
    assert by_name["voc"].why == "scores frames alone"
    assert "size" in by_name["ava"].why
    frames = [row.metrics.get("frame_map/0.50") for row in rows]
    assert len({value for value in frames if value is not None}) >= 3
    assert all(
        "no tubes to score" in row.why
        for row in score_all(ask(tubes=None))[0]
        if EVALUATORS[row.evaluator].tubes
    )
    with pytest.raises(ValueError, match="--out: a result is of one protocol"):
        score_all(ask(out=tmp_path / "x"))


def test_truth_without_tubes_ranks_by_frames(tmp_path: Path) -> None:
    truth = foreign.yowo_truth(tmp_path / "gt")
    detections = foreign.yowo_folder(tmp_path / "dt", DETECTIONS)
    request = Request(predictions=detections, truth=truth, protocol="act", out=tmp_path, intervals=False)
    result, _ = score(request)
    assert result.ranking_metric == "frame_map/0.50"
    assert result.ranked
    assert score(replace(request, protocol="voc"))[0].ranking_metric == "frame_map/0.50"


def test_a_dataset_is_the_truth(tmp_path: Path, micro_cache: Path) -> None:
    """Its own boxes score 100; videos of the training list are left out and counted."""
    from datasets import prepare

    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "cache").symlink_to(micro_cache)
    dataset = prepare("ucf24-mini", None, micro_cache, "micro")
    truth, test = dataset.ground_truth(), dataset.split("1").test
    boxes = truth.boxes
    found = Detections(boxes.videos, boxes.video, boxes.frame, np.arange(len(boxes)), boxes.boxes_N4,
                       truth.box_labels(), np.ones(len(boxes)))  # fmt: skip
    path = foreign.parquet_detections(tmp_path / "perfect.parquet", found)
    request = Request(
        predictions=path, dataset="ucf24-mini.micro", protocol="act", runs_dir=runs, intervals=False
    )
    result, folder = score(request)
    assert result.protocol == dataset.protocol("1", "act").id
    assert result.synthetic
    assert result.truth_digest
    assert folder.parent == runs / dataset.id
    assert result.metrics["frame_map/0.50"].value == pytest.approx(100)  # type: ignore[union-attr]
    outside = int(np.count_nonzero(~np.isin(foreign.names_of(boxes), test)))
    assert f"{outside:,} rows of videos outside split 1 were left out" in result.notes


@pytest.mark.realdata
@pytest.mark.parametrize("split", ["1", "3"])
def test_the_boxes_of_j_hmdb_score_all_there_is(shared: Path, tmp_path: Path, split: str) -> None:
    """From the pickle and from the dataset alike; 14 boxes lie past the end of their videos and count."""
    from datasets import prepare

    pickle = shared / "data/jhmdb/JHMDB-GT.pkl"
    truth = prepare("jhmdb", shared / "data", tmp_path).ground_truth()
    boxes = truth.boxes
    found = Detections(boxes.videos, boxes.video, boxes.frame, np.arange(len(boxes)), boxes.boxes_N4,
                       truth.box_labels(), np.ones(len(boxes)))  # fmt: skip
    path = foreign.parquet_detections(tmp_path / "perfect.parquet", found)
    usual = Request(
        path, "act", dataset="jhmdb", data_root=shared / "data", split=split, out=tmp_path, intervals=False
    )
    own, _ = score(usual)
    theirs, _ = score(replace(usual, dataset=None, truth=pickle))
    assert own.metrics["frame_map/0.50"].value == pytest.approx(100)  # type: ignore[union-attr]
    assert own.metrics == theirs.metrics
    assert own.per_class == theirs.per_class
    assert own.coverage == theirs.coverage
