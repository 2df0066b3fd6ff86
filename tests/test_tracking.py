"""Recording results in MLflow."""

from __future__ import annotations

import json
import re
import shlex
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.results.result import Estimate, Result, write_matches
from bench.tracking import (
    Point,
    TrackingError,
    class_slugs,
    flat_metrics,
    initialise_in_background,
    record,
    tracking_uri,
    ui_command,
)

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "result-schema.md"


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    process = initialise_in_background(folder)
    assert process.wait(timeout=120) == 0
    return folder


@pytest.fixture
def stored(runs_dir: Path, request: pytest.FixtureRequest) -> tuple[Result, Path]:
    """The documented example, its ``test`` as the split, written in a folder of its own."""
    block = re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert block
    content = json.loads(block[1])
    folder = runs_dir / request.node.name
    truth = pd.DataFrame({"group": ["g"], "label": [0], "class": ["A"], "level": ["frame"], "count": [1]})
    columns = ["video", "group", "label", "level", "threshold", "score", "true_positive"]
    content["matches_digest"] = write_matches(folder, pd.DataFrame(columns=columns), truth)
    content["split"] = content["rules"]["split"] = request.node.name
    content["protocol"] = f"{content['dataset']}/{request.node.name}/act@1"
    (folder / "result.json").write_text(json.dumps(content))
    return Result.read(folder), folder


def runs(runs_dir: Path, result: Result) -> Any:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri(runs_dir))
    experiment = client.get_experiment_by_name(result.protocol)
    return client, experiment, client.search_runs([experiment.experiment_id])


def test_a_result_becomes_a_run(stored: tuple[Result, Path], runs_dir: Path) -> None:
    result, folder = stored
    (folder / "curves.png").write_bytes(b"png")
    curves = [Point("train/frame/loss", step, 2.0 - step / 1000) for step in range(1500)]
    run_id = record(result, folder, runs_dir, curves)
    client, experiment, (run,) = runs(runs_dir, result)
    assert run.info.run_id == run_id
    assert run.info.run_name == "pcsc tiny+default seed 0"
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == 75_000
    assert run.data.metrics["frame_map/0.50"] == 61.25
    assert run.data.metrics["interval_low/frame_map/0.50"] == 55.0
    assert run.data.metrics["frame_ap/0.50/basketball"] == 72.5
    assert run.data.params["config.training.rate"] == "0.001"
    assert run.data.tags["flow"] == "dis"
    history = client.get_metric_history(run_id, "train/frame/loss")
    assert [(m.step, m.value) for m in history[:2]] == [(0, 2.0), (1, 1.999)]
    assert len(history) == 1500
    (truth,) = run.inputs.dataset_inputs
    assert truth.dataset.digest == result.truth_digest
    assert experiment.artifact_location.startswith((runs_dir / "mlartifacts").as_uri())
    assert sorted(path.name for path in (runs_dir / "mlartifacts").rglob("*.*n*") if path.is_file()) == [
        "curves.png", "result.json",
    ]  # fmt: skip


def test_recording_again_replaces_the_run(stored: tuple[Result, Path], runs_dir: Path) -> None:
    result, folder = stored
    record(result, folder, runs_dir)
    second = record(replace(result, metrics={"frame_map/0.50": Estimate(70.0)}), folder, runs_dir)
    other = record(replace(result, identity=replace(result.identity, seed=1)), folder, runs_dir)
    _, _, found = runs(runs_dir, result)
    assert {run.info.run_id for run in found} == {second, other}
    (kept,) = [run for run in found if run.info.run_id == second]
    assert kept.data.metrics["frame_map/0.50"] == 70.0


def test_odd_names_are_accepted(stored: tuple[Result, Path], runs_dir: Path) -> None:
    result, folder = stored
    classes = {"answer phone (a=b), @c": Estimate(10.0), "Answer-Phone a b c": Estimate(20.0)}
    odd = replace(result, per_class={"frame_ap/0.50": classes})
    config = {"it's (odd)": {"a@b": 1}, "long": "x" * 9000}
    record(replace(odd, identity=replace(odd.identity, config=config, variant="o'dd")), folder, runs_dir)
    _, _, (run,) = runs(runs_dir, result)
    assert run.data.metrics["frame_ap/0.50/answer-phone-a-b-c"] == 10.0
    assert run.data.metrics["frame_ap/0.50/answer-phone-a-b-c-2"] == 20.0
    assert len(run.data.params["config.long"]) == 6000


def test_a_failure_is_a_tracking_error_and_soon(
    stored: tuple[Result, Path], runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, folder = stored
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    begun = time.monotonic()
    with pytest.raises(TrackingError, match=r"MLflow at http://127\.0\.0\.1:9"):
        record(result, folder, runs_dir)
    assert time.monotonic() - begun < 30
    assert Result.read(folder) == result


def test_slugs_are_plain_and_unique() -> None:
    slugs = class_slugs(["CliffDiving", "cliff diving", "Cliff_Diving-2", "()", "bend/bow (at the waist)"])
    assert slugs["CliffDiving"] == "cliff-diving"
    assert len(set(slugs.values())) == 5
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in slugs.values())


def test_not_applicable_is_absent(stored: tuple[Result, Path]) -> None:
    result, _ = stored
    flat = flat_metrics(replace(result, metrics={"video_map/0.50": None}))
    assert "video_map/0.50" not in flat
    assert "frame_ap/0.50/fencing" not in flat
    assert flat["fps/network/batch_1"] == 21.5
    assert flat["error/frame/missed"] == 7.25


def test_the_dashboard_is_for_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(ui_command(tmp_path / "my runs"))
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--backend-store-uri") + 1] == f"sqlite:///{tmp_path}/my runs/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.invalid")
    with pytest.raises(ValueError, match=r"its dashboard is http://example\.invalid"):
        ui_command(tmp_path)
