"""Batches of the detector and of actionness."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.training import Compute, train
from bench.tubes.paths import Paths
from methods.base import TrainingData
from methods.pcsc.actionness import ActionnessStage, overlaps_truth
from methods.pcsc.config import TrainingConfig
from methods.pcsc.method import Pcsc
from methods.pcsc.training import DetectorStage, learning_rate


def data(kit: Any) -> TrainingData:
    return TrainingData(kit.truth(), {f"run/v_run_g{i:02d}_c01": kit.noise(i) for i in (0, 1)})  # type: ignore[arg-type]


def stage(kit: Any, seed: int = 0, **training: Any) -> DetectorStage:
    config = kit.small()
    config = replace(config, training=replace(config.training, steps=3, **training))
    return DetectorStage(config, kit.info, data(kit), seed)


def flat(batch: Mapping[str, Any]) -> list[torch.Tensor]:
    return [*batch["clips"].values(), *(t[name] for t in batch["targets"] for name in ("boxes", "labels"))]


def test_one_cycle_rises_for_a_tenth_and_falls_to_nothing() -> None:
    config = TrainingConfig(one_cycle=True, learning_rate=0.5)
    rates = [learning_rate(config, step, 200) for step in range(200)]
    assert rates[0] == pytest.approx(0.5 / 20)
    assert rates[19] == max(rates) == 0.5
    assert all(a < b for a, b in pairwise(rates[:20]))
    assert all(a >= b for a, b in pairwise(rates[19:]))
    assert rates[110] == pytest.approx(0.25)
    assert 0 < rates[-1] < 1e-4
    assert learning_rate(config, 0, 1) == 0.5


def test_the_papers_rate_drops_by_ten_after_epochs_four_and_five() -> None:
    config = TrainingConfig(warmup=10)
    rates = [learning_rate(config, step, 600) for step in range(600)]
    assert rates[:2] == pytest.approx([0.001, 0.002])
    assert rates[9] == rates[399] == 0.01
    assert rates[400] == rates[499] == pytest.approx(0.001)
    assert rates[500] == rates[599] == pytest.approx(0.0001)


def test_steps_come_from_epochs_unless_they_are_given(kit: Any) -> None:
    assert stage(kit).steps == 3
    config = kit.small()
    config = replace(config, training=replace(config.training, steps=0, epochs=3.0, batch=2))
    assert DetectorStage(config, kit.info, data(kit), 0).steps == math.ceil(3 * 5 / 2)


def test_batches_are_a_function_of_seed_and_step(kit: Any) -> None:
    one, other = stage(kit), stage(kit)
    later = [flat(one.batch(step)) for step in (0, 1, 5)][2]
    assert all(torch.equal(a, b) for a, b in zip(later, flat(other.batch(5)), strict=True))
    assert not torch.equal(later[0], flat(stage(kit, seed=1).batch(5))[0])


def test_mirrored_clips_swap_labels(kit: Any) -> None:
    """With every picture mirrored, "wave left" is trained as "wave right" (labels from 1 in the network)."""

    class Mirrored:
        def random(self) -> float:
            return 0.0

    detector = stage(kit, zoom=(1.0, 1.0), background=0.0)
    position = detector.examples.order(0).tolist().index(1)  # its second box waves to the left
    clip, target = detector._example(position, Mirrored())  # type: ignore[arg-type]
    assert (target["labels"].tolist(), target["boxes"].tolist()) == (
        [1, 3],
        [[43, 2, 63, 30], [4, 8, 24, 40]],
    )
    detector.examples.info = replace(detector.examples.info, flipped_labels=None)
    plain, target = detector._example(position, Mirrored())  # type: ignore[arg-type]
    assert (target["labels"].tolist(), target["boxes"].tolist()) == (
        [1, 2],
        [[1, 2, 21, 30], [40, 8, 60, 40]],
    )
    assert torch.equal(clip["rgb"], plain["rgb"].flip(-1))


def test_background_batches_have_no_boxes(kit: Any) -> None:
    batch = stage(kit, background=1.0).batch(0)
    assert [len(t["boxes"]) for t in batch["targets"]] == [0, 0]
    assert batch["targets"][0]["labels"].dtype == torch.int64


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_the_detector_trains_loads_and_predicts(kit: Any, tmp_path: Path, optimiser: str) -> None:
    """Some steps of both stages, on footage of noise; predictions name every frame and stage."""
    config = kit.small()
    config = replace(
        config,
        training=replace(config.training, steps=2, optimiser=optimiser),
        actionness=replace(config.actionness, steps=4, batch=8, videos_per_class=1),
        score_floor=0.0,
    )
    method, footage = Pcsc(config, kit.info), data(kit)
    checkpoints: dict[str, Path] = {}
    for name in method.training_config():
        job = method.training_stage(name, footage, 0, checkpoints)
        train(job, tmp_path / name, 0, Compute("cpu"))
        checkpoints[name] = tmp_path / name / "checkpoint.pt"
    method.load(checkpoints, "cpu")
    found = method.predict(footage.footage["run/v_run_g00_c01"], range(6))
    assert set(found.frame.tolist()) == set(range(6))
    assert found.stage is not None
    assert found.stream is not None
    assert set(zip(found.stage.tolist(), found.stream.tolist())) == {
        (0, 0),
        (0, 1),
        (1, 0),
        (2, 1),
        (3, 0),
        (4, 1),
    }
    assert len(np.unique(found.box)) == len(found)
    assert found.actionness is not None
    assert np.all((found.actionness > 0) & (found.actionness < 1))
    again = method.predict(footage.footage["run/v_run_g00_c01"], range(6))
    assert all(
        np.array_equal(getattr(found, c), getattr(again, c)) for c in ("boxes_N4", "score", "actionness")
    )
    part = method.predict(footage.footage["run/v_run_g00_c01"], [3])
    np.testing.assert_allclose(part.score, found.score[found.frame == 3], rtol=1e-4)


def test_checkpoints_of_another_config_are_refused(kit: Any, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save(kit.network(stages=2).state_dict(), path)
    with pytest.raises(ValueError, match=r"checkpoint\.pt does not fit.*heads\.3_rgb.*another config"):
        Pcsc(kit.small(), kit.info).load({"detector": path}, "cpu")


def test_missing_pretrained_weights_are_named(kit: Any, tmp_path: Path) -> None:
    small = kit.small()
    started = replace(small, model=replace(small.model, pretrained=str(tmp_path)))
    with pytest.raises(ValueError, match=r"no I3D weights of the rgb stream.*rgb\.npz, \.pt or \.pth"):
        Pcsc(started, kit.info).check()
    frozen = replace(small, model=replace(small.model, frozen_batch_norm=True))
    with pytest.raises(ValueError, match=r"none are named.*model\.pretrained=FOLDER"):
        Pcsc(frozen, kit.info).check()


def test_training_starts_from_published_weights_and_their_content_is_in_the_key(
    kit: Any, tmp_path: Path
) -> None:
    keys = []
    for seed in (0, 1):
        network = kit.network(seed=seed)
        for name, stream in network.streams.items():
            torch.save(stream.backbone.state_dict(), tmp_path / f"{name}.pt")
        small = kit.small()
        method = Pcsc(replace(small, model=replace(small.model, pretrained=str(tmp_path))), kit.info)
        keys.append(method.training_config()["detector"]["weights"])
        started = method.training_stage("detector", data(kit), 5, {}).prepare(tmp_path)
        first = network.streams["rgb"].backbone.state_dict()
        for name, value in started.streams["rgb"].backbone.state_dict().items():  # type: ignore[union-attr, index]
            assert torch.equal(value, first[name]), name
    assert keys[0] != keys[1]


def paths(frame: list[int], label: list[int], boxes: list[list[float]]) -> Paths:
    rows, ones = np.arange(len(frame)), np.ones(len(frame))
    return Paths(("v",), 0 * rows, rows, np.array(label), np.array(frame), np.array(boxes), ones, rows)


def test_actionness_is_positive_above_one_half_with_truth_of_its_class(kit: Any) -> None:
    """Truth of class 0 at frame 1 is [1, 2, 21, 30], of class 1 at frame 2 [40, 8, 60, 40]."""
    truth = kit.truth().select(["run/v_run_g00_c01"])
    rows: list[Any] = [
        (1, 0, [1, 2, 21, 30], True),
        (1, 0, [1, 2, 21, 16], False),  # IoU 0.5
        (1, 0, [1, 2, 21, 16.1], True),
        (1, 1, [1, 2, 21, 30], False),  # another class
        (2, 0, [40, 8, 60, 40], False),
        (2, 1, [40, 8, 60, 40], True),
        (5, 0, [1, 2, 21, 30], False),  # no truth on that frame
    ]
    found = paths([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    assert overlaps_truth(found, truth, 0.5).tolist() == [r[3] for r in rows]


def test_actionness_takes_some_videos_of_each_class(kit: Any) -> None:
    config = kit.small()
    for limit, wanted in ((1, 2), (0, 2)):
        method = Pcsc(
            replace(config, actionness=replace(config.actionness, videos_per_class=limit)), kit.info
        )
        job = ActionnessStage(method, data(kit), 0, Path("none"))
        assert len(job._videos()) <= wanted
        assert "run/v_run_g01_c01" in job._videos()


def test_training_tubes_are_linked_the_same_for_every_reported_stage(kit: Any) -> None:
    config, linked = kit.small(), set()
    for stage in range(5):
        reported = replace(config, postprocess=replace(config.postprocess, stage=stage))
        linked.add(Pcsc(reported, kit.info).linking_of_training_tubes())
    assert [tubes.stage for tubes in linked] == [4]
