"""Made-up results with evidence that fits their numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.files.decode import decode
from bench.files.store import plain
from bench.metrics.bootstrap import class_precisions, intervals
from bench.protocol import COCO_THRESHOLDS, Protocol, evaluator
from bench.results.result import Coverage, Estimate, Result, write_matches

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "result-schema.md"
CLASSES = ("Basketball", "Biking", "CliffDiving", "Diving", "Fencing", "SalsaSpin", "Skiing", "Surfing")
Make = Callable[..., Path]


def example() -> dict[str, Any]:
    block = re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert block
    content: dict[str, Any] = json.loads(block[1])
    return content


def evidence(
    quality: float, seed: int, protocol: Protocol, classes: tuple[str, ...]
) -> tuple[pd.DataFrame, ...]:
    """Matches and truth: 10 groups a class, two frame boxes and one tube each; ``quality`` in 0..1."""
    rng = np.random.default_rng(seed)
    groups = [(label, f"g{label:02}{i:02}") for label in range(len(classes)) for i in range(10)]
    levels = {
        "frame": (2, protocol.frame_thresholds),
        "tube": (1, (*protocol.video_thresholds, *COCO_THRESHOLDS)),
    }
    matches, truth = [], []
    for level, (count, thresholds) in levels.items():
        for label, group in groups:
            truth += [
                (level, group, other, name, count if other == label else 0)
                for other, name in enumerate(classes)
            ]
            for k in range(count):
                iou = rng.beta(1 + 6 * quality * (0.6 + 0.1 * (label % 5)), 2)
                score = rng.random() * (0.5 + 0.5 * quality)
                rows = [(group, label, t, score, iou >= t) for t in sorted({round(t, 9) for t in thresholds})]
                matches += [(f"{group}_c{k}", g, level, *rest) for g, *rest in rows]
    columns = ["video", "group", "level", "label", "threshold", "score", "true_positive"]
    frame = pd.DataFrame(matches, columns=columns).sort_values(
        ["level", "threshold", "label", "score"], ascending=[True, True, True, False]
    )
    return frame, pd.DataFrame(truth, columns=["level", "group", "label", "class", "count"])


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``make(name, quality, dataset="ucf24", seed=0, title=..., ...) -> folder`` of a whole result."""

    def made(name: str, quality: float, dataset: str = "ucf24", seed: int = 0, **changes: Any) -> Path:
        return make_result(tmp_path / "runs" / name, quality, dataset, seed, **changes)

    return made


@pytest.fixture(scope="session")
def maker() -> Make:
    """:func:`make_result`, for fixtures that many tests share."""
    return make_result


def make_result(folder: Path, quality: float, dataset: str, seed: int, **changes: Any) -> Path:
    """A whole result in ``folder``. ``changes``: classes, title, variant, partial, tubes, evaluator."""
    protocol = Protocol(dataset, changes.get("split", "1"), evaluator(changes.get("evaluator", "act")))
    classes = changes.get("classes", CLASSES)
    matches, truth = evidence(quality, seed, protocol, classes)
    if not changes.get("tubes", True):
        matches, truth = matches[matches["level"] == "frame"], truth[truth["level"] == "frame"]
    digest = write_matches(folder, matches, truth)
    bounds = intervals(matches, truth, protocol, resamples=200)
    per_class = class_precisions(matches, truth, protocol)
    estimates = {
        metric: {
            c: None if v is None else Estimate(v, *bounds.get(f"{metric}/{c}", (v, v)))
            for c, v in aps.items()
        }
        for metric, aps in per_class.items()
    }
    metrics = {name.replace("_ap/", "_map/"): _mean(aps, bounds, name) for name, aps in per_class.items()}
    if not changes.get("tubes", True):
        metrics |= {f"video_map/{t:.2f}": None for t in protocol.video_thresholds}
    content = example()
    kind = "rendered" if protocol.synthetic else "real"
    content |= {"protocol": protocol.id, "dataset": dataset, "split": protocol.split, "data_kind": kind}
    content["rules"] = plain(protocol)
    content.pop("synthetic")
    result: Result = decode(Result, content | {"matches_digest": digest}, "example:")
    identity = replace(result.identity, seed=seed, title=changes.get("title", "PCSC"),
                       variant=changes.get("variant", "full+default"))  # fmt: skip
    identity = replace(identity, method=changes.get("method", "pcsc"))
    partial = changes.get("partial", False)
    result = replace(result, identity=identity, metrics=metrics, per_class=estimates, curves={},
                     coverage=Coverage(7 if partial else 12, 12, partial))  # fmt: skip
    result.write(folder)
    return folder


def _mean(aps: dict[str, float | None], bounds: dict[str, tuple[float, float]], name: str) -> Estimate:
    values = [v for v in aps.values() if v is not None]
    return Estimate(sum(values) / len(values), *bounds.get(name.replace("_ap/", "_map/"), (None, None)))
