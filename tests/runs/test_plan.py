"""What a request means, before anything is computed."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import datasets
from bench.runs.asked import dataset_named
from bench.runs.plan import Plan, Request
from datasets import DataError
from datasets.mini import Miniature


@pytest.fixture
def runs_dir(tmp_path: Path, micro_cache: Path) -> Path:
    (tmp_path / "cache").symlink_to(micro_cache)
    return tmp_path


def plan(runs_dir: Path, *overrides: str, **words: object) -> Plan:
    request = Request("pcsc", "ucf24-mini.micro", runs_dir=runs_dir, device="cpu", overrides=overrides)
    return Plan.of(replace(request, **words))  # type: ignore[arg-type]


def test_names_become_things(runs_dir: Path) -> None:
    found = plan(runs_dir, method="PCSC", dataset="UCF101-24-mini.micro", variant="Baseline")
    assert (found.method.name, found.variant, found.dataset.id) == (
        "pcsc",
        "tiny+baseline",
        "ucf24-mini@1.micro",
    )
    assert found.protocol.id == "ucf24-mini@1.micro/1/act@1"
    assert found.protocol.synthetic
    assert (len(found.train_truth.videos), len(found.test_videos)) == (48, 24)
    assert not set(found.train_truth.videos.names) & set(found.test_videos)
    assert found.method.info.flipped_labels is not None
    assert found.title == "pcsc tiny+baseline"
    assert plan(runs_dir, "training.steps=2").title == "pcsc tiny+default training.steps=2"


@pytest.mark.parametrize("name", ["ucf24-mini@1.micro", "ucf24-mini.micro"])
def test_a_miniature_may_be_named_with_its_version(runs_dir: Path, name: str) -> None:
    assert plan(runs_dir, dataset=name).dataset.id == "ucf24-mini@1.micro"


@pytest.mark.parametrize("name", [*datasets.names(), *datasets.ALIASES])
def test_every_dataset_can_be_named(name: str) -> None:
    kind = datasets.find(name)
    assert dataset_named(name) == (kind.name, "small" if issubclass(kind, Miniature) else "")


@pytest.mark.parametrize(
    ("variant", "wanted"),
    [
        ("", "tiny+default"),
        ("tiny", "tiny+default"),
        ("full", "full+default"),
        ("no-features", "tiny+no-features"),
        ("full+stage-2", "full+stage-2"),
        ("Tiny+Stage_2", "tiny+stage-2"),
    ],
)
def test_variants(runs_dir: Path, variant: str, wanted: str) -> None:
    assert plan(runs_dir, variant=variant).variant == wanted


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"method": "psc"}, "unknown method 'psc'; did you mean pcsc?"),
        ({"dataset": "ucf42"}, "unknown dataset 'ucf42'; did you mean ucf24"),
        ({"dataset": "ucf24-mini.mikro"}, "has no size 'mikro'; sizes: micro, small, medium, full"),
        ({"dataset": "ucf24-mini@2.micro"}, "version"),
        ({"dataset": "ucf24.micro"}, "size"),
        ({"variant": "basline"}, "unknown variant of pcsc 'basline'; did you mean baseline"),
        ({"variant": "huge+default"}, "unknown size 'huge'; there are: full, tiny"),
        ({"split": "4"}, "unknown split of UCF101-24 miniature '4'; there are: 1"),
        (
            {"overrides": ("model.widht=1",)},
            "--set model.widht: unknown config key 'widht'; did you mean width?",
        ),
    ],
)
def test_unknown_names_are_refused_with_near_ones(
    runs_dir: Path, words: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        plan(runs_dir, **words)


def test_stages_share_everything_before_linking(runs_dir: Path) -> None:
    plans = [plan(runs_dir, variant=f"stage-{stage}") for stage in range(5)]
    plans += [plan(runs_dir), plan(runs_dir, variant="no-refinement")]
    assert len({tuple(p.train_keys.items()) for p in plans}) == 1
    assert len({p.predict_key for p in plans}) == 1
    assert len({p.link_key for p in plans}) == 6  # stage-4 is no-refinement
    assert len({p.folder for p in plans}) == 7


@pytest.mark.parametrize(
    ("override", "detector", "actionness", "predict", "link"),
    [
        ("training.steps=7", True, True, True, True),
        ("model.width=0.25", True, True, True, True),
        ("actionness.steps=7", False, True, True, True),
        ("score_floor=0.1", False, True, True, True),
        ("rows_per_stage=7", False, True, True, True),
        ("postprocess.nms=0.3", False, False, False, True),
        ("postprocess.linking.min_iou=0.3", False, False, False, True),
        ("predict_batch=3", False, False, False, False),
    ],
)
def test_a_step_is_keyed_by_what_it_reads(
    runs_dir: Path, override: str, detector: bool, actionness: bool, predict: bool, link: bool
) -> None:
    before, after = plan(runs_dir), plan(runs_dir, override)
    assert (before.train_keys["detector"] != after.train_keys["detector"]) is detector
    assert (before.train_keys["actionness"] != after.train_keys["actionness"]) is actionness
    assert (before.predict_key != after.predict_key) is predict
    assert (before.link_key != after.link_key) is link


def test_recognition_is_shared_by_detectors_of_any_flow(runs_dir: Path) -> None:
    """Brox flow is the detector's alone; in recognition both see that of the network inside."""
    rows = ("flownet2-kinetics", "brox-kinetics")
    one, other = (plan(runs_dir, method="two-stream-yolo", variant=f"full+{row}").train_keys for row in rows)
    assert one["recognition"] == other["recognition"]
    assert one["detector"] != other["detector"]


