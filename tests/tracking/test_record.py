"""Finished results become MLflow runs."""

from __future__ import annotations

import base64
import json
import multiprocessing
import socket
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.results.result import Estimate, Result
from bench.tracking import TrackingError, record, tracking_uri, ui_command, views
from bench.tracking.curves import Point
from bench.tracking.server import import_client

Runs = Callable[[Result], Any]


def test_a_result_becomes_a_run(stored: tuple[Result, Path], tracked: Path, runs: Runs) -> None:
    result, folder = stored
    (folder / "pictures").mkdir()
    (folder / "pictures" / "best-1.png").write_bytes(b"png")
    curves = [Point("train/frame/loss", step, 2.0 - step / 1000) for step in range(1500)]
    run_id = record(result, folder, tracked, curves=curves)
    client, experiment, (run,) = runs(result)
    assert run.info.run_id == run_id
    assert run.info.run_name == "pcsc tiny+default seed 0"
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == 75_000
    assert run.data.metrics["frame_map/0.50"] == 61.25
    assert run.data.metrics["interval_low/frame_map/0.50"] == 55.0
    assert run.data.metrics["frame_ap/0.50/basketball"] == 72.5
    assert run.data.params["config.training.rate"] == "0.001"
    wanted = {
        "flow": "dis",
        "pretraining": "none",
        "data kind": "rendered",
        "paper": "An example paper, 2019",
    }
    assert wanted.items() <= run.data.tags.items()
    assert "| **video_map/0.50** | 40.5 | 33.0 to 47.2 |" in run.data.tags["mlflow.note.content"]
    history = client.get_metric_history(run_id, "train/frame/loss")
    assert [(m.step, m.value) for m in history[:2]] == [(0, 2.0), (1, 1.999)]
    assert len(history) == 1500
    (truth,) = run.inputs.dataset_inputs
    assert truth.dataset.digest == result.truth_digest
    assert experiment.artifact_location.startswith((tracked / "mlartifacts").as_uri())
    assert {a.path for a in client.list_artifacts(run_id)} == {"pictures", "result.json"}
    assert [a.path for a in client.list_artifacts(run_id, "pictures")] == ["pictures/best-1.png"]


def test_the_curves_come_from_the_store(stored: tuple[Result, Path], tracked: Path, runs: Runs) -> None:
    result, folder = stored
    result = replace(result, inputs={"rgb": "somekey", "predict": "other"})
    curve = tracked / "store" / "train" / "somekey" / "curve.csv"
    curve.parent.mkdir(parents=True)
    curve.write_text("step,loss,fit\n10,2.5,nan\n20,1.5,1.0\n30,1.0,0.")
    run_id = record(result, folder, tracked)
    client, _, _ = runs(result)
    assert [m.step for m in client.get_metric_history(run_id, "train/rgb/loss")] == [10, 20]
    assert [m.step for m in client.get_metric_history(run_id, "train/rgb/fit")] == [20]


def test_recording_again_replaces_the_run(stored: tuple[Result, Path], tracked: Path, runs: Runs) -> None:
    result, folder = stored
    record(result, folder, tracked)
    second = record(replace(result, metrics={"frame_map/0.50": Estimate(70.0)}), folder, tracked)
    other = record(replace(result, identity=replace(result.identity, seed=1)), folder, tracked)
    _, _, found = runs(result)
    assert {run.info.run_id for run in found} == {second, other}
    (kept,) = [run for run in found if run.info.run_id == second]
    assert kept.data.metrics["frame_map/0.50"] == 70.0


