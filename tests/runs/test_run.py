"""A run from nothing to its result; reused, killed and continued."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from bench import tracking
from bench.files.tables import read_detections, read_metadata, read_tubes, videos_done
from bench.flow import FlowStore
from bench.results.result import Result, read_matches
from bench.runs.plan import Plan, Request
from bench.runs.reporter import Reporter
from bench.runs.run import Run
from bench.video import OPEN_EVENT

SETTINGS = (
    "model.frame_size=(64,48)", "model.width=0.0625", "model.head_channels=32",
    "model.pyramid_channels=16",
    "model.proposals_test=(20,8)", "model.clip_length=2", "rows_per_stage=5",
    "training.steps=6", "training.batch=2",
    "actionness.videos_per_class=1", "actionness.steps=12", "predict_batch=24",
)  # fmt: skip


@dataclass
class Log(Reporter):
    """Everything a run tells, and every video that it opens in the step it told last."""

    steps: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    opened: list[tuple[str, str]] = field(default_factory=list)

    def step(self, name: str, detail: str) -> None:
        self.steps.append(name)

    def reused(self, name: str, key: str) -> None:
        self.skipped.append(name)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def hear(self, event: str, words: tuple[object, ...]) -> None:
        if event == OPEN_EVENT:
            self.opened.append((self.steps[-1] if self.steps else "", str(words[0])))


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory, micro_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "cache").symlink_to(micro_cache)
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_process() -> Iterator[None]:
    """One thread, and flow computed in this process, where opened videos are heard."""
    threads, prepare = torch.get_num_threads(), FlowStore.prepare
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FlowStore, "prepare", lambda self, videos, progress: prepare(self, videos, 0, progress))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        torch.set_num_threads(1)
        yield
    torch.set_num_threads(threads)


def plan(runs_dir: Path, variant: str = "", *more: str) -> Plan:
    return Plan.of(
        Request("pcsc", "ucf24-mini.micro", variant=variant, device="cpu", runs_dir=runs_dir,
                overrides=SETTINGS + more)
    )  # fmt: skip


def python(program: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-c", program]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def finished(runs_dir: Path) -> tuple[Plan, Result, Log]:
    """One run, whole and undisturbed."""
    log, heard = Log(), [True]
    sys.addaudithook(lambda event, words: log.hear(event, words) if heard[0] else None)
    found = plan(runs_dir)
    result = Run(found, log).execute()
    heard[0] = False  # the hook itself can never be removed
    return found, result, log


def test_a_run_ends_with_its_result_and_all_evidence(finished: tuple[Plan, Result, Log]) -> None:
    found, result, log = finished
    assert log.steps == [
        "flow of training videos", "train detector", "train actionness", "flow of test videos", "predict",
        "link", "score", "draw", "record",
    ]  # fmt: skip
    assert (log.warnings, log.skipped) == ([], [])
    assert Result.read(found.folder) == result
    assert result.protocol == "ucf24-mini@1.micro/1/act@1"
    assert result.synthetic
    assert (result.coverage.videos, result.coverage.expected, result.coverage.partial) == (24, 24, False)
    assert {"frame_map/0.50", "frame_map/auc", "video_map/0.20", "video_map/0.50-0.95"} <= set(result.metrics)
    assert len(result.per_class["frame_ap/0.50"]) == 24
    estimate, shares = result.metrics["frame_map/0.50"], result.errors["frame"]
    assert estimate is not None
    assert estimate.value + sum(filter(None, shares.values())) == pytest.approx(100)
    assert result.errors["oracle"]["none"] is not None
    assert len(result.errors_per_class["dap"]["missed"]) == 24
    assert result.training is not None
    assert (result.training.videos, result.training.steps, result.training.flow) == (48, 6 + 12, "dis")
    assert (
        set(result.inputs)
        == set(result.times.steps) - {"score"}
        == {"detector", "actionness", "predict", "link"}
    )
    assert result.identity.config["training"]["steps"] == 6
    assert len(read_matches(found.folder)[0]) > 0
    assert (found.folder / "config.json").is_file()


def test_predictions_cover_every_test_video_and_say_what_made_them(
    finished: tuple[Plan, Result, Log],
) -> None:
    found, result, _ = finished
    folder = found.store.folder("predict", found.predict_key)
    assert set(videos_done(folder)) == set(found.test_videos)
    facts = read_metadata(next(folder.glob("part-*.parquet")))
    assert facts["checkpoints"] == result.identity.checkpoint_digests
    assert facts["config"] == result.identity.config_digest
    assert facts["protocol"] == result.protocol
    linked = found.store.folder("link", found.link_key)
    detections, tubes = read_detections(linked / "detections.parquet"), read_tubes(linked / "tubes.parquet")
    assert detections.videos == found.test_videos
    assert len(detections) > 0
    # Boxes are in the annotation's pixels (320x240), not in the network's (64x48).
    assert detections.boxes_N4[:, [0, 2]].max() > 200
    assert detections.boxes_N4.min() >= 0
    assert (detections.boxes_N4.max(0) <= [320, 240, 320, 240]).all()
    assert tubes.videos == found.test_videos


def test_only_prediction_opens_test_videos(finished: tuple[Plan, Result, Log]) -> None:
    found, _, log = finished
    test = {str(video.path) for video in found.videos(found.test_truth)}
    train = {str(video.path) for video in found.videos(found.train_truth)}
    by_step = {step: {path for s, path in log.opened if s == step} for step in log.steps}
    assert by_step["flow of training videos"] == train
    assert by_step["train detector"] | by_step["train actionness"] <= train
    assert by_step["train detector"]
    assert by_step["flow of test videos"] == by_step["predict"] == test
    assert not by_step["link"] | by_step["score"] | by_step["record"]
    assert by_step["draw"] <= test
    assert sum(len(paths) for paths in by_step.values()) == len(set(log.opened))


def test_the_run_is_in_mlflow_with_its_curves(finished: tuple[Plan, Result, Log], runs_dir: Path) -> None:
    from mlflow import MlflowClient

    _, result, _ = finished
    client = MlflowClient(tracking.tracking_uri(runs_dir))
    experiment = client.get_experiment_by_name(result.protocol)
    assert experiment is not None
    (recorded,) = client.search_runs([experiment.experiment_id])
    assert "train/detector/loss" in recorded.data.metrics
    assert "train/actionness/loss" in recorded.data.metrics


@pytest.fixture
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def finish(self, folders: list[Path]) -> str:
            return ""

        def close(self) -> None:
            """There is nothing to close."""

    monkeypatch.setattr(tracking.Sender, "start", lambda run: Silent())


@pytest.mark.usefixtures("untracked")
def test_a_second_run_reuses_everything(finished: tuple[Plan, Result, Log], runs_dir: Path) -> None:
    _, first, _ = finished
    log = Log()
    again = Run(plan(runs_dir), log).execute()
    assert log.steps == ["score", "draw", "record"]
    assert log.skipped == ["detector", "actionness", "predict", "link"]
    assert again.comparable() == first.comparable()
    assert again.times.steps | {"score": 0} == first.times.steps | {"score": 0}


@pytest.mark.usefixtures("untracked")
def test_a_variant_that_differs_after_the_network_links_alone(
    finished: tuple[Plan, Result, Log], runs_dir: Path
) -> None:
    found, first, _ = finished
    log = Log()
    other = Run(plan(runs_dir, "stage-0"), log).execute()
    assert log.steps == ["link", "score", "draw", "record"]
    assert log.skipped == ["detector", "actionness", "predict"]
    assert other.identity.checkpoint_digests == first.identity.checkpoint_digests
    assert other.identity.variant.startswith("tiny+stage-0 model.frame_size=(64, 48)")
    assert Result.read(found.folder).comparable() == first.comparable()


@pytest.mark.usefixtures("finished")
def test_a_tracking_server_that_fails_is_a_warning(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking.Sender, "finish", lambda self, folders: "no such server [/there]")
    log, found = Log(), plan(runs_dir)
    result = Run(found, log).execute()
    assert len(log.warnings) == 1
    assert "no such server" in log.warnings[0]
    assert str(found.folder) in log.warnings[0]
    assert Result.read(found.folder) == result


@pytest.mark.usefixtures("untracked")
def test_missing_test_videos_stop_a_run_before_it_trains(tmp_path: Path, micro_cache: Path) -> None:
    shutil.copytree(micro_cache, tmp_path / "cache")
    found = plan(tmp_path)
    test = found.dataset.split("1").test
    found.dataset.video_path(test[3]).unlink()
    log = Log()
    with pytest.raises(ValueError, match=f"lacks 1 of 24 test videos of split 1: {test[3]}"):
        Run(found, log).execute()
    assert log.steps == []


@pytest.mark.usefixtures("untracked")
def test_a_flow_that_cannot_be_had_stops_a_run_before_it_computes(tmp_path: Path, micro_cache: Path) -> None:
    (tmp_path / "cache").symlink_to(micro_cache)
    log = Log()
    with pytest.raises(ValueError, match=r"flownet2.*not available.*--set model\.flow=dis"):
        Run(plan(tmp_path, "", "model.flow=flownet2"), log).execute()
    assert log.steps == []


@pytest.mark.usefixtures("untracked", "finished")
def test_scoring_needs_no_torch(runs_dir: Path) -> None:
    program = textwrap.dedent(f"""
        import sys
        sys.modules["torch"] = None
        from pathlib import Path
        from bench.runs.plan import Plan, Request
        from bench.runs.run import Run
        plan = Plan.of(Request("pcsc", "ucf24-mini.micro", device="cpu", runs_dir=Path({str(runs_dir)!r}),
                               overrides={SETTINGS!r}))
        run = Run(plan)
        detections, tubes = run.link()
        folders = {{s: plan.store.folder("train", key) for s, key in plan.train_keys.items()}}
        checkpoints = {{s: folder / "checkpoint.pt" for s, folder in folders.items()}}
        run.score(detections, tubes, checkpoints)
    """)
    done = python(program)
    assert done.returncode == 0, done.stderr


MOMENTS = (
    (".flow.parquet", 9),
    ("state.pt", 2),
    ("checkpoint.pt", 1),
    ("done.json", 1),
    (".npz", 5),
    ("checkpoint.pt", 1),
    ("part-00000.parquet", 1),
    ("part-00001.parquet", 1),
    ("done.json", 1),
    ("detections.parquet", 1),
    ("tubes.parquet", 1),
    ("matches.parquet", 1),
    ("result.json", 1),
)
"""Killed when the n-th file of that name is whole but has its temporary name; each goes on from the last."""

KILLER = """
    import functools, os, signal, sys
    from pathlib import Path
    import bench.training, bench.tracking
    from bench.flow import FlowStore
    from bench.runs.plan import Plan, Request
    from bench.runs.reporter import Reporter
    from bench.runs.run import Run
    import methods.pcsc.actionness, methods.pcsc.predict

    class Silent:
        def finish(self, folders): return ""
        def close(self): pass

    bench.tracking.Sender.start = lambda run: Silent()
    prepare = FlowStore.prepare
    FlowStore.prepare = lambda self, videos, progress: prepare(self, videos, 0, progress)
    bench.training.Compute = functools.partial(bench.training.Compute, save_every=2)

    def execute(runs):
        request = Request("pcsc", "ucf24-mini.micro", device="cpu", runs_dir=Path(runs), overrides=SETTINGS)
        Run(Plan.of(request)).execute()

    def killed_at(name, count):
        seen = []
        def kill(event, words):
            if event == "os.rename" and str(words[1]).endswith(name):
                seen.append(words)
                if len(seen) == count:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(kill)

    for moment in MOMENTS:
        child = os.fork()
        if not child:
            killed_at(*moment)
            execute(RUNS)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (moment, status)
    for runs in (RUNS, WHOLE):
        child = os.fork()
        if not child:
            execute(runs)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0, runs
