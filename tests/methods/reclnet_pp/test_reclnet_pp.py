"""RecLNet++ as a method: the stages of its rows, what I3D learns, what its tracks and features are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import narrow
import numpy as np
import pytest
import torch

from bench.files.tables import write_tubes
from bench.records import GroundTruth, Tubes
from bench.runs.plan import Plan, Request
from bench.testing import INFO, Remade, footage, noise, toy_truth, training_data
from bench.training import CHECKPOINT, Compute, train
from methods.base import Info, TrainingData
from methods.reclnet.steps import ROWS
from methods.reclnet_pp.clip_training import ClipStage
from methods.reclnet_pp.config import ReclnetPpConfig, configs
from methods.reclnet_pp.method import ReclnetPp

I3D = "i3d-rgb", "i3d-flow"
LAST = "recurrent-rgb", "recurrent-flow", "fusion"


def published(folder: Path, config: ReclnetPpConfig) -> ReclnetPpConfig:
    """The config with files named, which nobody reads."""
    for name in ("rgb.pt", "flow.pt", "resnet.pth"):
        (folder / name).write_bytes(b"weights")
    model = replace(config.model, pretrained=str(folder / "resnet.pth"))
    return replace(config, model=model, i3d=str(folder))


@pytest.mark.parametrize("row", ["default", "fc", "shuffled-labels", "frame-tracks", "fc-frame-tracks"])
def test_stages_of_every_row(row: str, tmp_path: Path) -> None:
    detectors = ["rgb", "flow"] if "frame" in row else ["rgb"]
    tiny, full = configs("ucf24-mini", "tiny"), configs("ucf24", "full")
    assert set(tiny) == set(full) == {"default", "fc", "shuffled-labels", "frame-tracks", "fc-frame-tracks"}
    method = ReclnetPp(tiny[row], INFO)
    assert list(method.training_config()) == [*detectors, *I3D, *LAST]
    assert list(method.extractions()) == ["tracks", "features-rgb", "features-flow"]
    assert method.extractions()["tracks"].stages == tuple(detectors)
    for stream in ("rgb", "flow"):
        assert method.extractions()[f"features-{stream}"].stages == (*detectors, f"i3d-{stream}")
    assert method.stack == (1 if "frame" in row else 3)
    started = ReclnetPp(published(tmp_path, full[row]), INFO)
    assert list(started.training_config()) == [*detectors, *LAST]
    assert started.stack == (1 if "frame" in row else 5)


def test_person_tracks_are_adapted_before_features_are_taken(tmp_path: Path) -> None:
    method = ReclnetPp(published(tmp_path, configs("daly", "full")["frame-tracks"]), INFO)
    assert list(method.training_config()) == ["rgb", "box-size", *LAST]
    assert method.extractions()["features-flow"].stages == ("rgb", "box-size")


def test_with_tracks_from_a_file_no_detector_is_trained(tmp_path: Path) -> None:
    """Nor are weights for one needed; I3D's features then name what else they are made from."""
    path = tmp_path / "tracks.parquet"
    boxes = Tubes(("v",), [0], [0], [-1], [1], [0], [[1, 2, 3, 4]])
    write_tubes(path, boxes, {})
    tiny, whole = configs("ucf24-mini", "tiny")["default"], configs("ucf24", "full")["default"]
    given = ReclnetPp(replace(tiny, tracks=replace(tiny.tracks, file=str(path))), INFO)
    assert list(given.training_config()) == [*I3D, *LAST]
    assert given.extractions()["tracks"].stages == ()
    named = published(tmp_path, whole)
    named = replace(named, tracks=replace(named.tracks, file=str(path)))
    bare = ReclnetPp(replace(named, model=replace(named.model, pretrained="")), INFO)
    bare.check()
    assert bare.facts()["pretraining"] == "Kinetics-400 (I3D)"
    small = ReclnetPp(replace(named, model=replace(named.model, frame_size=(400, 300))), INFO)
    assert small.training_config()["recurrent-rgb"] != bare.training_config()["recurrent-rgb"]
    slow = ReclnetPp(replace(named, model=replace(named.model, flow_size=(160, 120))), INFO)
    for other, stream in ((small, "rgb"), (slow, "flow")):
        changed = [n for n, one in other.extractions().items() if one.config != bare.extractions()[n].config]
        assert changed == [f"features-{stream}"]


def test_at_full_size_published_weights_are_required(tmp_path: Path) -> None:
    bare = configs("ucf24", "full")["default"]
    with pytest.raises(ValueError, match=r"ImageNet weights of resnet101.*--set model\.pretrained=FILE"):
        ReclnetPp(bare, INFO).check()
    named = published(tmp_path, bare)
    ReclnetPp(named, INFO).check()
    with pytest.raises(ValueError, match=r"published I3D weights and none are named.*i3d=FOLDER"):
        ReclnetPp(replace(named, i3d=""), INFO).check()
    (tmp_path / "flow.pt").unlink()
    with pytest.raises(ValueError, match=r"0 files flow\.\*, there must be one"):
        ReclnetPp(named, INFO).check()
    ReclnetPp(configs("ucf24-mini", "tiny")["default"], INFO).check()
    with pytest.raises(ValueError, match="scores no single boxes"):
        ReclnetPp(replace(bare, model=replace(bare.model, scores="detector", fusion="average")), INFO)