@pytest.mark.parametrize("words", [{"seed": 1}, {"precision": "bf16-mixed"}])
def test_seed_and_precision_are_part_of_every_key(runs_dir: Path, words: dict[str, object]) -> None:
    before, after = plan(runs_dir), plan(runs_dir, **words)
    assert not set(before.train_keys.values()) & set(after.train_keys.values())
    assert before.predict_key != after.predict_key
    assert before.folder != after.folder


def partial_copy(runs_dir: Path, micro_cache: Path, remove: list[str]) -> Path:
    """A runs folder whose miniature lacks some videos."""
    name = "ucf24-mini@1.micro"
    (runs_dir / "cache").unlink()
    shutil.copytree(micro_cache / name, runs_dir / "cache" / name)
    for video in remove:
        (runs_dir / "cache" / name / "ucf24" / "videos" / f"{video}.avi").unlink()
    return runs_dir


def test_missing_videos_are_named(runs_dir: Path, micro_cache: Path) -> None:
    whole = plan(runs_dir)
    test, train = whole.test_videos, whole.train_truth.videos.names
    found = plan(partial_copy(runs_dir, micro_cache, [*test[:7], train[0]]))
    with pytest.raises(DataError) as caught:
        _ = found.test_videos
    assert f"lacks 7 of 24 test videos of split 1: {test[0]}, {test[1]}" in str(caught.value)
    assert "--partial" in str(caught.value)
    with pytest.raises(DataError, match=f"lacks 1 of 48 training videos of split 1: {train[0]}"):
        _ = found.train_truth
    partial = plan(runs_dir, partial=True)
    assert partial.test_videos == test[7:]
    assert len(partial.train_truth.videos) == 47
    assert partial.folder != whole.folder


def test_nothing_there_is_no_partial_run(runs_dir: Path, micro_cache: Path) -> None:
    test = plan(runs_dir).test_videos
    found = plan(partial_copy(runs_dir, micro_cache, list(test)), partial=True)
    with pytest.raises(DataError, match="has none of the test videos"):
        _ = found.test_videos


def test_annotation_past_the_end_of_a_video_is_not_trained_on(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = plan(runs_dir).train_truth
    name = whole.videos.names[0]
    last = int(whole.boxes.frame[whole.boxes.video == 0].max())
    monkeypatch.setattr(type(plan(runs_dir).dataset), "real_frames", {name: last})
    found = plan(runs_dir)
    assert found.truth.boxes.frame.max() >= last
    assert len(found.train_truth.boxes) < len(whole.boxes)
    own = found.train_truth.boxes.video == 0
    assert found.train_truth.boxes.frame[own].max() == last - 1
    assert len(found.train_truth.boxes[~own]) == (whole.boxes.video != 0).sum()
    assert found.train_truth.videos.frames[0] == last
    assert found.train_truth.tubes.end.max() <= whole.videos.frames.max()
