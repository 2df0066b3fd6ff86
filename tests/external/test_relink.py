"""Linking of predictions in files: by any rule, in any format, straight to the score."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.commands.link import command
from bench.external import rescore
from bench.external.relink import Request, digest_path, link, pipeline
from bench.external.truths import Told
from bench.files.store import digest_file, plain
from bench.files.tables import (
    read_detections,
    read_metadata,
    read_tubes,
    write_detections,
    write_part,
    write_tubelets,
    write_tubes,
)
from bench.records import Detections, Tubelets, Tubes
from bench.tubes import PUBLISHED, Linking
from bench.tubes.tubelets import frame_detections

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tubes"))
import foreign
import tube_scenes

DETECTIONS, _ = foreign.predictions()
SHORT = ("scoring.min_frames=1",)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(foreign.parquet_truth(tmp_path / "truth.parquet"))


def ours(path: Path, found: Detections = DETECTIONS) -> Path:
    write_detections(path, found, {})
    return path


def same(a: Tubes, b: Tubes) -> bool:
    names = [name for name in Tubes.columns() if name != "video"]
    pairs = [(getattr(a, name), getattr(b, name)) for name in names]
    return foreign.names_of(a) == foreign.names_of(b) and all(np.array_equal(x, y) for x, y in pairs)


def tubelets(stack: int) -> Tubelets:
    """Of the foreign scene's videos, cut where a video ends."""
    found = tube_scenes.as_tubelets(DETECTIONS, stack)
    last = np.array([foreign.LENGTHS[name] for name in found.videos])[found.video]
    return found[found.start + stack <= last]


def act_folder(root: Path, found: Tubelets) -> Path:
    """The tubelets as ACT's program writes them: a file for every start frame, 1-based."""
    stack = found.boxes_NK4.shape[1]
    for name, rows in found.by_video():
        for start in range(foreign.LENGTHS[name] - stack + 1):
            of = rows[rows.start == start]
            content = np.column_stack([of.label, of.score, of.boxes_NK4.reshape(len(of), 4 * stack)])
            foreign.dump(root / name / f"{start + 1:05}.pkl", (content, content))
    return root


@pytest.mark.parametrize("name", ["online", "viterbi", "singh", "yowo"])
def test_what_is_written_is_what_the_pipeline_makes(tmp_path: Path, name: str) -> None:
    linked = link(Request(ours(tmp_path / "d.parquet"), name, tmp_path / "tubes.parquet", SHORT))
    expected = pipeline(name, SHORT).tubes(DETECTIONS)
    assert len(expected)
    assert same(read_tubes(tmp_path / "tubes.parquet"), expected)
    assert same(linked.tubes, expected)


def test_the_file_says_how_it_was_made(tmp_path: Path, told: Told) -> None:
    file, out = ours(tmp_path / "d.parquet"), tmp_path / "tubes.parquet"
    link(Request(file, "yowo", out, ("linker.tracks=2",), told=told))
    facts = read_metadata(out)
    made_by = pipeline("yowo", ("linker.tracks=2",))
    assert facts["linker"] == "yowo"
    assert facts["settings"] == plain(made_by)
    assert facts["settings"]["linker"]["tracks"] == 2
    assert facts["predictions"] == digest_file(file)
    assert facts["classes"] == list(foreign.CLASSES)


def test_nothing_is_made_up_where_nobody_names_the_classes(tmp_path: Path) -> None:
    linked = link(Request(ours(tmp_path / "d.parquet"), "online", tmp_path / "tubes.parquet"))
    assert linked.classes == ()
    assert read_metadata(tmp_path / "tubes.parquet")["classes"] == []