def painted() -> TrainingData:
    """The toy annotation; what a person does is the colour of the place."""
    rgb = np.full((2, 6, 48, 64, 3), 40, np.uint8)
    rgb[0, :, :, :30, 0], rgb[0, :, :, 30:, 1], rgb[1, ..., 2] = 220, 220, 220
    names = toy_truth().videos.names
    return TrainingData(toy_truth(), {n: footage(v, name=n) for n, v in zip(names, rgb)})  # type: ignore[arg-type]


def test_i3d_learns_the_classes_of_boxes() -> None:
    small = narrow.reclnet_pp()
    clips = replace(small.clips, steps=30, batch=6, learning_rate=1e-2, colour=(0.0, 1.0, 1.0))
    stage = ClipStage("rgb", replace(small, clips=clips), Info(INFO.classes), painted(), 0)
    module = stage.prepare(Path())
    optimiser, found = stage.optimiser(module), []
    for step in range(stage.steps):
        optimiser.param_groups[0]["lr"] = stage.learning_rate(step)
        loss = stage.losses(module, stage.batch(step))["class"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(float(loss.detach()))
    assert np.mean(found[-5:]) < 0.3 * np.mean(found[:3])


def test_a_mirrored_clip_of_flow_is_that_of_mirrored_motion() -> None:
    stage = ClipStage("flow", narrow.reclnet_pp(), INFO, training_data(), 0)
    shown, rng = noise(1, 6), np.random.default_rng(0)
    plain, mirrored = (stage._clip(shown, np.arange(4), flip, rng) for flip in (False, True))
    back = mirrored.flip(-1)
    inner = (plain[0] > -1) & (plain[0] < 1)
    assert inner.float().mean() > 0.1
    torch.testing.assert_close((plain + back)[0][inner], torch.full((int(inner.sum()),), 256 / 127.5 - 2))
    assert torch.equal(back[1], plain[1])
    assert not torch.equal(mirrored[1], plain[1])


@pytest.mark.parametrize("stack", [2, 1])
def test_features_lie_along_tracks_of_stacks_and_of_frames(tmp_path: Path, stack: int) -> None:
    config = narrow.reclnet_pp()
    if stack == 1:
        config = replace(config, stack=1, tracks=narrow.reclnet().tracks)
    method = ReclnetPp(config, INFO)
    checkpoints: dict[str, Path] = {}
    for name in method.training_config():
        data = training_data(method.frame_size, Remade(method, checkpoints))
        train(method.training_stage(name, data, 0, checkpoints), tmp_path / name, 0, Compute("cpu"))
        checkpoints[name] = tmp_path / name / CHECKPOINT
    shown = noise(3, 9, annotation=(320, 240), size=method.frame_size)
    shown.extractions = Remade(method, checkpoints)
    tracks = shown.extracted("tracks")
    rgb, flow = (shown.extracted(f"features-{stream}")[ROWS] for stream in ("rgb", "flow"))
    steps = np.unique(np.column_stack([tracks["track_N"], tracks["frame_N"] // 4]), axis=0)
    assert len(steps) == len(rgb) == len(flow) > 0
    method.load(checkpoints, "cpu")
    found = method.predict(shown, range(9))
    assert found.track is not None
    assert np.array_equal(np.unique(found.track), np.unique(tracks["track_N"]))
    for track in np.unique(found.track):
        score, frame = (column[found.track == track] for column in (found.score, found.frame))
        assert all(len(np.unique(score[frame // 4 == m])) == 1 for m in np.unique(frame // 4))


def drawn(frame: int) -> GroundTruth:
    """The toy annotation as if its boxes in one frame had been drawn, and all others tracked."""
    truth = toy_truth()
    return replace(truth, boxes=truth.boxes[truth.boxes.frame == frame])


@pytest.mark.parametrize("shuffled", [False, True])
def test_i3d_learns_from_the_boxes_that_were_drawn(shuffled: bool) -> None:
    config = narrow.reclnet_pp()
    config = replace(config, training=replace(config.training, shuffled_labels=shuffled))
    stages = []
    for truth, drawn_truth in ((toy_truth(), drawn(2)), (drawn(2), None)):
        data = replace(training_data(), truth=truth, key_truth=drawn_truth)
        stages.append(ClipStage("rgb", config, INFO, data, 0))
    assert set(stages[0].examples.keys.frame.tolist()) == {2}
    for one, other in zip(*(stage.batch(0).values() for stage in stages)):
        assert all(torch.equal(a, b) for a, b in zip(one, other))


def test_boxes_that_a_tracker_added_are_not_in_the_keys_of_i3d(runs_dir: Path) -> None:
    """Where nothing was tracked its keys are those of the drawn boxes too."""

    def keys(tracked: GroundTruth | None) -> Mapping[str, str]:
        plan = Plan.of(Request("reclnet-pp", "ucf24-mini.micro", runs_dir=runs_dir))
        own = plan.train_truth
        if tracked is not None:
            plan.__dict__.update(train_truth=tracked, train_key_truth=own)
        return plan.train_keys

    whole = Plan.of(Request("reclnet-pp", "ucf24-mini.micro", runs_dir=runs_dir)).train_truth
    one, other = (replace(whole, boxes=whole.boxes[whole.boxes.frame % n == 0]) for n in (2, 3))
    plain, first, second = keys(None), keys(one), keys(other)
    for stream in I3D:
        assert plain[stream] == first[stream] == second[stream]
    for stage in set(plain) - {*I3D}:
        assert len({plain[stage], first[stage], second[stage]}) == 3
