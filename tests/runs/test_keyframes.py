"""Only the frames that are scored are predicted, where no tubes are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.files.tables import read_metadata, videos_done
from bench.footage import Footage
from bench.protocol import Protocol, evaluator
from bench.records import Detections
from bench.runs.plan import Plan, Request
from bench.runs.predict import predict_videos, speed_of
from bench.testing import noise, toy_truth
from datasets.base import Split

SCORED = np.array([[0, 4], [0, 1], [0, 1], [1, 3], [1, 9]], np.int32)
ONE, OTHER = toy_truth().videos.names
METADATA = {"hardware": "a machine", "config": "0", "checkpoints": {}, "protocol": "p", "code": "1"}


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Plan]:
    """The plan of a run on annotation that lists scored frames, by its evaluator."""

    def of(name: str) -> Plan:
        truth = replace(toy_truth(), scored_frames=SCORED)
        protocol = Protocol("ava-mini@1.micro", "val", evaluator(name))
        dataset = SimpleNamespace(
            id="ava-mini@1.micro", name="ava-mini", classes=truth.classes, multi_label=True, trimmed=False,
            flipped_labels=None, real_frames={}, protocol=lambda split: protocol, truth=lambda asked: truth,
            split=lambda split: Split((ONE,), (ONE, OTHER)), missing_videos=lambda names: [],
        )  # fmt: skip
        monkeypatch.setattr("bench.runs.plan.open_dataset", lambda *words: dataset)
        return Plan.of(Request("yowo", "ava-mini.micro", runs_dir=tmp_path, device="cpu"))

    return of


def test_scored_frames_are_asked_where_no_tubes_are_scored(planned: Callable[[str], Plan]) -> None:
    plan = planned("ava")
    assert plan.asked_frames == {ONE: [1, 4], OTHER: [3, 9]}
    assert not plan.method.info.linked


def test_tubes_need_every_frame(planned: Callable[[str], Plan]) -> None:
    plan = planned("act")
    assert plan.asked_frames is None
    assert plan.method.info.linked


def test_predictions_are_keyed_by_the_frames_they_are_of(planned: Callable[[str], Plan]) -> None:
    plans = [planned("ava") for _ in range(3)]
    plans[1].__dict__["asked_frames"] = {ONE: [1], OTHER: [3, 9]}
    plans[2].__dict__["asked_frames"] = None
    assert len({plan.predict_key for plan in plans}) == 3
    assert plans[0].predict_key == planned("ava").predict_key


class Recorder:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, list[int]] = {}

    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        self.asked[footage.name] = list(frames)
        return Detections.empty([footage.name])


def predicted(folder: Path, asked: Any) -> dict[str, list[int]]:
    library = {found.name: found for found in (noise(0), noise(1))}
    method: Any = Recorder()
    folder.mkdir()
    predict_videos(method, library, folder, METADATA, lambda done, total: None, asked=asked)  # type: ignore[arg-type]
    assert set(videos_done(folder)) == {ONE, OTHER}
    return method.asked


def test_a_method_is_asked_for_these_frames_and_they_alone_count_in_its_speed(tmp_path: Path) -> None:
    assert predicted(tmp_path / "some", {ONE: [1, 4], OTHER: [3, 9]}) == {ONE: [1, 4], OTHER: [3]}
    facts = [read_metadata(path) for path in (tmp_path / "some").glob("part-*.parquet")]
    assert sum(fact["frames"] for fact in facts) == 3
    assert "on the scored frames of the test videos" in speed_of(tmp_path / "some").includes
    assert predicted(tmp_path / "all", None) == {ONE: list(range(6)), OTHER: list(range(6))}
    assert "choice of boxes on the test videos" in speed_of(tmp_path / "all").includes