def test_hostile_names_are_accepted(stored: tuple[Result, Path], tracked: Path, runs: Runs) -> None:
    result, folder = stored
    names = ("answer phone (a=b), @c", "Answer-Phone a b c", "<script>alert(1)</script>", "قفز", 400 * "x")
    classes: dict[str, Estimate | None] = {name: Estimate(float(place)) for place, name in enumerate(names)}
    odd = replace(result, per_class={"frame_ap/0.50": classes})
    config = {"it's (odd)": {"a@b": 1}, "long": "x" * 9000, 300 * "k": 2}
    long = "m" * 10_000
    for variant in ("o'dd", "o'dd\u202etxet"):
        identity = replace(odd.identity, config=config, variant=variant, method=long, title=long)
        record(replace(odd, identity=identity), folder, tracked)
    _, _, found = runs(result)
    assert len(found) == 2  # names that differ after 10,000 characters are two runs
    for run in found:
        values = {k: v for k, v in run.data.metrics.items() if k.startswith("frame_ap/0.50/")}
        assert values["frame_ap/0.50/answer-phone-a-b-c"] == 0.0
        assert values["frame_ap/0.50/answer-phone-a-b-c-2"] == 1.0
        assert sorted(values.values()) == [0.0, 1.0, 2.0, 3.0, 4.0]
        assert len(run.data.params["config.long"]) == 5000
        assert "<" not in "".join(run.data.metrics)


def test_a_failure_is_a_tracking_error_and_soon(
    stored: tuple[Result, Path], tracked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, folder = stored
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    begun = time.monotonic()
    with pytest.raises(TrackingError, match=r"MLflow at http://127\.0\.0\.1:9: ") as error:
        record(result, folder, tracked)
    assert "secret" not in str(error.value).partition(": ")[0]
    assert time.monotonic() - begun < 60
    assert Result.read(folder) == result


def test_an_experiment_opens_on_what_is_compared(
    stored: tuple[Result, Path], tracked: Path, runs: Runs
) -> None:
    result, folder = stored
    record(result, folder, tracked)
    _, experiment, _ = runs(result)
    packed = experiment.tags["mlflow.sharedViewState.bench"].removeprefix("deflate;")
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert state["orderByKey"] == "metrics.`video_map/0.50`"
    assert "metrics.`frame_map/0.50`" in state["selectedColumns"]
    charts = {chart["metricKey"] for chart in state["compareRunCharts"]}
    assert {"video_map/0.50", "frame_map/0.50", "error/frame/missed"} <= charts
    (address,) = [address for name, address in views(tracked) if name == result.protocol]
    assert f"/experiments/{experiment.experiment_id}/runs?" in address


def test_the_dashboard_is_for_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ui_command(tmp_path / "my runs")
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--backend-store-uri") + 1] == f"sqlite:///{tmp_path}/my runs/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://someone:secret@example.invalid/x")
    with pytest.raises(ValueError, match=r"its dashboard is http://example\.invalid/x,"):
        ui_command(tmp_path)


def test_a_port_that_another_program_has_is_no_dashboard_of_ours(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        words = ["ui", "--runs-dir", str(tmp_path), "--port", str(port)]
        with pytest.raises(ValueError, match=rf"--port {port}: .*in use; name another one"):
            CliRunner().invoke(cli, words, catch_exceptions=False)
    refused = CliRunner().invoke(cli, ["ui", "--port", "99999"])
    assert refused.exit_code == 2
    assert "65535" in refused.output


def test_six_processes_share_a_fresh_database(tmp_path: Path, example: Callable[..., Result]) -> None:
    import_client()  # once, for all six
    folders = [tmp_path / "runs" / "data" / str(seed) for seed in range(6)]
    results = [example(folder, "six", seed=seed) for seed, folder in enumerate(folders)]
    context = multiprocessing.get_context("fork")
    words = [(result, folder, tmp_path / "runs") for result, folder in zip(results, folders)]
    workers = [context.Process(target=record, args=each) for each in words]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 6
    client = import_client()(tracking_uri(tmp_path / "runs"))
    experiment = client.get_experiment_by_name(results[0].protocol)
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags["seed"] for run in found) == list("012345")
    assert {run.info.status for run in found} == {"FINISHED"}