WRITERS: dict[str, Callable[[Path], Path]] = {
    "ours": lambda folder: ours(folder / "d.parquet"),
    "parts": lambda folder: (write_part(folder / "parts", 0, DETECTIONS, {}), folder / "parts")[1],
    "foreign": lambda folder: foreign.parquet_detections(folder / "f.parquet", DETECTIONS),
    "act": lambda folder: foreign.act_folder(folder / "act", DETECTIONS, None),
    "yowo": lambda folder: foreign.yowo_folder(folder / "yowo", DETECTIONS),
    "coco": lambda folder: foreign.coco_results(folder / "coco.json", DETECTIONS, whole=True),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_same_tubes(tmp_path: Path, told: Told, kind: str) -> None:
    out = tmp_path / "tubes.parquet"
    link(Request(WRITERS[kind](tmp_path), "yowo", out, told=told))
    lengths = np.array(list(foreign.LENGTHS.values()))
    expected = PUBLISHED["yowo"].tubes(DETECTIONS, lengths)
    found = read_tubes(out)
    assert len(found) == len(expected)
    assert foreign.names_of(found) == foreign.names_of(expected)
    np.testing.assert_allclose(found.boxes_N4, expected.boxes_N4, atol=1e-3)
    np.testing.assert_allclose(found.score, expected.score, atol=1e-5)


def test_a_truth_says_how_long_videos_are(tmp_path: Path, told: Told) -> None:
    """Without it a path ends with the last box."""
    early = DETECTIONS[DETECTIONS.frame < 3]
    file, out = ours(tmp_path / "d.parquet", early), tmp_path / "tubes.parquet"
    assert link(Request(file, "yowo", out)).tubes.frame.max() == 2
    with_truth = link(Request(file, "yowo", out, told=told)).tubes
    assert {int(rows.frame.max()) + 1 for _, rows in with_truth.by_video()} == set(foreign.LENGTHS.values())


def test_columns_that_scoring_does_not_read_are_linked(tmp_path: Path, told: Told) -> None:
    """RecLNet's pipeline wants tracks, and fusion both streams of shared boxes."""
    people = DETECTIONS[DETECTIONS.label == 0]
    people = people[np.unique(people.frame + 100 * people.video, return_index=True)[1]]
    tracked = replace(people, track=np.zeros(len(people)))
    file = ours(tmp_path / "t.parquet", tracked)
    assert len(link(Request(file, "reclnet", tmp_path / "a.parquet", told=told)).tubes)
    twice = Detections.concat([DETECTIONS, DETECTIONS])
    streams = replace(twice, stream=np.repeat([0, 1], len(DETECTIONS)))
    request = Request(ours(tmp_path / "s.parquet", streams), "online", tmp_path / "out",
                      (*SHORT, "fusion=average"), told=told)  # fmt: skip
    link(request)
    expected = pipeline("online", request.overrides).detections(streams)
    assert len(read_detections(tmp_path / "out" / "detections.parquet")) == len(expected) <= len(DETECTIONS)


@pytest.mark.parametrize("kind", ["ours", "act"])
def test_tubelets_are_linked_as_they_are(tmp_path: Path, told: Told, kind: str) -> None:
    stacks, out = tubelets(3), tmp_path / "tubes.parquet"
    if kind == "ours":
        write_tubelets(tmp_path / "t.parquet", stacks, {})
    path = tmp_path / "t.parquet" if kind == "ours" else act_folder(tmp_path / "act", stacks)
    settings = ("scoring.min_frames=1", "linker.score_floor=0.2")
    link(Request(path, "act", out, settings, told=told))
    expected = pipeline("act", settings).tubes(stacks)
    found = read_tubes(out)
    assert len(expected)
    assert foreign.names_of(found) == foreign.names_of(expected)
    np.testing.assert_array_equal(found.frame, expected.frame)
    np.testing.assert_allclose(found.boxes_N4, expected.boxes_N4, atol=1e-3)
    np.testing.assert_allclose(found.score, expected.score, atol=1e-6)


def test_tubelets_are_taken_apart_for_a_rule_of_boxes(tmp_path: Path) -> None:
    stacks, out = tubelets(3), tmp_path / "out"
    write_tubelets(tmp_path / "t.parquet", stacks, {})
    linked = link(Request(tmp_path / "t.parquet", "online", out, SHORT))
    boxes = frame_detections(stacks)
    assert same(linked.tubes, pipeline("online", SHORT).tubes(boxes))
    assert "NMS as ACT" in linked.notes[-1]
    assert len(read_detections(out / "detections.parquet")) == len(boxes)


@pytest.mark.parametrize("alone", [True, False])
def test_tubes_go_straight_into_the_score(tmp_path: Path, told: Told, alone: bool) -> None:
    """A file of tubes beside the predictions, or a folder of both; videos without a box are covered too."""
    some = DETECTIONS[DETECTIONS.video != 0]
    predictions = ours(tmp_path / "d.parquet", some)
    out = tmp_path / "tubes.parquet" if alone else tmp_path / "both"
    link(Request(predictions, "singh", out, SHORT, told=told))
    shown = rescore.Request(
        predictions if alone else out, "act", out if alone else None, told.truth,
        runs_dir=tmp_path / "runs", intervals=False,
    )  # fmt: skip
    result, _ = rescore.score(shown)
    assert (result.coverage.videos, result.coverage.partial) == (5, False)
    assert result.metrics["frame_map/0.20"] is not None
    assert result.metrics["video_map/0.20"] is not None


def test_videos_of_another_split_are_left_out(tmp_path: Path) -> None:
    """Of the pickle's first split three videos count."""
    told = Told(foreign.gt_pickle(tmp_path / "X-GT.pkl"))
    truth = told.read().truth
    assert truth is not None
    linked = link(Request(ours(tmp_path / "d.parquet"), "online", tmp_path / "t.parquet", SHORT, told=told))
    assert set(linked.tubes.videos) == set(truth.annotation.videos.names)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("onlin", (), "unknown linker 'onlin'; did you mean online?"),
        ("sing", (), "did you mean singh?"),
        ("xyz", (), "there are: act, given, moc, online, pcsc, reclnet, saha, singh, tracking, tubelet"),
        ("yowo", ("linker.trakcs=5",), "--set linker.trakcs: .* did you mean tracks?"),
        ("yowo", ("trimming=labeling",), "did you mean labelling"),
        ("yowo", ("linkr.tracks=5",), "did you mean linker?"),
        ("yowo", ("linker.tracks=many",), "'many' given, a value like 3 expected"),
        ("yowo", ("linker.tracks",), "expected key=value"),
    ],
)  # fmt: skip
def test_a_slip_names_what_is_near(name: str, settings: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        pipeline(name, settings)


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("linker=viterbi", lambda found: found.linker.name == "viterbi"),
        ("linker.min_iou=0.3", lambda found: found.linker.min_iou == 0.3),
        ("fusion=boost", lambda found: found.fusion is not None and found.fusion.name == "boost"),
        ("trimming=none", lambda found: found.trimming is None),
        ("scoring.top=none", lambda found: found.scoring.top is None),
        ("scoring.min_frames=3", lambda found: found.scoring.min_frames == 3),
        ("nms=0.25", lambda found: found.nms == 0.25),
    ],
)
def test_settings_reach_every_part(setting: str, read: Callable[[Linking], bool]) -> None:
    assert not read(pipeline("singh"))
    assert read(pipeline("singh", (setting,)))


