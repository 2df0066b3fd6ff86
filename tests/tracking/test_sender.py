"""A run that is shown while it works, by a process of its own, whatever becomes of the server or the run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.results.result import Result
from bench.tracking import Announcement, Sender, resync, tracking_uri
from bench.tracking.server import QUIET, import_client

Example = Callable[..., Result]
SECONDS = 300
"""That anything may take on a busy machine."""


def announced(result: Result, folder: Path, runs_dir: Path) -> Announcement:
    curve = folder / "curve.csv"
    return Announcement(
        runs_dir,
        folder,
        result.protocol,
        result.ranking_metric,
        result.identity,
        {"method": "pcsc"},
        {"rgb": curve},
    )


def runs_of(uri: str, result: Result) -> list[Any]:
    client = import_client()(uri)
    experiment = client.get_experiment_by_name(result.protocol)
    return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.2)


def test_curves_are_live_and_the_result_completes_the_run(stored: tuple[Result, Path], tracked: Path) -> None:
    result, folder = stored
    uri = tracking_uri(tracked)
    sender = Sender.start(announced(result, folder, tracked))
    (folder / "curve.csv").write_text("step,loss\n10,3.0\n20,2.0\n30,1.")

    def loss() -> list[float]:
        return [run.data.metrics.get("train/rgb/loss", -1.0) for run in runs_of(uri, result)]

    wait_for(lambda: loss() == [2.0])
    (live,) = runs_of(uri, result)
    assert live.info.status == "RUNNING"
    assert live.data.params["config.model.width"] == "16"
    with (folder / "curve.csv").open("a") as file:
        file.write("5\n")
    assert sender.finish([folder]) == ""
    (done,) = runs_of(uri, result)
    assert (done.info.run_id, done.info.status) == (live.info.run_id, "FINISHED")
    assert done.data.metrics["frame_map/0.50"] == 61.25
    history = import_client()(uri).get_metric_history(done.info.run_id, "train/rgb/loss")
    assert sorted((m.step, m.value) for m in history) == [(10, 3.0), (20, 2.0), (30, 1.5)]
    assert any(name.startswith("system/") for name in done.data.metrics)


def test_a_run_that_dies_is_marked_killed(stored: tuple[Result, Path], tracked: Path) -> None:
    result, folder = stored
    uri = tracking_uri(tracked)
    program = (
        "import sys, time; from bench.tracking import Announcement, Sender;"
        "Sender.start(Announcement.decode(sys.stdin.read())); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, text=True)
    assert parent.stdin
    parent.stdin.write(announced(result, folder, tracked).encode())
    parent.stdin.close()
    wait_for(lambda: [run.info.status for run in runs_of(uri, result)] == ["RUNNING"])
    parent.kill()
    parent.wait()
    wait_for(lambda: [run.info.status for run in runs_of(uri, result)] == ["KILLED"])


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{listening.getsockname()[1]}")
        yield


@pytest.mark.usefixtures("deaf")
def test_a_server_that_never_answers_costs_a_run_a_stated_time(
    stored: tuple[Result, Path], tracked: Path
) -> None:
    result, folder = stored
    begun = time.monotonic()
    sender = Sender.start(announced(result, folder, tracked))
    assert time.monotonic() - begun < 5
    sender.patience = 2.0
    begun = time.monotonic()
    assert sender.finish([folder]) == "MLflow took more than 2 seconds"
    assert time.monotonic() - begun < 20
    assert Result.read(folder) == result


def serve(folder: Path, port: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/server.db"]
    words += ["--artifacts-destination", str(folder / "kept"), "--host", "127.0.0.1", "--port", str(port)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen([*words, "--workers", "1"], stdout=quiet, stderr=quiet,
                            env={**os.environ, **QUIET}, start_new_session=True)  # fmt: skip


def answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
def test_a_server_stopped_in_the_middle_loses_nothing(
    tmp_path: Path, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs_dir = tmp_path / "runs"
    result = example(runs_dir / "data" / "run", "stopped")
    folder = runs_dir / "data" / "run"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    server = serve(tmp_path, port)
    try:
        wait_for(lambda: answers(port))
        sender = Sender.start(announced(result, folder, runs_dir))
        (folder / "curve.csv").write_text("step,loss\n10,3.0\n")
        wait_for(lambda: [run.info.status for run in runs_of(uri, result)] == ["RUNNING"])
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        with (folder / "curve.csv").open("a") as file:
            file.write("20,2.0\n")
        problem = sender.finish([folder])
        assert f"MLflow at {uri}" in problem
        assert Result.read(folder) == result
        server = serve(tmp_path, port)
        wait_for(lambda: answers(port))
        assert [outcome.what for outcome in resync(runs_dir, send=False)] == ["missing"]
        assert [outcome.what for outcome in resync(runs_dir, send=True)] == ["recorded"]
        assert [outcome.what for outcome in resync(runs_dir, send=True)] == ["there already"]
        (run,) = runs_of(uri, result)
        assert run.info.status == "FINISHED"
        assert {a.path for a in import_client()(uri).list_artifacts(run.info.run_id)} == {"result.json"}
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
