"""The papers' tables with ours beside them."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import datasets
import methods.base
from bench.commands.reproduce import command, in_suite
from bench.protocol import EVALUATORS, Protocol
from bench.results.result import Estimate, Result
from bench.runs.asked import Request
from bench.runs.settings import apply, differences
from bench.sources import Source, marked
from reports.answers import estimate
from reports.footnotes import CSV, footnotes
from reports.published import numbers
from reports.reproduce import ABSENT, NONE_YET, find_table, reproduce, tables

METHODS = {"pcsc", "yowo", "menet", "two-stream-yolo", "rfb-flow", "reclnet", "reclnet-pp"}
ANSWERED = [number for number in numbers() if number.our_method]


def everything(method: str, variant: str, dataset: str) -> bool:
    return True


def nothing(method: str, variant: str, dataset: str) -> bool:
    return False


def test_all_tables_of_the_five_papers_are_there() -> None:
    assert len(tables()) == 32
    for paper, table in tables():
        assert reproduce(paper, table, [], everything).table.rows


def test_every_own_number_but_times_of_flow_can_be_answered() -> None:
    own = [number for number in numbers() if not number.quoted]
    assert {n.metric for n in own if not n.our_method} == {"flow time"}
    assert {n.our_method for n in ANSWERED} == METHODS


@pytest.mark.parametrize("method", sorted(METHODS & set(methods.base.available())))
def test_variants_are_those_of_the_methods(method: str) -> None:
    kind = methods.base.find(method)
    wanted = {(n.our_variant, n.our_protocol.partition("/")[0]) for n in ANSWERED if n.our_method == method}
    lacking = [(row, dataset) for row, dataset in sorted(wanted) if row not in kind.configs(dataset, "full")]
    assert not lacking


@pytest.mark.parametrize("method", sorted(METHODS & set(methods.base.available())))
def test_a_run_is_scored_as_the_table_was(method: str) -> None:
    """By the dataset's evaluator or the paper's own: no further option is needed."""
    kind = methods.base.find(method)
    for number in ANSWERED:
        dataset, _, scored = number.our_protocol.split("/")
        if number.our_method == method and "gt-trimmed" not in scored:
            usual = {datasets.find(dataset).default_evaluator, kind.paper_protocols.get(dataset)}
            assert scored.partition("@")[0] in usual, number


def test_protocols_and_metrics_are_those_of_results() -> None:
    for number in ANSWERED:
        dataset, split, scored = number.our_protocol.split("/")
        name, _, trimming = scored.partition("@")[0].partition("+")
        kind = datasets.find(dataset)
        protocol = Protocol(kind.name, split, EVALUATORS[name], trimming=trimming)  # type: ignore[arg-type]
        assert protocol.id == number.our_protocol
        assert split == "mean" or split in kind.splits
        if number.name:
            assert number.metric_key.partition("/short")[0] == number.name or "oracle" in number.metric_key


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pcsc/5", ("pcsc2019", "5")),
        ("PCSC2019/5", ("pcsc2019", "5")),
        ("zhang/1", ("zhang2020", "1")),
        ("rfb-flow/1", ("zhang2020", "1")),
        ("elnouby/2", ("elnouby2018", "II")),
        ("two-stream-yolo/iv", ("elnouby2018", "IV")),
        ("reclnet++/10", ("reclnet2018", "10")),
    ],
)
def test_forgiving_names(text: str, wanted: tuple[str, str]) -> None:
    assert find_table(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [("pcsc/9", "there are: 1, 2, 3, 4, 5, 6"), ("pcs/5", "pcsc2019"), ("menet", "one of 1, 2, 3, 4")],
)
def test_unknown_names(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_table(text)


def test_ours_stands_beside_what_was_printed(make) -> None:  # type: ignore[no-untyped-def]
    stage = Result.read(make("stage-1", 0.8, variant="full+stage-1"))
    found = reproduce("pcsc2019", "5", [stage], everything)
    assert (found.answered, found.answerable, len(found.jobs)) == (1, 10, 9)
    row = next(row for row in found.table.rows if row[0] == "stage 1")
    ours = stage.metrics["frame_map/0.50"]
    assert ours is not None
    assert [cell.rstrip("¹") for cell in row[:4:1]][:2] == ["stage 1", "73.3"]
    assert row[4].startswith(f"{ours.value:.1f} [")
    assert row[-1] == f"pcsc stage-1-no-features: {NONE_YET}; pcsc stage-1"
    assert {job.variant for job in found.jobs} == {
        f"full+stage-{i}{more}" for i in range(5) for more in ("", "-no-features")
    } - {"full+stage-1"}


def test_seeds_stand_together(make) -> None:  # type: ignore[no-untyped-def]
    seeds = [Result.read(make(f"s{i}", 0.7, seed=i, variant="full+stage-1")) for i in range(3)]
    found = reproduce("pcsc2019", "5", seeds, everything)
    assert any("±" in cell for row in found.table.rows for cell in row)


@pytest.mark.parametrize(
    "changes",
    [
        {"variant": "full+stage-1 training.steps=5"},
        {"variant": "tiny+stage-1"},
        {"dataset": "ucf24-mini@1.small", "variant": "full+stage-1"},
        {"variant": "full+stage-1", "partial": True},
        {"variant": "full+stage-1", "split": "2"},
        {"variant": "full+stage-1", "method": "menet"},
    ],
)
def test_other_results_answer_nothing(make, changes: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    result = Result.read(make("other", 0.8, **changes))
    assert reproduce("pcsc2019", "5", [result], everything).answered == 0


def test_what_the_suite_lacks_says_so() -> None:
    found = reproduce("pcsc2019", "5", [], nothing)
    assert found.jobs == ()
    assert all(row[-1].endswith(ABSENT) for row in found.table.rows)
    assert not in_suite("no-such-method", "default", "ucf24")
    assert not in_suite("pcsc", "no-such-row", "ucf24")
    assert in_suite("pcsc", "stage-1-no-features", "ucf24")


def test_a_mean_wants_all_splits() -> None:
    (job,) = reproduce("zhang2020", "4", [], everything).jobs
    assert job.command.endswith("--dataset jhmdb --split all --protocol road")


def test_speed_is_measured_not_run() -> None:
    batches = {job.batch for job in reproduce("elnouby2018", "IV", [], everything).jobs}
    assert batches == {"1", "4"}


@pytest.mark.parametrize("method", sorted(METHODS & set(methods.base.available())))
def test_a_row_with_the_files_that_it_needs_still_answers(method: str) -> None:
    kind = methods.base.find(method)
    for number in ANSWERED:
        if number.our_method == method:
            default = kind.configs(number.our_protocol.partition("/")[0], "full")[number.our_variant]
            given = [f"{key}=/some/where/{key}.pth" for key, _, value in marked(default) if value == ""]
            assert given
            assert not differences(default, apply(default, given)), number


def test_results_that_were_given_other_files_stand_apart(make) -> None:  # type: ignore[no-untyped-def]
    alone, *seeds = (
        Result.read(make(f"s{i}", 0.5 + 0.1 * i, seed=i, variant="full+stage-1")) for i in range(3)
    )
    source = {"model.pretrained": Source("i3d", "0123456789abcdef")}
    given = [replace(seed, identity=replace(seed.identity, sources=source)) for seed in seeds]
    found = reproduce("pcsc2019", "5", [alone, *given], everything)
    assert found.answered == 1
    cell = next(row for row in found.table.rows if row[0] == "stage 1")[4]
    trained, scratch = cell.split("; ")
    assert re.fullmatch(r"[\d.]+ ± [\d.]+ \(a\)", trained)
    one = alone.metrics["frame_map/0.50"]
    assert one is not None
    assert scratch.startswith(f"{one.value:.1f} [")
    said = "(a) pcsc full+stage-1 was given model.pretrained: i3d (0123456789abcdef)"
    assert found.table.notes[-1] == said


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What would be run."""
    wanted: list[Request] = []
    monkeypatch.setattr("bench.runs.console.run_and_show_all", lambda found: wanted.extend(found) or True)
    return wanted


