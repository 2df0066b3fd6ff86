"""A finished run, opened again: linked with other settings, found by its name, refused where it cannot be."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.commands.show import command
from bench.files.store import read_json, write_json
from bench.files.tables import read_detections, read_tubes
from bench.results.result import Result
from bench.runs.plan import Plan, Request, open_dataset
from bench.runs.reopen import Finished, relink
from bench.runs.reporter import Reporter
from bench.runs.run import Run
from bench.runs.trained import method_of
from bench.showing import sources as showing
from bench.showing.sources import find

SETTINGS = (
    "model.frame_size=(64, 48)", "model.width=0.0625", "model.head_channels=32", "model.pyramid_channels=16",
    "model.proposals_test=(20, 8)", "model.clip_length=2", "rows_per_stage=5", "training.steps=1",
    "training.batch=2", "predict_batch=24",
)  # fmt: skip


class Log(Reporter):
    """What was done before, and what is new."""

    def __init__(self) -> None:
        self.skipped: list[str] = []
        self.steps: list[str] = []

    def reused(self, name: str, key: str) -> None:
        self.skipped.append(name)

    def step(self, name: str, detail: str) -> None:
        self.steps.append(name)


def plan(runs_dir: Path, *more: str) -> Plan:
    return Plan.of(
        Request("pcsc", "ucf24-mini.micro", variant="rgb", device="cpu", runs_dir=runs_dir,
                overrides=(*SETTINGS, *more))
    )  # fmt: skip


def execute(found: Plan, log: Reporter) -> Result:
    """All steps but the record."""
    run = Run(found, log)
    checkpoints = run.train()
    run.predict(checkpoints)
    return run.score(*run.link(), checkpoints)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, micro_cache: Path) -> Plan:
    """A run whose settings have tuples, numbers and flags."""
    runs_dir = tmp_path_factory.mktemp("runs")
    (runs_dir / "cache").symlink_to(micro_cache)
    found = plan(runs_dir)
    execute(found, Reporter())
    return found


def test_a_run_is_planned_again_as_it_was(finished: Plan) -> None:
    again = Finished.of(finished.folder.resolve()).plan(None)
    assert again.method.config == finished.method.config
    assert (again.predict_key, again.link_key) == (finished.predict_key, finished.link_key)
    assert again.test_videos == finished.test_videos
    assert again.label == finished.label


def test_linking_as_before_computes_nothing(finished: Plan) -> None:
    log = Log()
    again = relink(finished.folder.resolve(), None, (), log)
    assert (log.skipped, log.steps) == (["link"], [])
    assert again.place == finished.store.folder("link", finished.link_key).resolve()


def test_what_is_linked_anew_is_what_a_run_finds(finished: Plan) -> None:
    settings = ("postprocess.scoring.min_frames=3", "postprocess.nms=0.7")
    log = Log()
    again = relink(finished.folder.resolve(), None, settings, log)
    assert log.steps == ["link"]
    before = read_tubes(finished.store.folder("link", finished.link_key) / "tubes.parquet")
    assert len(again.tubes) > len(before)
    log = Log()
    execute(plan(finished.request.runs_dir, *settings), log)
    assert log.skipped == ["detector", "predict", "link"]


def test_copies_go_where_they_are_asked_for(finished: Plan, tmp_path: Path) -> None:
    run, settings = finished.folder.resolve(), ("postprocess.scoring.min_frames=3",)
    again = relink(run, None, settings, Reporter(), tmp_path / "both")
    assert len(read_tubes(tmp_path / "both" / "tubes.parquet")) == len(again.tubes)
    assert len(read_detections(tmp_path / "both" / "detections.parquet"))
    relink(run, None, settings, Reporter(), tmp_path / "mine.parquet")
    assert len(read_tubes(tmp_path / "mine.parquet")) == len(again.tubes)


def test_no_video_and_no_flow_is_needed(finished: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither training videos nor test videos are looked for: what counts is in the store."""
    monkeypatch.setattr(type(finished.dataset), "missing_videos", lambda self, names: list(names))
    settings = ("postprocess.scoring.top=3",)
    assert len(relink(finished.folder.resolve(), None, settings, Reporter()).tubes)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("model.width=0.125", "changes what is trained or predicted"),
        ("rows_per_stage=6", "postprocess. ... alone"),
        ("postprocess.nns=0.5", "did you mean nms"),
        ("posprocess.nms=0.5", "did you mean postprocess"),
    ],
)
def test_only_postprocess_changes(finished: Plan, setting: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        relink(finished.folder.resolve(), None, (setting,), Reporter())


def copied(finished: Plan, tmp_path: Path) -> Path:
    """The run alone in a folder of runs of its own, with its store."""
    folder = tmp_path / finished.dataset.id / finished.folder.name
    shutil.copytree(finished.folder, folder)
    (tmp_path / "cache").symlink_to(finished.request.runs_dir / "cache")
    return folder


def test_what_is_not_there_any_more_is_named(finished: Plan, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path)
    with pytest.raises(ValueError, match="lies apart from"):
        Finished.of(folder)
    (tmp_path / "store").mkdir()
    with pytest.raises(ValueError, match="predictions are gone"):
        Finished.of(folder).plan(None)


def test_a_run_that_would_be_another_today_is_refused(finished: Plan, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path)
    (tmp_path / "store").symlink_to(finished.request.runs_dir / "store")
    path = folder / "result.json"
    content = read_json(path)
    write_json(path, content | {"truth_digest": "0"})
    with pytest.raises(ValueError, match="the annotation has changed"):
        relink(folder, None, (), Reporter())
    write_json(path, content | {"identity": content["identity"] | {"config_digest": "0"}})
    with pytest.raises(ValueError, match="reads otherwise"):
        relink(folder, None, (), Reporter())
    write_json(path, content | {"inputs": {"predictions": "0"}})
    with pytest.raises(ValueError, match="scored from files"):
        relink(folder, None, (), Reporter())


def test_files_that_a_run_was_given_are_known_from_its_result(finished: Plan, tmp_path: Path) -> None:
    """No label says where they lay, and they need not be there any more."""
    folder = copied(finished, tmp_path)
    (tmp_path / "store").symlink_to(finished.request.runs_dir / "store")
    content = read_json(folder / "result.json")
    identity = content["identity"]
    identity["config"]["model"]["pretrained"] = "/gone/i3d"
    identity["sources"] = {"model.pretrained": {"name": "i3d", "digest": "0123456789abcdef"}}
    write_json(folder / "result.json", content)
    run = Finished.of(folder)
    again = run.plan(None)
    assert again.method.config.model.pretrained == "/gone/i3d"
    assert method_of(run).config == again.method.config
    assert again.label == finished.label
    assert run.result.identity.given == ("model.pretrained: i3d (0123456789abcdef)",)
    assert run.result.identity.configuration != Result.read(finished.folder).identity.configuration
    assert len(relink(folder, None, ("postprocess.nms=0.6",), Reporter()).tubes)


def test_the_dataset_must_be_the_same(finished: Plan, tmp_path: Path) -> None:
    """Somebody's own dataset has a digest in its id."""
    found = Finished.of(finished.folder.resolve())
    assert found.dataset(None).id == finished.dataset.id
    (tmp_path / "annotations.csv").write_text("video,tube,label,frame,x1,y1,x2,y2\n")
    here = open_dataset("custom", tmp_path, tmp_path).id
    for name, same in ((here, True), ("custom-kitchen@0", False)):
        rules = replace(found.result.rules, dataset=name)
        result = replace(found.result, dataset=name, rules=rules, protocol=rules.id, data_kind="real")
        run = replace(found, result=result)
        if same:
            assert run.dataset(tmp_path).id == here
        else:
            with pytest.raises(ValueError, match=f"is of {name}, but .* holds {here}"):
                run.dataset(tmp_path)


def test_a_run_is_shown_with_its_own_tubes_and_annotation(finished: Plan) -> None:
    relinked = relink(finished.folder.resolve(), None, (), Reporter())
    found = find(showing.Request(run=str(finished.folder)))
    assert found.shown.tubes is not None
    assert found.shown.truth is not None
    assert len(found.shown.tubes) == len(relinked.tubes)
    assert found.shown.truth.videos.names == finished.test_videos
    assert found.protocol == finished.protocol
    words = [finished.folder.name, "--runs-dir", str(finished.request.runs_dir), "--best", "1"]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.exception
    assert done.output.splitlines()[0].startswith(f"{found.ranked()[0]}, ")
    files = sorted(path.suffix for path in (finished.folder / "show").iterdir())
    assert files == [".mp4", ".png", ".svg"]


def test_a_run_without_tubes_says_so(finished: Plan, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path)
    (tmp_path / "store").mkdir()
    with pytest.raises(ValueError, match="has no tubes"):
        find(showing.Request(run=str(folder)))
