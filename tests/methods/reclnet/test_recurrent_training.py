"""Stages of the recurrent part: what the loss counts, memory over stretches, killed and continued runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from recurrent_examples import World

from bench.training import CHECKPOINT, Compute, train
from methods.reclnet.fusion import FusionStage
from methods.reclnet.labels import UNKNOWN
from methods.reclnet.recurrent import Carried, StreamStage, TrackStage
from methods.reclnet.recurrent_config import FusionKind, RecurrentConfig
from methods.reclnet.scores import network_scores
from methods.reclnet.steps import frame_steps
from methods.reclnet.trained import load_fused, load_stream

CPU = Compute("cpu", threads=1)
VIDEO_BYTES = 187 * 4 * 2
"""Of the features of a stream and video of :meth:`World.remembered`."""
VIDEO_GB = 1.001e-9 * VIDEO_BYTES
"""The same in gigabytes, rounded up."""


def stage(
    world: World, seed: int = 0, network: RecurrentConfig | None = None, **training: int
) -> StreamStage:
    return StreamStage("rgb", world.learning(network, **training), world.data(), seed)


def ready(world: World, folder: Path, **training: int) -> tuple[StreamStage, Carried]:
    made = stage(world, **training)
    module = made.prepare(folder)
    assert isinstance(module, Carried)
    return made, module


def test_steps_come_from_epochs_unless_they_are_given(tmp_path: Path) -> None:
    world = World.remembered()
    made, _ = ready(world, tmp_path, steps=7)
    assert made.steps == 7
    once, _ = ready(world, tmp_path, steps=0, epochs=1)
    thrice, _ = ready(world, tmp_path, steps=0, epochs=3)
    steps = sum(-(-n // 20) for n in (50, 30, 45, 62)) * 6 / 6
    assert steps <= once.steps <= steps + 3
    assert 2 * once.steps < thrice.steps < 4 * once.steps


def test_a_stage_is_prepared_without_features_and_reads_those_of_its_stream_alone(tmp_path: Path) -> None:
    world = World.remembered()
    ready(replace(world, features={video: {} for video in world.tracks}), tmp_path)
    one = {video: {"rgb": streams["rgb"]} for video, streams in world.features.items()}
    made, _ = ready(replace(world, features=one), tmp_path)
    assert len(made.batch(0)["features"]) == 1


def test_features_that_are_not_kept_are_computed_once_a_video_and_epoch(tmp_path: Path) -> None:
    """A quarter of the videos are drawn from at once, and a third can be held."""
    world = World.remembered(videos=12)
    made = StreamStage("rgb", world.learning(group_gb=3 * VIDEO_GB), world.data(held=4 * VIDEO_BYTES), 0)
    made.prepare(tmp_path)
    assert not world.made
    ends = [made.schedule.batches(epoch) for epoch in (1, 2)]
    for step in range(ends[0]):
        made.batch(step)
    assert world.made == ["features-rgb"] * 12
    for step in range(ends[0], ends[1]):
        made.batch(step)
    assert 12 + 12 - 4 <= len(world.made) <= 24  # the last ones may still be held


def test_the_fusion_holds_the_features_of_both_streams(tmp_path: Path) -> None:
    world = World.remembered(videos=12)
    checkpoints = trained_streams(world, tmp_path)
    world.made.clear()
    learning, data = world.learning(group_gb=6 * VIDEO_GB), world.data(held=8 * VIDEO_BYTES)
    made = FusionStage("layer", learning, data, 0, checkpoints)
    made.prepare(tmp_path)
    for step in range(made.schedule.batches(1)):
        made.batch(step)
    assert sorted(world.made) == ["features-flow"] * 12 + ["features-rgb"] * 12


@pytest.mark.parametrize("videos", [0, 3, 100])
def test_no_number_depends_on_whether_features_are_kept(tmp_path: Path, videos: int) -> None:
    """Whatever the size of a group: smaller than what is held, larger, and of all videos."""
    world = World.remembered(videos=8)
    learning = world.learning(steps=12, group_gb=videos * VIDEO_GB)
    weights = []
    for folder, held in (("kept", None), ("roomy", 6 * VIDEO_BYTES), ("narrow", VIDEO_BYTES)):
        train(StreamStage("rgb", learning, world.data(held), 0), tmp_path / folder, 0, CPU)
        weights.append(torch.load(tmp_path / folder / CHECKPOINT, weights_only=True))
    for other in weights[1:]:
        assert all(torch.equal(other[name], value) for name, value in weights[0].items())


def test_features_that_would_be_computed_again_and_again_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World.remembered(videos=8)
    for videos, said in ((2, False), (4, True), (100, True)):
        caplog.clear()
        learning = world.learning(group_gb=videos * VIDEO_GB)
        StreamStage("rgb", learning, world.data(held=4 * VIDEO_BYTES), 0).prepare(tmp_path)
        assert ("--feature-budget" in caplog.text) is said
    caplog.clear()
    StreamStage("rgb", world.learning(), world.data(), 0).prepare(tmp_path)
    assert not caplog.text
    StreamStage("rgb", world.learning(group_gb=2 * VIDEO_GB), world.data(), 0).prepare(tmp_path)
    assert "a batch is of few videos" in caplog.text


def test_preparing_tells_how_far_it_is(tmp_path: Path) -> None:
    world = World.remembered(videos=3)
    told = []
    data = replace(world.data(), report=lambda *progress: told.append(progress))
    StreamStage("flow", world.learning(), data, 0).prepare(tmp_path)
    assert told == [("labels of tracks", done, 3) for done in (1, 2, 3)]


def test_the_learning_rate_drops_once(tmp_path: Path) -> None:
    made, _ = ready(World.remembered(), tmp_path, steps=100)
    rates = [made.learning_rate(step) for step in range(100)]
    assert rates == pytest.approx([0.01] * 75 + [0.001] * 25)


def test_the_loss_is_that_of_the_steps_with_a_label(tmp_path: Path) -> None:
    made, module = ready(World.remembered(), tmp_path)
    batch = made.batch(2)
    assert (batch["labels_TB"] == UNKNOWN).any()
    output = module.network(*batch["features"], module.state_BS * 0)
    known = batch["labels_TB"] != UNKNOWN
    wanted = F.cross_entropy(output.logits_TBC[known], batch["labels_TB"][known], reduction="sum") / (20 * 6)
    batch["goes_on_B"] = torch.zeros(6, dtype=torch.bool)
    torch.testing.assert_close(made.losses(module, batch)["nll"], wanted)
    for features in batch["features"]:
        features[~known] = 1e3
    torch.testing.assert_close(made.losses(module, batch)["nll"], wanted)


def test_a_batch_without_labels_teaches_nothing(tmp_path: Path) -> None:
    made, module = ready(World.remembered(), tmp_path)
    batch = made.batch(0)
    batch["labels_TB"] = torch.full_like(batch["labels_TB"], UNKNOWN)
    loss = made.losses(module, batch)["nll"]
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert all(not p.grad.any() for p in module.parameters() if p.grad is not None)


def test_states_go_on_with_their_tracks_and_begin_at_zero(tmp_path: Path) -> None:
    """Stretch by stretch, tracks coming and going, a training batch sees what whole tracks would give."""
    world = World.remembered()
    made, module = ready(world, tmp_path)
    whole = {}
    for video in world.tracks:
        with torch.no_grad():
            whole[video] = network_scores(
                module.network, frame_steps(world.tracks[video]), [world.features[video]["rgb"]]
            )
    found: dict[str, np.ndarray] = {video: np.zeros_like(scores) for video, scores in whole.items()}
    for step in range(made.schedule.batches(1)):
        batch, stretches = made.batch(step), made.schedule[step]
        state = module.state_BS * batch["goes_on_B"][:, None]
        scores = module.network(*batch["features"], state).logits_TBC.softmax(2).detach().numpy()
        made.losses(module, batch)
        for lane, part in made.sequences.lanes(stretches, 20):
            track = stretches.track_L[lane]
            video = made.sequences.videos[made.sequences.video_T[track]]
            found[video][made.sequences.row_P[part]] = scores[: part.stop - part.start, lane]
    for video, scores in whole.items():
        np.testing.assert_allclose(found[video], scores, atol=1e-5)


def test_a_batch_is_a_function_of_seed_and_step(tmp_path: Path) -> None:
    world = World.remembered()
    one, _ = ready(world, tmp_path)
    other, _ = ready(world, tmp_path)
    for step in (9, 2):
        a, b = one.batch(step), other.batch(step)
        assert torch.equal(a["features"][0], b["features"][0])
        assert torch.equal(a["labels_TB"], b["labels_TB"])
        assert torch.equal(a["goes_on_B"], b["goes_on_B"])


class Killed(Exception):
    pass


class Dying(StreamStage):
    """Is killed in the middle of a step."""

    def batch(self, step: int) -> object:
        if step == 6:
            raise Killed
        return super().batch(step)


def test_a_killed_training_goes_on_bit_equal(tmp_path: Path) -> None:
    world = World.remembered()
    compute = Compute("cpu", threads=1, save_every=5)
    learning = world.learning(steps=12)
    with pytest.raises(Killed):
        train(Dying("rgb", learning, world.data(), 0), tmp_path / "killed", 0, compute)
    assert not (tmp_path / "killed" / CHECKPOINT).exists()
    weights = []
    for folder in ("killed", "whole"):
        train(StreamStage("rgb", learning, world.data(), 0), tmp_path / folder, 0, compute)
        weights.append(torch.load(tmp_path / folder / CHECKPOINT, weights_only=True))
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert weights[0]["state_BS"].any()


def accuracy(world: World, network: RecurrentConfig, folder: Path) -> float:
    """Share of the last steps of tracks, beyond the reach of one gradient, whose class is found."""
    made = stage(world, network=network, steps=120, tracks=12)
    train(made, folder, 0, CPU)
    learnt = load_stream(folder / CHECKPOINT, network, 2)
    right = []
    for video, tracks in world.tracks.items():
        scores = network_scores(learnt, frame_steps(tracks), [world.features[video]["rgb"]])
        last = np.flatnonzero(np.diff(tracks["track_N"], append=99))
        right.append(scores[last].argmax(axis=1) == world.labels[video][last])
    return float(np.mean(right))


def test_only_a_network_with_memory_learns_what_the_first_step_shows(tmp_path: Path) -> None:
    world = World.remembered()
    gru = accuracy(world, RecurrentConfig("gru", hidden=8, units=(8, 8)), tmp_path / "gru")
    fc = accuracy(world, RecurrentConfig("fc", hidden=8, units=(8, 8)), tmp_path / "fc")
    assert gru > 0.95
    assert fc < 0.8


def trained_streams(world: World, folder: Path) -> dict[str, Path]:
    """Checkpoints of two streams after a few steps."""
    found = {}
    for stream in ("rgb", "flow"):
        made: TrackStage = StreamStage(stream, world.learning(), world.data(), 0)
        assert made.name == f"recurrent-{stream}"
        train(made, folder / stream, 0, CPU)
        found[made.name] = folder / stream / CHECKPOINT
    return found


@pytest.mark.parametrize("kind", ["gating", "layer"])
def test_fusion_learns_on_fixed_streams(tmp_path: Path, kind: FusionKind) -> None:
    world = World.remembered()
    checkpoints = trained_streams(world, tmp_path)
    learning = world.learning(steps=15)
    made = FusionStage(kind, learning, world.data(), 0, checkpoints)
    train(made, tmp_path / "fusion", 0, CPU)
    fused = load_fused(tmp_path / "fusion" / CHECKPOINT, learning.network, 2, kind)
    begun = made.network().state_dict()
    for name in ("rgb", "flow"):
        stream = load_stream(checkpoints[f"recurrent-{name}"], learning.network, 2)
        for key, value in stream.state_dict().items():
            assert torch.equal(fused.state_dict()[f"{name}.{key}"], value)
    changed = [key for key, value in fused.state_dict().items() if not torch.equal(value, begun[key])]
    assert changed
    assert all(key.startswith("fusion.") for key in changed)
    scores = network_scores(fused, frame_steps(world.tracks["v0"]), list(world.features["v0"].values()))
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


def test_checkpoints_of_another_config_are_refused(tmp_path: Path) -> None:
    world = World.remembered()
    path = trained_streams(world, tmp_path)["recurrent-rgb"]
    with pytest.raises(ValueError, match=r"checkpoint\.pt does not fit.*r1.*another config"):
        load_stream(path, RecurrentConfig("lstm", hidden=8, units=(8, 8)), 2)
    with pytest.raises(ValueError, match=r"out\.weight is \(3, 16\) and must be \(5, 16\)"):
        load_stream(path, RecurrentConfig(hidden=8, units=(8, 8)), 4)
    with pytest.raises(ValueError, match=r"does not fit: missing 21 \(rgb\.fc\.weight"):
        load_fused(path, RecurrentConfig(hidden=8, units=(8, 8)), 2, "gating")
