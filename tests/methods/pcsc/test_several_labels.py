"""Several labels a person: sigmoids without background, one box for all of them, no tubes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.records import GroundTruth, TruthBoxes, TruthTubes
from bench.testing import training_data
from bench.training import Compute, train
from methods.base import Info
from methods.pcsc.config import PcscConfig, configs
from methods.pcsc.heads import Head
from methods.pcsc.method import Pcsc
from methods.pcsc.regions import Target, sample
from methods.pcsc.training import DetectorStage

A, B = (1, 2, 21, 30), (40, 8, 60, 40)


@pytest.fixture
def info(kit: Any) -> Info:
    return replace(kit.info, multi_label=True, linked=False)


@pytest.fixture
def small(kit: Any) -> PcscConfig:
    """The kit's, as AVA has it."""
    config, ava = kit.small(), configs("ava-mini", "tiny")["default"]
    training = replace(config.training, steps=2, background=0.0, flip=False)
    return replace(config, training=training, actionness=ava.actionness, postprocess=ava.postprocess)


def two_labels(truth: GroundTruth) -> GroundTruth:
    """One frame of one video: a person who does 0 and 2, another who does 1."""
    names = truth.videos.names
    tubes = TruthTubes(names, [0, 0, 0], [0, 1, 2], [0, 2, 1], [1] * 3, [2] * 3, [False] * 3)  # type: ignore[arg-type]
    boxes = TruthBoxes(names, [0] * 3, [0, 1, 2], [1] * 3, np.array([A, A, B], np.float32))  # type: ignore[arg-type]
    return replace(truth, tubes=tubes, boxes=boxes)


def test_a_person_is_one_box_with_a_vector_of_labels(small: PcscConfig, info: Info) -> None:
    data = training_data()
    training = replace(small.training, zoom=(1.0, 1.0))
    stage = DetectorStage(
        replace(small, training=training), info, replace(data, truth=two_labels(data.truth)), 0
    )
    (target, _) = stage.batch(0)["targets"]
    found = {tuple(box.tolist()): labels.tolist() for box, labels in zip(target["boxes"], target["labels"])}
    assert found == {A: [1, 0, 1], B: [0, 1, 0]}


def test_regions_take_the_vector_of_their_truth_and_background_none() -> None:
    target = Target(torch.tensor([A, B]).float(), torch.tensor([[1.0, 0, 1], [0, 1, 0]]))
    far = torch.tensor([[30.0, 0, 38, 6]])
    chosen = sample(far, target, 10, 0.5)
    found = {tuple(box.tolist()): labels.tolist() for box, labels in zip(chosen.boxes, chosen.labels)}
    assert found == {A: [1, 0, 1], B: [0, 1, 0], (30, 0, 38, 6): [0, 0, 0]}
    alone = sample(far, Target(torch.zeros(0, 4), torch.zeros(0, 3)), 10, 0.5)
    assert alone.labels.tolist() == [[0, 0, 0]]


def test_classes_are_independent_of_each_other(small: PcscConfig) -> None:
    head = Head(small.model, 3, multi_label=True)
    logits = torch.tensor([[2.0, 2.0, -2.0]])
    assert head.scores(logits).sum() > 1
    wanted = torch.tensor([[1.0, 1.0, 0.0]])
    assert head.class_loss(logits, wanted) == pytest.approx(3 * np.log1p(np.exp(-2.0)))
    assert head.class_loss(torch.zeros(0, 3), torch.zeros(0, 3)) == 0
    assert head.cls.out_features == 3


def test_it_trains_predicts_and_makes_detections_but_no_tubes(
    small: PcscConfig, info: Info, kit: Any, tmp_path: Path
) -> None:
    method, data = Pcsc(replace(small, score_floor=0.0), info), training_data()
    assert list(method.training_config()) == ["detector"]
    stage = method.training_stage("detector", replace(data, truth=two_labels(data.truth)), 0, {})
    train(stage, tmp_path, 0, Compute("cpu"))
    method.load({"detector": tmp_path / "checkpoint.pt"}, "cpu")
    found = method.predict(kit.noise(3), [1, 4])
    assert set(found.frame.tolist()) == {1, 4}
    several = np.unique(np.column_stack([found.frame, found.stage, found.boxes_N4]), axis=0)
    assert len(several) < len(found)
    detections, tubes = method.postprocess(found, 6, method.config, info)
    assert tubes is None
    assert len(detections) > 0
    assert "paper does not say" in method.facts()["notes"][0]


def test_the_single_label_method_says_nothing_of_it(kit: Any) -> None:
    assert Pcsc(kit.small(), kit.info).facts()["notes"] == ()
