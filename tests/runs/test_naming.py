"""One way of naming a run, for every command that takes one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.commands.options import RUN
from bench.results.result import FILE
from bench.runs.naming import ASKED, find_run

NAMES = (
    "ucf24-mini@1.small/pcsc_tiny+default_1_0_11111111",
    "ucf24-mini@1.small/pcsc_tiny+default_1-road_0_22222222",
    "jhmdb-mini@1.small/pcsc_tiny+default_1_0_33333333",
)
BEGUN = "jhmdb-mini@1.small/yowo_tiny+default_1_0_44444444"
TAKE_RUNS = {
    "compare": ("compare", "RUN", "RUN"),
    "demo": ("demo", "clip.avi", "--run", "RUN"),
    "link": ("link", "RUN"),
    "predict": ("predict", "RUN"),
    "recall": ("recall", "RUN"),
    "score": ("score", "RUN"),
    "show": ("show", "RUN"),
    "speed": ("speed", "--run", "RUN"),
    "train": ("train", "RUN"),
}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three finished runs, one that was begun, and a copy of a result that is no run."""
    for name in (*NAMES, "mlartifacts/pcsc_copy"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / FILE).touch()
    (tmp_path / BEGUN).mkdir()
    (tmp_path / BEGUN / ASKED).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("pcsc_tiny+default_1_0_11111111", NAMES[0]),
        (NAMES[2], NAMES[2]),
        ("2222", NAMES[1]),
        ("jhmdb-mini@1.small/pcsc", NAMES[2]),
        ("PCSC-Tiny+Default-1-0-33333333", NAMES[2]),
        ("yowo", BEGUN),
    ],
)
def test_a_run_is_its_name_or_any_part_of_it(runs: Path, said: str, meant: str) -> None:
    assert find_run(said, runs) == (runs / meant).resolve()


def test_a_run_is_its_folder_or_a_file_of_it(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = runs / "none"
    for said in (NAMES[0], f"{NAMES[0]}/", f"{NAMES[0]}/{FILE}", f"{BEGUN}/{ASKED}"):
        meant = runs / "/".join(said.split("/")[:2])
        assert find_run(str(runs / said), elsewhere) == meant.resolve()
        monkeypatch.chdir(runs)
        assert find_run(said, elsewhere) == meant.resolve()
    monkeypatch.chdir(runs.parent)
    assert find_run(f"{runs.name}/ucf24-mini@1.small/pcsc_tiny+default_1_0", Path(runs.name)).name in NAMES[0]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("pcsc_tiny+default_1_0", f"may be 2 runs: {NAMES[2]}, {NAMES[0]}; name one"),
        ("psc_tiny+default_1_0_11111111", "unknown run .*; did you mean pcsc_tiny+default_1_0_11111111"),
        ("copy", "unknown run 'copy'"),
        ("jhmdb-mini@1.small", "may be 2 runs"),
    ],
)
def test_what_means_no_run_or_several_is_refused_with_names(runs: Path, said: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("+", r"\+")):
        find_run(said, runs)


def test_folders_that_are_no_runs_are_refused(runs: Path) -> None:
    with pytest.raises(ValueError, match=f"is no run: it has no {FILE}"):
        find_run(str(runs), runs)
    with pytest.raises(ValueError, match=r"no run pcsc, and none below .*none; name its folder"):
        find_run("pcsc", runs / "none")


def test_where_a_result_is_wanted_only_finished_runs_are_meant(runs: Path) -> None:
    again = runs / f"{NAMES[2][:-8]}55555555"
    again.mkdir()
    (again / ASKED).touch()
    assert find_run("jhmdb-mini@1.small/pcsc", runs, finished=True) == (runs / NAMES[2]).resolve()
    for said in ("yowo", str(runs / BEGUN)):
        with pytest.raises(ValueError, match=r"is begun, but not finished.*`bench run`"):
            find_run(said, runs, finished=True)


@pytest.mark.parametrize("command", TAKE_RUNS)
def test_every_command_finds_runs_alike(command: str, runs: Path) -> None:
    """And says in its help how they are named."""

    def refusal(name: str) -> str:
        words = [name if word == "RUN" else word for word in TAKE_RUNS[command]]
        return str(CliRunner().invoke(cli, [*words, "--runs-dir", str(runs)]).exception)

    assert refusal("pcsc_tiny+default_1_0") == (
        f"pcsc_tiny+default_1_0 may be 2 runs: {NAMES[2]}, {NAMES[0]}; name one"
    )
    assert re.match(r"unknown run 'psc_tiny\+default_1_0_11111111'; did you mean pcsc",
                    refusal("psc_tiny+default_1_0_11111111"))  # fmt: skip
    shown = CliRunner().invoke(cli, [command, "--help"]).output
    assert " ".join(RUN.split()) in " ".join(shown.split())
