"""A database made once, and results in folders of their own to record in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.results.result import Result, write_matches
from bench.tracking.server import connected, tracking_uri

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "result-schema.md"


def write_example(folder: Path, split: str, **identity: Any) -> Result:
    """The documented example with ``split`` in its protocol; ``identity``: what of its identity differs."""
    block = re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert block
    content = json.loads(block[1])
    truth = pd.DataFrame({"group": ["g"], "label": [0], "class": ["A"], "level": ["frame"], "count": [1]})
    columns = ["video", "group", "label", "level", "threshold", "score", "true_positive"]
    content["matches_digest"] = write_matches(folder, pd.DataFrame(columns=columns), truth)
    content["split"] = content["rules"]["split"] = split
    content["protocol"] = f"{content['dataset']}/{split}/act@1"
    content["identity"] |= identity
    (folder / "result.json").write_text(json.dumps(content))
    return Result.read(folder)


@pytest.fixture
def example() -> Callable[..., Result]:
    """``example(folder, split, **identity)``: see :func:`write_example`."""
    return write_example


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs whose database is there."""
    folder = tmp_path_factory.mktemp("runs")
    with connected(folder) as client:
        client.search_experiments(max_results=1)
    return folder


@pytest.fixture
def stored(tracked: Path, request: pytest.FixtureRequest) -> tuple[Result, Path]:
    """The example, its ``test`` as the split, written in a folder of its own."""
    folder = tracked / request.node.name
    return write_example(folder, request.node.name), folder


@pytest.fixture
def runs(tracked: Path) -> Callable[[Result], Any]:
    """``runs(result) -> (client, experiment, runs)`` of its protocol."""

    def found(result: Result) -> Any:
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri(tracked))
        experiment = client.get_experiment_by_name(result.protocol)
        assert experiment is not None
        return client, experiment, client.search_runs([experiment.experiment_id])

    return found
