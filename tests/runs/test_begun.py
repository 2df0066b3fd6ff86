"""A run that another version of the suite made is called that, with the mend; not `not trained yet`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from bench import __version__
from bench.cli import cli
from bench.files.store import read_json, write_json
from bench.runs import stages
from bench.runs.asked import Request
from bench.runs.begun import CONFIG, asked_of, begin
from bench.runs.naming import ASKED
from bench.runs.plan import Plan
from bench.runs.run import Run

REQUEST = Request("pcsc", "ucf24-mini.micro", variant="rgb", device="cpu", overrides=("training.steps=7",))


@pytest.fixture
def plan(runs_dir: Path) -> Plan:
    return Plan.of(replace(REQUEST, runs_dir=runs_dir))


@pytest.fixture
def older(plan: Plan) -> Path:
    """The folder of what another version began of the same request: its key is another."""
    begin(plan)
    folder = plan.folder.rename(plan.folder.with_name(f"{plan.folder.name[:-8]}01234567"))
    change(folder / ASKED, code="0.0.9")
    return folder


def change(path: Path, **entries: object) -> None:
    write_json(path, read_json(path) | entries)


def test_what_was_asked_is_on_record_from_the_beginning(plan: Plan) -> None:
    begin(plan)
    assert asked_of(plan.folder.resolve()) == plan.request
    assert read_json(plan.folder / ASKED)["code"] == __version__
    assert read_json(plan.folder / CONFIG)["training"]["steps"] == 7
    assert stages.again(plan.folder.resolve(), {}).folder.name == plan.folder.name


def test_the_run_of_another_version_is_named_where_work_is_missing(plan: Plan, older: Path) -> None:
    with pytest.raises(
        ValueError, match=r"not trained yet by this version .*: `bench train` comes first; "
    ) as no:
        stages.predict(Run(plan))
    assert f"{older.name} was made by version 0.0.9 of the suite" in str(no.value)
    assert not plan.folder.exists()
    with pytest.raises(ValueError, match=r"not predicted yet by this version: .*version 0\.0\.9"):
        stages.score(Run(plan))


def test_a_run_of_another_version_is_refused_by_its_name(plan: Plan, older: Path) -> None:
    with pytest.raises(ValueError, match=r"was made by version 0\.0\.9 of the suite \(this is ") as no:
        stages.plan_of(older.name, {"runs_dir": plan.request.runs_dir})
    here = replace(plan.request, runs_dir=older.resolve().parents[1])
    assert str(no.value).endswith(f"`{here.command}` makes it anew")


def test_settings_that_were_others_tell_an_earlier_state_of_the_same_version(plan: Plan, older: Path) -> None:
    change(older / ASKED, code=__version__)
    before = read_json(older / CONFIG)
    before["training"] = before["training"] | {"steps": 9, "gone": 1}
    before.pop("rows_per_stage")
    write_json(older / CONFIG, before)
    with pytest.raises(ValueError, match=f"an earlier state of version {__version__}, with") as no:
        stages.plan_of(older.name, {"runs_dir": plan.request.runs_dir})
    for words in ("training.steps=9 (now 7)", "training.gone=1 (now gone)", "no rows_per_stage"):
        assert words in str(no.value)


def test_names_that_are_gone_say_whose_they_were(plan: Plan, older: Path) -> None:
    change(older / ASKED, overrides=["training.setps=7"])
    with pytest.raises(ValueError, match=r"was made by version 0\.0\.9 .*: --set training\.setps: unknown"):
        stages.plan_of(older.name, {"runs_dir": plan.request.runs_dir})


def test_another_request_is_no_other_version(plan: Plan, older: Path) -> None:
    change(older / ASKED, overrides=["training.steps=8"])
    with pytest.raises(ValueError, match=r"is not trained yet \(detector\): `bench train` comes first$"):
        stages.predict(Run(plan))


def test_the_command_of_a_request_asks_for_it() -> None:
    asked = replace(REQUEST, overrides=("a=(1, 2)", "b=c d"), seed=3, partial=True, data_root=Path("a b"))
    program, name, *words = shlex.split(asked.command)
    assert (program, name) == ("bench", "run")
    context = cli.commands["run"].make_context("run", words)
    request = {key: value for key, value in context.params.items() if key not in ("seeds", "steps_share")}
    assert Request(**request) == asked
    assert Request("pcsc", "ucf24").command == "bench run --method pcsc --dataset ucf24"
