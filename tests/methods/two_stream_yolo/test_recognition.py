"""Recognition: where labelled clips come from, and that it is learnt."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from two_stream_examples import Difference, plain

from bench.testing import INFO, toy_truth, training_data
from methods.common.keyframes import Examples, with_shuffled_labels
from methods.two_stream_yolo.config import TwoStreamYoloConfig, configs, recognition_model
from methods.two_stream_yolo.labelled import FolderClips, OwnClips
from methods.two_stream_yolo.method import TwoStreamYolo
from methods.two_stream_yolo.network import Recogniser
from methods.two_stream_yolo.recognition import RecognitionStage

SIZE = (64, 48)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, two and one clips, as folders of four frames."""
    rng = np.random.default_rng(0)
    for name in ("jump/a", "jump/b", "run/c"):
        (tmp_path / "clips" / name).mkdir(parents=True)
        for number in range(4):
            picture = rng.integers(0, 256, (24, 32, 3)).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "clips" / name / f"{number:03d}.png"), picture)
    return tmp_path / "clips"


def test_a_folder_of_labelled_clips(folder: Path) -> None:
    source = FolderClips(folder, "", SIZE, 0)
    assert source.classes == 2
    found = [source.pick(i, True, np.random.default_rng(i)) for i in range(30)]
    assert Counter(one.footage.name for one in found) == {"jump/a": 10, "jump/b": 10, "run/c": 10}
    assert {one.frame for one in found} == {0, 1, 2}  # each has a frame after it
    assert {one.mirror for one in found} == {False, True}
    for one in found:
        assert one.target_C.tolist() == ([1, 0] if one.footage.name.startswith("jump") else [0, 1])
        assert one.footage.clip([one.frame]).shape == (1, 48, 64, 3)
    assert not any(source.pick(i, False, np.random.default_rng(i)).mirror for i in range(9))