def test_files_are_given_to_the_rows_that_leave_them_open(asked: list[Request], tmp_path: Path) -> None:
    files = ("model.voc=voc.weights", "recognition.clips=kinetics")
    words = [word for one in files for word in ("--set", one)]
    done = CliRunner().invoke(command, ["elnouby/2", "--run", *words, "--runs-dir", str(tmp_path)])
    assert done.exit_code == 0, done.exception
    assert len(asked) == 8
    for request in asked:
        assert request.overrides == files[: 1 if request.variant.endswith("-voc") else 2]
    asked.clear()
    words = ["--set", "i3d=folder"]
    CliRunner().invoke(command, ["reclnet/10", "--run", *words, "--runs-dir", str(tmp_path)])
    assert {request.method: request.overrides for request in asked} == {
        "reclnet": (), "reclnet-pp": ("i3d=folder",),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--run", "--set", "training.steps=5"),
            "no such file to be named; they leave model.flow_weights",
        ),
        (("--run", "--set", "model.vox=x"), "--set model.vox=x: these rows leave no such file"),
        (("--run", "--set", "model.voc=none"), "--set model.voc=None: that is another run than full"),
        (("--run", "--set", "model.voc"), "expected key=value"),
        (("--set", "model.voc=x"), "add --run"),
    ],
)
def test_settings_that_make_another_run_are_refused(
    words: tuple[str, ...], said: str, asked: list[Request], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=said):
        CliRunner().invoke(
            command, ["elnouby/2", *words, "--runs-dir", str(tmp_path)], catch_exceptions=False
        )
    assert not asked


