"""Which training videos validation gets, and that nothing of them is trained on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.records import GroundTruth, TruthBoxes, TruthTubes, VideoTable
from bench.runs.asked import Request
from bench.runs.plan import Plan
from bench.runs.validation import held_out
from datasets import DataError


def annotation(videos: list[tuple[str, str, int]]) -> GroundTruth:
    """Videos as (name, group, label), one tube each."""
    names = tuple(name for name, _, _ in videos)
    count = len(videos)
    numbers = [np.full(count, value) for value in (20, 320, 240, 25.0)]
    table = VideoTable(names, *numbers, tuple(group for _, group, _ in videos))
    labels = np.array([label for _, _, label in videos], int)
    tubes = TruthTubes(names, np.arange(count), np.arange(count), labels, np.zeros(count), np.full(count, 20),
                       np.zeros(count, bool))  # fmt: skip
    return GroundTruth(("a", "b", "c"), table, tubes, TruthBoxes.empty(names))


GROUPS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=40)


@given(GROUPS, st.randoms(use_true_random=False))
def test_whole_groups_of_every_class_whatever_the_order(
    groups: list[tuple[int, int]], random: object
) -> None:
    videos = [
        (f"g{i}_c{clip}", f"g{i}", label) for i, (label, clips) in enumerate(groups) for clip in range(clips)
    ]
    group_of = {name: group for name, group, _ in videos}
    taken = {group_of[name] for name in held_out(annotation(videos))}
    for label in {label for label, _ in groups}:
        of_class = {f"g{i}" for i, (other, _) in enumerate(groups) if other == label}
        number = len(of_class & taken)
        assert number == (0 if len(of_class) == 1 else max(round(len(of_class) / 5), 1))
    assert set(held_out(annotation(videos))) == {name for name in group_of if group_of[name] in taken}
    shuffled = list(videos)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert set(held_out(annotation(shuffled))) == set(held_out(annotation(videos)))


def test_the_choice_never_changes() -> None:
    """It is part of what ``train-minus-val`` means: other groups would be another training set."""
    videos = [(f"v{i:02}", f"g{i:02}", 0) for i in range(18)]
    assert held_out(annotation(videos)) == ("v00", "v01", "v11", "v14")


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory, micro_cache: object) -> dict[str, Plan]:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "cache").symlink_to(micro_cache)  # type: ignore[arg-type]
    fits = ("train", "train-minus-val")
    return {
        fit: Plan.of(Request("yowo", "ucf24-mini.micro", runs_dir=folder, device="cpu", fit=fit))
        for fit in fits
    }


def test_what_is_held_out_is_not_trained_on(plans: dict[str, Plan]) -> None:
    whole, without = plans["train"], plans["train-minus-val"]
    held = set(without.validation_videos)
    assert held
    assert set(without.train_truth.videos.names) | held == set(whole.train_truth.videos.names)
    assert not held & set(without.train_truth.videos.names)
    assert not set(without.train_truth.videos.group) & set(whole.truth.select(sorted(held)).videos.group)
    assert without.test_videos == whole.test_videos


def test_both_are_trained_and_stored_apart(plans: dict[str, Plan]) -> None:
    whole, without = plans["train"], plans["train-minus-val"]
    assert set(whole.train_keys.values()).isdisjoint(without.train_keys.values())
    assert whole.predict_key != without.predict_key
    assert whole.folder != without.folder
    assert whole.label == "tiny+default"
    assert without.label == "tiny+default fit=train-minus-val"


def test_a_dataset_with_one_group_a_class_says_so(
    plans: dict[str, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan.of(plans["train-minus-val"].request)
    monkeypatch.setattr("bench.runs.plan.held_out", lambda truth: ())
    with pytest.raises(DataError, match=r"no class has two source groups.*--fit train"):
        _ = plan.train_truth


def test_an_unknown_fit_names_the_known_ones(plans: dict[str, Plan]) -> None:
    request = plans["train"].request
    with pytest.raises(ValueError, match="train-minus-val"):
        Plan.of(Request("yowo", "ucf24-mini.micro", runs_dir=request.runs_dir, fit="minus-val"))
