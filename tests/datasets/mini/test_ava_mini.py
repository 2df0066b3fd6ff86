"""`ava-mini` has the layout of AVA v2.2, and its real reader reads it."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bench.cli import cli
from bench.files.tables import digest_ground_truth, write_detections
from bench.interop.ava import read_label_map
from bench.metrics import evaluate
from bench.records import Detections
from bench.runs.plan import Plan, Request
from bench.video import Video
from datasets.mini import AvaMini, ava
from datasets.mini.ava_classes import ACTIONS, EVALUATED
from datasets.mini.ava_script import render_movie
from methods.base import available

# A change of any of these is a change of the dataset: raise its VERSION, and store the new numbers.
MICRO = "fbd375451a629641bc869115d3a1172e768a5d39b8f8fcc9fb17a1871ad31f61"
SMALL = {
    21: "3823c638934dfcaaed407bbf8aaefabf01f34ccbfa8711b96531344b6f8cadbb"
}  # of a video at a place of the list
ANNOTATION = "322dca35340adbb8"
CHANGED = "the rendering changed: raise VERSION of the miniature and store the new digest"


OURS = sorted(name for name, module in available().items() if module.startswith("methods."))


@pytest.fixture(scope="module")
def data(ava_micro: Path) -> AvaMini:
    found = AvaMini(ava_micro / "ava")
    found.size = "micro"
    return found


@pytest.fixture(scope="module")
def rows(ava_micro: Path) -> list[list[str]]:
    found = []
    for part in ("train", "val"):
        with (ava_micro / "ava" / f"ava_{part}_v2.2.csv").open() as file:
            found += list(csv.reader(file))
    return found


def perfect(data: AvaMini) -> Detections:
    """The truth of the validation movies as predictions."""
    truth = data.ground_truth().select(data.split("val").test)
    boxes, count = truth.boxes, len(truth.boxes)
    return Detections(
        truth.videos.names, boxes.video, boxes.frame, np.arange(count), boxes.boxes_N4, truth.box_labels(),
        np.linspace(1.0, 0.5, count),
    )  # fmt: skip


def test_digests(ava_micro: Path, data: AvaMini, tmp_path: Path) -> None:
    facts = json.loads((ava_micro / "dataset.json").read_text())
    assert (facts["name"], facts["version"], facts["size"]) == ("ava-mini", 1, "micro")
    assert facts["digest"] == MICRO, CHANGED
    assert digest_ground_truth(data.ground_truth()) == ANNOTATION, CHANGED
    todo = ava.reels(tmp_path, "small")
    assert {place: render_movie(todo[place]).digest for place in SMALL} == SMALL, CHANGED


def test_sizes() -> None:
    with pytest.raises(ValueError, match="ava-mini has no size 'tiny'; sizes: micro, small, medium, full"):
        ava.reels(Path(), "tiny")
    counts = {size: [len(names) for names in ava.parts(size).values()] for size in ava.SIZES}
    assert counts == {"micro": [5, 4], "small": [40, 16], "medium": [120, 32], "full": [235, 64]}
    for size in ava.SIZES:
        names = [reel.name for reel in ava.reels(Path(), size)]
        assert len({name.lower() for name in names}) == len(names)


def test_label_maps(ava_micro: Path) -> None:
    folder = ava_micro / "ava"
    every = read_label_map(folder / "ava_action_list_v2.2.pbtxt")
    assert every == {number: action.name for number, action in ACTIONS.items()}
    evaluated = read_label_map(folder / "ava_action_list_v2.2_for_activitynet_2019.pbtxt")
    assert evaluated == EVALUATED
    assert len(every) == 22 > len(evaluated) == 16
    moving = [number for number in EVALUATED if ACTIONS[number].doing.motion_only]
    assert len(moving) == 10
    types = Counter(action.kind for action in ACTIONS.values())
    assert set(types) == {"PERSON_MOVEMENT", "OBJECT_MANIPULATION", "PERSON_INTERACTION"}


def test_rows_are_as_in_the_real_files(rows: list[list[str]]) -> None:
    people: dict[tuple[str, str, str], set[tuple[str, ...]]] = defaultdict(set)
    labels: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for video, second, *box, action, person in rows:
        assert 902 <= int(second) <= 903
        assert second == f"{int(second):04d}"
        assert all(0 <= float(edge) <= 1 and len(edge) == 5 for edge in box)
        people[video, second, person].add(tuple(box))
        labels[video, second, person].append(int(action))
    assert {len(boxes) for boxes in people.values()} == {1}
    for found in labels.values():
        assert found == sorted(set(found))
        movements = [number for number in found if ACTIONS[number].kind == "PERSON_MOVEMENT"]
        assert len(movements) == 1
    assert set(map(len, labels.values())) == {1, 2, 3}


def test_the_reader_finds_the_annotated_frames(data: AvaMini, capsys: pytest.CaptureFixture[str]) -> None:
    truth = AvaMini(data.root).ground_truth()
    assert "of 9 movies there are 9 as 900-1800 s cuts" in capsys.readouterr().err
    assert truth.classes == tuple(EVALUATED.values())
    table = truth.videos
    assert len(set(zip(table.width.tolist(), table.height.tolist(), strict=True))) > 1
    assert len(set(table.fps.tolist())) > 1
    assert truth.scored_frames is not None
    for video, frame in truth.scored_frames:
        assert frame / table.fps[video] in (2, 3)
    wide = np.column_stack([table.width, table.height] * 2)[truth.boxes.video]
    assert (truth.boxes.boxes_N4 <= wide).all()
    video = Video(table.names[0], data.video_path(table.names[0]), 1, 1)
    assert video.read().shape == (table.frames[0], table.height[0], table.width[0], 3)


def test_on_excluded_timestamps_people_are_left_out(data: AvaMini) -> None:
    truth = data.ground_truth()
    assert truth.excluded_frames is not None
    assert len(truth.excluded_frames) == 3
    for part, names in ava.parts("micro").items():
        text = (data.root / f"ava_{part}_excluded_timestamps_v2.2.csv").read_text().splitlines()
        assert [line.split(",")[0] for line in text] == names[::4]
    reel = ava.reels(Path(), "micro")[0]
    film = render_movie(replace(reel, path=data.root / "again.mp4"))
    (second,) = ava.excluded(film, 0)
    assert {line.split(",")[1] for line in ava.rows(film, ())} >= {f"{second:04d}"}
    assert len(list(ava.rows(film, [second]))) < len(list(ava.rows(film, ())))


def test_splits(data: AvaMini) -> None:
    split = data.split("val")
    assert (set(split.train), set(split.test)) == tuple(set(names) for names in ava.parts("micro").values())
    with pytest.raises(ValueError, match="test"):
        data.split("test")
    assert data.protocol("val").id == "ava-mini@1.micro/val/ava@1"


def test_left_and_right_change_places_in_a_mirror(data: AvaMini) -> None:
    swapped = data.flipped_labels
    pairs = {data.classes[a]: data.classes[b] for a, b in enumerate(swapped) if a != b}
    assert pairs == {
        "walk to the left": "walk to the right",
        "walk to the right": "walk to the left",
        "wipe clockwise": "wipe anticlockwise",
        "wipe anticlockwise": "wipe clockwise",
    }


def test_truth_as_predictions_scores_100(data: AvaMini) -> None:
    found = perfect(data)
    truth = data.ground_truth().select(data.split("val").test)
    assert evaluate(truth, found, None, data.protocol("val")).metrics["frame_map/0.50"] == 100
    wrong = replace(found, label=(found.label + 1) % 16)
    assert (evaluate(truth, wrong, None, data.protocol("val")).metrics["frame_map/0.50"] or 0) < 50


@pytest.fixture
def runs(ava_micro: Path, tmp_path: Path) -> Path:
    """A folder of runs that has the rendered miniature."""
    cache = tmp_path / "runs" / "cache"
    cache.mkdir(parents=True)
    (cache / "ava-mini@1.micro").symlink_to(ava_micro)
    return tmp_path / "runs"


def bench(runs: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--runs-dir", str(runs)])


def test_bench_scores_it(data: AvaMini, runs: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "perfect.parquet", tmp_path / "out"
    write_detections(file, perfect(data), {})
    words = ("--predictions", str(file), "--out", str(out), "--protocol", "ava", "--no-intervals")
    found = bench(runs, "score", "--dataset", "ava-mini.micro", *words)
    assert found.exit_code == 0, found.output
    result = json.loads((out / "result.json").read_text())
    assert result["metrics"]["frame_map/0.50"]["value"] == 100
    assert result["protocol"] == "ava-mini@1.micro/val/ava@1"
    assert result["data_kind"] == "rendered"


def test_bench_checks_it(runs: Path) -> None:
    found = bench(runs, "data", "check", "ava-mini.micro", "--annotations-only")
    assert found.exit_code == 0, found.output
    assert "rows of actions outside the 16" in found.output


@pytest.mark.parametrize("method", OURS)
def test_every_method_says_how_it_reads_several_labels(runs: Path, method: str) -> None:
    plan = Plan.of(Request(method, "ava-mini.micro", split="val", runs_dir=runs))
    plan.method.check()
    assert plan.method.info.multi_label
    assert any("labels a person" in note for note in plan.method.facts()["notes"])