def test_numbers_of_one_class_and_of_some(make) -> None:  # type: ignore[no-untyped-def]
    short = (
        "Basketball",
        "BasketballDunk",
        "CricketBowling",
        "SalsaSpin",
        "TennisSwing",
        "VolleyballSpiking",
    )
    result = Result.read(make("short", 0.8, classes=(*short, "Biking")))
    one = estimate(result, "video_ap/0.30/Biking")
    some = estimate(result, "video_map/0.30/short")
    aps = [estimate(result, f"video_ap/0.30/{name}") for name in short]
    assert one == result.per_class["video_ap/0.30"]["Biking"]
    assert some is not None
    assert some.value == pytest.approx(sum(ap.value for ap in aps if ap) / len(short))
    oracles = replace(result, errors={"oracle": {"none": 5.0, "short/none": 2.0}})
    assert estimate(oracles, "error/oracle/none") == Estimate(5.0)
    assert estimate(oracles, "error/oracle/short/none") == Estimate(2.0)
    assert estimate(result, "error/oracle/none") is None
    assert estimate(result, "video_ap/0.30/NoSuchClass") is None
    fewer = Result.read(make("fewer", 0.8))
    assert estimate(fewer, "video_map/0.30/short") is None


def test_contradictions_stand_below_their_tables() -> None:
    assert any("7.9" in note for note in footnotes("pcsc2019", "2"))
    assert any("`act`" in note for note in footnotes("pcsc2019", "6"))
    assert not footnotes("zhang2020", "no such table")
    known = set(tables())
    with CSV.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all((row["paper"], row["table"]) in known or not row["table"] for row in rows)
    found = reproduce("reclnet2018", "10", [], nothing).table.notes
    assert any("from Table 7" in note for note in found)


def test_the_command_shows_writes_and_refuses(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make("stage-1", 0.8, variant="full+stage-1")
    words = ["--runs-dir", str(tmp_path / "runs")]
    out = tmp_path / "table.md"
    done = CliRunner().invoke(command, ["pcsc/5", *words, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "answered   1 of 10" in done.output
    assert (
        "to run     bench run --method pcsc --variant full+stage-0 --dataset ucf24 --split 1" in done.output
    )
    assert "| stage 1 |" in out.read_text()
    whole = CliRunner().invoke(command, words)
    assert len(whole.output.splitlines()) == 32
    with pytest.raises(ValueError, match="ends in"):
        CliRunner().invoke(command, ["pcsc/5", *words, "--out", "x.pdf"], catch_exceptions=False)