def refused(request: Request, *said: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        link(request)
    assert all(words in str(error.value) for words in said), error.value
    assert not request.out.exists()


def test_what_cannot_be_linked_is_refused_with_the_mend(tmp_path: Path, told: Told) -> None:
    out = tmp_path / "out.parquet"
    plain_boxes = ours(tmp_path / "d.parquet")
    refused(Request(plain_boxes, "act", out), str(plain_boxes), "no column 'tubelet'", "'online'")
    refused(Request(plain_boxes, "reclnet", out), str(plain_boxes), "track")
    refused(Request(plain_boxes, "saha", out), str(plain_boxes), "leave fusion out (none)")
    write_tubes(tmp_path / "t.parquet", foreign.predictions()[1], {})
    refused(Request(tmp_path / "t.parquet", "online", out), "linked already")
    refused(Request(tmp_path / "nothing", "online", out), "no such file or folder")
    pickles = foreign.act_folder(tmp_path / "act", DETECTIONS, None)
    refused(Request(pickles, "online", out), "--truth", "--dataset")
    wild = ours(tmp_path / "w.parquet", replace(DETECTIONS, label=DETECTIONS.label + 5))
    refused(Request(wild, "online", out, told=told), "row 0", "label", "Biking")
    other = ours(tmp_path / "o.parquet", replace(DETECTIONS, videos=("Bikin/v", *DETECTIONS.videos[1:])))
    refused(Request(other, "online", out, told=told), "'Bikin/v'")
    late = ours(tmp_path / "l.parquet", replace(DETECTIONS, frame=DETECTIONS.frame + 90))
    refused(Request(late, "online", out, told=told), "past the end")


def test_a_folder_has_a_digest_of_its_names_and_bytes(tmp_path: Path) -> None:
    for number in (1, 2):
        foreign.act_folder(tmp_path / str(number), DETECTIONS, None)
    first, second = (digest_path(tmp_path / str(number)) for number in (1, 2))
    assert first == second
    next((tmp_path / "2").rglob("*.pkl")).write_bytes(b"other")
    assert digest_path(tmp_path / "2") != first


def test_the_command_says_what_came_of_it(tmp_path: Path) -> None:
    ours(tmp_path / "d.parquet")
    foreign.parquet_truth(tmp_path / "truth.parquet")
    words = [
        "--predictions",
        tmp_path / "d.parquet",
        "--truth",
        tmp_path / "truth.parquet",
        "--linker",
        "online",
    ]
    done = CliRunner().invoke(
        command, [*map(str, words), "--set", SHORT[0], "--out", str(tmp_path / "t.parquet")]
    )
    assert done.exit_code == 0, done.exception
    tubes = read_tubes(tmp_path / "t.parquet")
    head = tubes[tubes.starts]
    assert f"{len(head)} tubes in 5 of 5 videos" in done.output
    for label, name in enumerate(foreign.CLASSES):
        line = next(line for line in done.output.splitlines() if name in line)
        assert line.replace("│", "").split()[1] == str(np.count_nonzero(head.label == label))
    assert "seconds" in done.output
    assert str(tmp_path / "t.parquet") in done.output


def test_the_command_says_what_may_help_where_nothing_is_left(tmp_path: Path) -> None:
    words = [
        "--predictions",
        ours(tmp_path / "d.parquet"),
        "--linker",
        "online",
        "--out",
        tmp_path / "t.parquet",
    ]
    done = CliRunner().invoke(command, [*map(str, words), "--set", "scoring.min_frames=99"])
    assert done.exit_code == 0, done.exception
    assert "0 tubes in 0 of 5 videos" in done.output
    assert "--set scoring.min_frames=1 may keep some" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name a run, or --predictions (what is linked), --linker (by which rule), --out"),
        (("--predictions", "x"), "name a run, or --linker"),
        (
            ("some-run", "--linker", "yowo"),
            "--linker is for predictions in files; a run is linked by its own",
        ),
        (("some-run", "--box-offset", "1"), "--box-offset is for predictions in files"),
    ],
)
def test_files_and_runs_are_not_mixed_up(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(command, list(words))
    assert isinstance(done.exception, ValueError), done.output
    assert said in str(done.exception)
