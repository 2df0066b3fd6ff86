"""Every row of every table is a network, and rows that differ after the network share all before."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch

from bench.files.store import digest
from bench.records import GroundTruth
from methods.base import SIZES, FlowNeed, Info
from methods.pcsc.config import ModelConfig, PcscConfig, TrainingConfig, configs
from methods.pcsc.method import Pcsc
from methods.pcsc.network import PcscNetwork

DATASETS = {"ucf24": 24, "jhmdb": 21, "ava-v2.2": 60, "ucf24-mini": 24, "jhmdb-mini": 21, "ava-mini": 16}
NO_SPANS = ("jhmdb", "ava")
"""What begins their names: the whole video is the action, or single frames are annotated."""
CASES = [(dataset, size) for dataset in DATASETS for size in SIZES]


def info(dataset: str) -> Info:
    names = tuple(f"class {i}" for i in range(DATASETS[dataset]))
    several, flipped = dataset.startswith("ava"), tuple(range(len(names)))
    return Info(names, several, dataset.startswith("jhmdb"), flipped, linked=not several)


@pytest.fixture(scope="module")
def built() -> set[tuple[ModelConfig, int]]:
    """Networks that were built already: many rows have the same."""
    return set()


@pytest.mark.parametrize(("dataset", "size"), CASES)
def test_every_row_builds_a_network(dataset: str, size: str, built: set[tuple[ModelConfig, int]]) -> None:
    for row, config in configs(dataset, size).items():
        method = Pcsc(config, info(dataset))
        digest(config)  # what no store could key would raise
        key = (config.model, DATASETS[dataset])
        if key not in built:
            built.add(key)
            with torch.device("meta"):
                network = PcscNetwork(config.model, TrainingConfig(), DATASETS[dataset])
            assert len(network.heads) == len(config.model.streams) + config.model.stages, row
        assert method.frame_size == config.model.frame_size
        assert (method.flow is None) == (config.model.streams == ("rgb",))
        assert method.facts()["pretraining"] == "none"


@pytest.mark.parametrize(("dataset", "size"), CASES)
def test_rows_of_the_papers_tables(dataset: str, size: str) -> None:
    rows = configs(dataset, size)
    for stage in range(5):
        for suffix in ("", "-no-features"):
            config = rows[f"stage-{stage}{suffix}"]
            assert config.postprocess.stage == stage
            assert config.model.stages == 4
            assert config.model.feature_cooperation is (not suffix)
            assert config.training.frame_step == (10 if dataset == "ucf24" else 1)
            assert not config.postprocess.refine
    assert rows["default"].postprocess.refine is not dataset.startswith(NO_SPANS)
    assert rows["default"].actionness.enabled is not dataset.startswith(NO_SPANS)
    assert not rows["no-refinement"].postprocess.refine
    baseline = rows["baseline"].model
    assert (baseline.stages, baseline.feature_cooperation, baseline.streams) == (0, False, ("rgb", "flow"))
    assert rows["every-tenth"].training.frame_step == 10
    assert rows["shuffled-labels"].training.shuffled_labels


@pytest.mark.parametrize(("dataset", "size"), CASES)
def test_refinement_is_only_asked_for_where_actionness_is_trained(dataset: str, size: str) -> None:
    for row, config in configs(dataset, size).items():
        assert config.actionness.enabled or not config.postprocess.refine, row


@pytest.mark.parametrize(("dataset", "size"), CASES)
def test_stages_share_training_and_prediction(dataset: str, size: str) -> None:
    rows = configs(dataset, size)

    def keys(row: str) -> str:
        method = Pcsc(rows[row], info(dataset))
        return digest([method.training_config(), method.prediction_config()])

    shared = {keys(f"stage-{stage}") for stage in range(5)}
    assert len(shared) == 1
    assert len({keys(f"stage-{stage}-no-features") for stage in range(5)}) == 1
    assert keys("no-refinement") == keys("default")
    assert keys("default") in shared or dataset == "ucf24"
    others = ("baseline", "no-cooperation", "no-features", "no-proposals", "rgb", "flow", "shuffled-labels")
    assert len({keys(row) for row in (*others, "default", "every-tenth")}) == len(others) + 2


def test_what_training_reads_changes_its_key() -> None:
    base = Pcsc(configs("ucf24-mini", "tiny")["default"], info("ucf24-mini"))
    assert list(base.training_config()) == ["detector", "actionness"]
    jhmdb = Pcsc(configs("jhmdb-mini", "tiny")["default"], info("jhmdb-mini"))
    assert list(jhmdb.training_config()) == ["detector"]
    detector = base.training_config()["detector"]
    assert set(detector["model"]) == {f.name for f in fields(ModelConfig)}
    assert set(detector["training"]) == {f.name for f in fields(TrainingConfig)}


def test_miniatures_use_a_flow_that_can_be_computed() -> None:
    assert Pcsc(configs("ucf24-mini", "tiny")["default"], info("ucf24-mini")).flow == FlowNeed(
        "dis", (128, 96), "model.flow"
    )
    assert Pcsc(configs("ucf24", "full")["default"], info("ucf24")).flow == FlowNeed(
        "flownet2", (400, 300), "model.flow"
    )


def config(**model: Any) -> PcscConfig:
    return PcscConfig(model=ModelConfig(**model))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"streams": ("rgb",)}, "needs both streams"),
        ({"streams": ("rgb",), "stages": 0}, "feature_cooperation"),
        ({"streams": ("flow",), "stages": 0}, "feature_cooperation"),
    ],
)
def test_configs_that_contradict_themselves_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pcsc(config(**wrong), info("ucf24"))


def test_what_only_fails_after_training_is_refused_before() -> None:
    from dataclasses import replace

    base = configs("ucf24-mini", "tiny")["default"]
    no_actionness = replace(base, actionness=replace(base.actionness, enabled=False))
    with pytest.raises(ValueError, match="actionness"):
        Pcsc(no_actionness, info("ucf24-mini"))
    with pytest.raises(ValueError, match="odd"):
        Pcsc(replace(base, postprocess=replace(base.postprocess, window=16)), info("ucf24-mini"))


def test_what_has_no_meaning_on_several_labels_or_single_frames_is_refused() -> None:
    with pytest.raises(ValueError, match=r"--set model\.class_specific_boxes=false"):
        Pcsc(config(), Info(("a", "b"), multi_label=True))
    with pytest.raises(ValueError, match=r"scores single frames: --set actionness\.enabled=false"):
        Pcsc(config(), Info(("a", "b"), linked=False))


def test_predicting_before_loading_is_refused(kit: Any) -> None:
    with pytest.raises(ValueError, match="load the checkpoints"):
        Pcsc(kit.small(), kit.info).predict(kit.noise(), [0])


def test_truth_of_the_kit_is_truth(kit: Any) -> None:
    assert isinstance(kit.truth(), GroundTruth)