def test_a_list_says_which_clips(folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "trainlist01.txt"
    listed.write_text("jump/b 1\nrun/c 2\n\n")
    assert FolderClips(folder, str(listed), SIZE, 0).names == ["jump/b", "run/c"]
    for line in ("jump/z 1", "../clips/jump", "jump/a/b", "jump/.."):
        listed.write_text(f"{line}\n")
        with pytest.raises(ValueError, match=r"recognition\.listed: .*trainlist01\.txt names"):
            FolderClips(folder, str(listed), SIZE, 0)
    listed.write_text("jump/a\n")
    with pytest.raises(ValueError, match="clips of 1 classes"):
        FolderClips(folder, str(listed), SIZE, 0)


def test_clips_of_a_test_split_are_not_taken_unawares(folder: Path, tmp_path: Path) -> None:
    (folder / "run/v_Run_g01_c01.avi").write_bytes(b"")
    with pytest.raises(ValueError, match=r"UCF101.*--set recognition\.listed"):
        FolderClips(folder, "", SIZE, 0)
    (tmp_path / "list").write_text("jump/a\nrun/c\n")
    assert FolderClips(folder, str(tmp_path / "list"), SIZE, 0).classes == 2


def test_listed_clips_are_of_source_groups_that_are_trained_on(
    small: TwoStreamYoloConfig, folder: Path, tmp_path: Path
) -> None:
    listed, flow = tmp_path / "trainlist01.txt", tmp_path / "flow.pt"
    lines = ["jump/a"]
    for clip in ("Run/v_Run_g01_c07", "Jump/v_Jump_g09_c01"):  # a training video's group; no class to detect
        (folder / clip).mkdir(parents=True)
        lines.append(f"{clip} 1")
    recognition = replace(small.recognition, clips=str(folder), listed=str(listed))
    method = TwoStreamYolo(replace(small, recognition=recognition), INFO)
    listed.write_text("\n".join(lines))
    assert method.training_stage("recognition", training_data(), 0, {"flow": flow}).source.classes == 3  # type: ignore[attr-defined]
    (folder / "Run/v_Run_g02_c01.avi").write_bytes(b"")
    listed.write_text("\n".join([*lines, "Run/v_Run_g02_c01.avi 2"]))
    with pytest.raises(ValueError, match=r"list01\.txt names Run/v_Run_g02_c01\.avi.*out of the list, 1$"):
        method.training_stage("recognition", training_data(), 0, {"flow": flow})


def test_the_training_videos_by_their_own_classes() -> None:
    source = OwnClips(training_data(), INFO, 0)
    upright = [source.pick(i, False, np.random.default_rng(i)) for i in range(5)]
    shares = sorted(tuple(one.target_C.tolist()) for one in upright)
    assert shares == [(0, 0, 1), (0, 0, 1), (0.5, 0.5, 0), (1, 0, 0), (1, 0, 0)]
    turned = [source.pick(i % 5, True, np.random.default_rng(i)) for i in range(40)]
    assert {one.mirror for one in turned} == {False, True}
    for i, one in enumerate(turned):
        share = upright[i % 5].target_C
        assert one.target_C.tolist() == (share[[0, 2, 1]] if one.mirror else share).tolist()


def test_a_crop_shows_one_person_and_has_that_ones_class(small: TwoStreamYoloConfig) -> None:
    config = replace(small, model=replace(small.model, flow_steps=((-3, -1), (-1, 1))))
    source = OwnClips(training_data(), INFO, 0, crop=32)
    truth = toy_truth()
    middles = (truth.boxes.boxes_N4[:, :2] + truth.boxes.boxes_N4[:, 2:]) / 2
    for i in range(20):
        found = source.pick(i, False, np.random.default_rng(i))
        assert found.target_C.tolist() in ([1, 0, 0], [0, 1, 0], [0, 0, 1])
        assert found.window is not None
        x, y, *sides = found.window
        assert sides == [32, 32]
        assert np.abs(middles - (x + 16, y + 16)).max(axis=1).min() <= 5.5
    job = RecognitionStage(config, source, 0, lambda classes: Recogniser(config.model, Difference(), classes))
    batch = job.batch(0)
    assert batch["inputs"]["frames"].shape == (2, 5, 3, 32, 32)
    assert job.losses(job.prepare(Path()), batch)["action"].isfinite()
    method = TwoStreamYolo(replace(config, recognition=replace(config.recognition, crop=32)), INFO)
    assert method.facts()["pretraining"] == "crops of the training videos"


def test_the_control_permutes_the_labels_of_both_stages_alike() -> None:
    for seed in range(4):
        source = OwnClips(training_data(), INFO, seed, shuffled=True)
        expected = with_shuffled_labels(toy_truth(), seed)
        assert np.array_equal(source.examples.keys.labels, Examples(expected, INFO, seed).keys.labels)
    config = configs("ucf24-mini", "tiny")
    keys = [
        TwoStreamYolo(config[row], INFO).training_config()["recognition"]
        for row in ("default", "shuffled-labels")
    ]
    assert keys[0] != keys[1]


def test_recognition_is_learnt_and_flow_left_as_it_is(small: TwoStreamYoloConfig, folder: Path) -> None:
    def build(classes: int) -> Recogniser:
        flow = Difference()
        flow.requires_grad_(False)
        return Recogniser(recognition_model(small), flow, classes)

    job = RecognitionStage(plain(small), FolderClips(folder, "", SIZE, 0), 0, build)
    module = job.prepare(Path())
    optimiser, batch = job.optimiser(module), job.batch(0)
    assert batch["inputs"]["frames"].shape == (2, 3, 3, 48, 64)
    losses = []
    for _ in range(15):
        loss = job.losses(module, batch)["action"]
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.3 * losses[0]
    assert module.flow.share.item() == pytest.approx(0.1)  # type: ignore[union-attr,operator]
    again = job.batch(0)
    assert torch.equal(again["inputs"]["frames"], batch["inputs"]["frames"])