"""


def test_killed_again_and_again_it_ends_with_the_same_result(tmp_path: Path, micro_cache: Path) -> None:
    """Both are made by children of one fresh process: bit-equality is promised for equal processes."""
    runs, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (runs, whole):
        folder.mkdir()
        (folder / "cache").symlink_to(micro_cache)
    named = {"RUNS": str(runs), "WHOLE": str(whole), "SETTINGS": SETTINGS, "MOMENTS": MOMENTS}
    program = "".join(f"{name} = {value!r}\n" for name, value in named.items()) + textwrap.dedent(KILLER)
    done = python(program)
    assert done.returncode == 0, done.stderr
    continued, undisturbed = (
        Result.read(next(folder.glob("ucf24-mini@1.micro/*/result.json"))) for folder in (runs, whole)
    )
    assert continued.identity == undisturbed.identity
    assert continued.comparable() == undisturbed.comparable()
    assert continued.speed is not None
    assert all(value > 0 for value in continued.speed.values.values())
    left = [path for path in (runs / "store").rglob(".tmp-*") if "flow" not in path.parts]
    assert not left


def test_killed_while_it_renders(tmp_path: Path) -> None:
    """Nothing bears the miniature's name before it is whole."""
    program = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        def kill(event, words):
            if event == "os.mkdir" and str(words[0]).endswith("videos/RopeSkip"):
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(kill)
        from datasets.mini.ucf24 import render_ucf24_mini
        render_ucf24_mini(Path({str(tmp_path)!r}) / "root", "micro", workers=1)
    """)
    done = python(program)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "root").exists()
