"""``bench show``: what is found to show, in words a user types, and the files that come of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result

from bench.commands.show import command
from bench.external.truths import Told
from bench.files.tables import write_detections, write_tubes
from bench.metrics import evaluate
from bench.protocol import Protocol, evaluator
from bench.records import Tubes
from bench.showing.sources import Request, find
from bench.video.writing import write_video

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))
import foreign

DETECTIONS, TUBES = foreign.predictions()
VIDEO = foreign.VIDEOS[2]
STEM = VIDEO.rpartition("/")[2]
Show = Callable[..., Result]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with tubes, annotation and one video, decoded at half the annotation's size."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_DATA", raising=False)
    write_tubes(tmp_path / "tubes.parquet", TUBES, {"classes": foreign.CLASSES})
    foreign.parquet_truth(tmp_path / "truth.parquet")
    frames = [np.full((120, 160, 3), 60 + 10 * k, np.uint8) for k in range(foreign.LENGTHS[VIDEO])]
    write_video(tmp_path / f"{STEM}.mp4", frames, 25)
    return tmp_path


@pytest.fixture
def show(place: Path) -> Show:
    return lambda *words: CliRunner().invoke(command, [str(word) for word in words])


def refused(done: Result, *said: str) -> None:
    assert isinstance(done.exception, ValueError), done.output
    assert all(words in str(done.exception) for words in said), done.exception
    assert "\n" not in str(done.exception)


def test_a_video_in_a_file(place: Path, show: Show) -> None:
    """It is told by its name; its classes by the tubes."""
    done = show("--tubes", "tubes.parquet", "--video-file", f"{STEM}.mp4")
    assert done.exit_code == 0, done.exception
    assert done.output.splitlines()[0] == f"{VIDEO}, 2 of 2 tubes"
    files = [Path(line.strip()) for line in done.output.splitlines()[1:]]
    assert [file.suffix for file in files] == [".mp4", ".png", ".svg"]
    assert {file.parent for file in files} == {Path("show")}
    with av.open(str(files[0])) as container:
        assert sum(1 for _ in container.decode(video=0)) == foreign.LENGTHS[VIDEO]
    assert "Diving" in files[2].read_text()


def test_with_annotation_the_ap_is_said(place: Path, show: Show) -> None:
    words = ("--tubes", "tubes.parquet", "--truth", "truth.parquet", "--video-file", f"{STEM}.mp4")
    done = show(*words, "--out", "out", "--top", 1)
    assert done.exit_code == 0, done.exception
    own = dict(TUBES.by_video())[VIDEO].with_videos((VIDEO,))
    metrics = evaluate(foreign.truth().select((VIDEO,)), None, own, Protocol("x", "1", evaluator("act")))
    ap = metrics.per_class["video_ap/0.50"]["Diving"]
    assert done.output.splitlines()[0] == f"{VIDEO}, 1 of 2 tubes, video-AP@0.5 {ap:.1f}"
    assert "annotated  Diving" in (place / "out" / f"{VIDEO.replace('/', '_')}.svg").read_text()


def test_annotation_alone(place: Path, show: Show) -> None:
    done = show("--truth", "truth.parquet", "--video-file", f"{STEM}.mp4")
    assert done.exit_code == 0, done.exception
    assert done.output.splitlines()[0] == VIDEO


def test_videos_are_ranked_by_their_own_ap(place: Path) -> None:
    """Best first; of equal AP by name."""
    told = Told(place / "truth.parquet")
    found = find(Request(tubes=place / "tubes.parquet", told=told))
    aps = [found.ap(name) for name in found.ranked()]
    assert aps == sorted(aps, key=lambda ap: -(ap or 0))
    assert sorted(found.ranked()) == sorted(foreign.VIDEOS)
    ranked = found.ranked()
    for best, worst, expected in (
        (None, None, [*ranked[:2], *ranked[-2:]]),
        (1, None, ranked[:1]),
        (None, 2, ranked[-2:]),
        (9, 9, ranked),
        (0, 0, []),
    ):
        assert found.chosen(Request(best=best, worst=worst)) == expected
    nothing = np.array([name == VIDEO for name in TUBES.videos])
    write_tubes(place / "none.parquet", TUBES[~nothing[TUBES.video]], {})
    found = find(Request(tubes=place / "none.parquet", told=told))
    assert found.ap(VIDEO) == 0.0


@pytest.mark.parametrize("kind", ["parquet", "foreign", "folder", "act", "multisports"])
def test_tubes_of_any_format(tmp_path: Path, kind: str) -> None:
    truth = foreign.parquet_truth(tmp_path / "truth.parquet")
    write = {
        "parquet": lambda: (write_tubes(tmp_path / "t.parquet", TUBES, {}), tmp_path / "t.parquet")[1],
        "foreign": lambda: foreign.parquet_tubes(tmp_path / "f.parquet", TUBES),
        "folder": lambda: (write_tubes(tmp_path / "x" / "tubes.parquet", TUBES, {}), tmp_path / "x")[1],
        "act": lambda: foreign.act_folder(tmp_path / "act", DETECTIONS, TUBES),
        "multisports": lambda: foreign.multisports_tubes(tmp_path / "m.pkl", TUBES),
    }
    found = find(Request(tubes=write[kind](), told=Told(truth))).shown
    assert isinstance(found.tubes, Tubes)
    assert sorted(np.unique(found.tubes.score)) == pytest.approx(sorted(np.unique(TUBES.score)))
    assert found.classes == foreign.CLASSES
    if kind in ("parquet", "foreign", "folder"):
        alone = find(Request(tubes=write[kind]())).shown
        assert list(alone.classes) == ["label 0", "label 1", "label 2"]


def test_slips_are_answered_in_one_line(place: Path, show: Show) -> None:
    tubes, video = ("--tubes", "tubes.parquet"), ("--video-file", f"{STEM}.mp4")
    refused(show(), "what shall be shown?", "--tubes")
    refused(show(*tubes), "--video")
    refused(show(*tubes, "--video", VIDEO), "--video-file")
    refused(show(*tubes, "--video", "v_Divin_g01"), "video of the tubes", "did you mean")
    refused(show(*tubes, *video, "--video", VIDEO, "--video", foreign.VIDEOS[0]), "is one video")
    refused(show(*tubes, *video, "--min-score", 0.9), VIDEO, "--min-score 0.")
    refused(show(*tubes, *video, "--classes", "Fencing"), "they are of Diving")
    refused(show(*tubes, *video, "--classes", "Diving,Fencin"), "did you mean Fencing")
    refused(show("--tubes", "nothing.parquet"), "no such file")
    refused(show(*tubes, "--video", VIDEO, "--video-file", "nothing.mp4"), "nothing.mp4", "no such video")
    refused(show(*tubes, "--video", VIDEO, "--video-file", "truth.parquet"), "truth.parquet")
    refused(show("some-run", *tubes), "of its own")
    refused(show("some-run", *video), "of its own")
    refused(show("some-run"), "no run some-run")
    other = f"{foreign.VIDEOS[0].rpartition('/')[2]}x.mp4"
    (place / f"{STEM}.mp4").rename(place / other)
    refused(show(*tubes, "--video-file", other), "did you mean", "with --video")
    write_detections(place / "d.parquet", DETECTIONS, {})
    refused(show("--tubes", "d.parquet"), "holds no tubes", "bench link")
    act = foreign.act_folder(place / "act", DETECTIONS, TUBES)
    refused(show("--tubes", act), "--truth or --dataset")
    write_detections(place / "folder" / "detections.parquet", DETECTIONS, {})
    refused(show("--tubes", "folder"), "has no tubes.parquet", "bench link")
    assert not (place / "show").exists()


def test_a_file_that_is_another_video_is_drawn_in_its_own_pixels(place: Path) -> None:
    """Without a truth boxes are in the file's pixels; with one in the annotation's."""
    alone = find(Request(tubes=place / "tubes.parquet", video_file=place / f"{STEM}.mp4"))
    video = alone.video(VIDEO)
    assert (video.width, video.height) == (160, 120)
    from bench.files.tables import write_ground_truth

    write_ground_truth(place / "truth", foreign.truth())
    request = Request(
        tubes=place / "tubes.parquet", video_file=place / f"{STEM}.mp4", told=Told(place / "truth")
    )
    video = find(request).video(VIDEO)
    assert (video.width, video.height) == (320, 240)
