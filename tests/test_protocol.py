"""Protocols: ids, names, and what ranks."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from bench.protocol import EVALUATORS, Protocol, Rules, evaluator
from datasets.ava import AvaV22
from datasets.base import Dataset
from datasets.daly import Daly
from datasets.jhmdb import Jhmdb
from datasets.ucf24 import Ucf24


@pytest.mark.parametrize(
    ("dataset", "name", "metric"),
    [
        (Ucf24, None, "video_map/0.50"),
        (Jhmdb, None, "video_map/0.50"),
        (Ucf24, "multisports", "video_map/0.50"),
        (Ucf24, "voc", "frame_map/0.50"),
        (Jhmdb, "coco", "frame_map/0.50"),
        (Daly, None, "video_map/0.20"),
        (Daly, "sparse-spatial", "video_map/0.20"),
        (Daly, "voc", "frame_map/0.50"),
        (AvaV22, None, "frame_map/0.50"),
        (AvaV22, "act", "frame_map/0.50"),
    ],
)
def test_what_ranks_comes_from_the_dataset_where_tubes_are_scored(
    dataset: type[Dataset], name: str | None, metric: str
) -> None:
    protocol = dataset(Path("nowhere")).protocol("1", name)
    assert protocol.ranking_metric == metric
    level = "frames" if metric.startswith("frame") else "tubes"
    assert getattr(protocol.evaluator, level) is not None


def test_ids() -> None:
    protocol = Protocol("ucf24", "1", evaluator("act"))
    assert protocol.id == "ucf24/1/act@1"
    assert replace(protocol, trimming="gt-trimmed").id == "ucf24/1/act+gt-trimmed@1"
    assert {Protocol("d", "1", found).id for found in EVALUATORS.values()} == {
        f"d/1/{name}@1" for name in EVALUATORS
    }


def test_an_unknown_evaluator_is_refused_with_near_names() -> None:
    with pytest.raises(ValueError, match="sparse-spatial"):
        evaluator("sparse-spacial")
    with pytest.raises(ValueError, match="does not score tubes"):
        evaluator("voc").rules("tube")
    with pytest.raises(ValueError, match="does not score frames"):
        evaluator("extended-st").rules("frame")


def test_no_two_evaluators_are_the_same() -> None:
    rules = [replace(found, name="", truth="annotated") for found in EVALUATORS.values()]
    assert len(set(rules)) == len(rules)


def test_every_rule_is_explained() -> None:
    for found in (Rules, *Rules.__subclasses__()):
        own = {field.name for field in fields(found)} - {
            field.name for base in found.__bases__ if base is not object for field in fields(base)
        }
        words = (found.__doc__ or "").replace(":", " ").replace(",", " ").split()
        assert own <= set(words), found.__name__
