"""Many runs, their means over splits, the stages of one, and the protocols by which it is scored."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

import datasets
import methods.base
from bench import tracking
from bench.cli import cli
from bench.metrics import intervals
from bench.results import mean, scoring
from bench.results.mean import write_mean
from bench.results.notes import ONE_GROUP
from bench.results.result import FILE, Result, read_matches
from bench.runs import settings, stages
from bench.runs.asked import row_of
from bench.runs.console import summaries
from bench.runs.many import Outcome, requests, run_all
from bench.runs.plan import Plan, Request
from bench.runs.reopen import Finished
from bench.runs.reporter import Reporter
from bench.runs.run import Run
from datasets import Split
from datasets.mini import Ucf24Mini
from reports import leaderboard

sys.path.insert(0, str(Path(__file__).parents[1] / "outsider"))
import centre_box


class Silent:
    """In place of MLflow."""

    sent: list[Path]

    def __init__(self) -> None:
        self.sent = []

    def finish(self, folders: list[Path]) -> str:
        self.sent += folders
        return ""

    def close(self) -> None:
        pass


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """A method that learns nothing, and nothing sent or drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods.base, "available", lambda: {"centre-box": "centre_box:CentreBox", **KNOWN})
        patch.setattr(centre_box.CentreBox, "paper_protocols", {"ucf24": "yowo"})
        patch.setattr(tracking.Sender, "start", classmethod(lambda cls, run: Silent()))
        patch.setattr(Run, "draw", lambda self, tubes: None)
        patch.setattr(leaderboard, "write_report", lambda runs_dir, out: [out / "index.html"])
        for module in (scoring, mean):
            patch.setattr(
                module, "intervals", lambda matches, truth, rules, count: intervals(matches, truth, rules, 9)
            )
        split = Ucf24Mini.split
        patch.setattr(Ucf24Mini, "splits", ("1", "2"))
        patch.setattr(
            Ucf24Mini,
            "split",
            lambda self, name: split(self, "1") if name == "1" else other(split(self, "1")),
        )
        yield


KNOWN = methods.base.available()


def other(split: Split) -> Split:
    """A second split: what the first tests is trained on, half of that is tested again."""
    return Split(split.test[:12], split.test[12:] + split.train[:12])


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory, micro_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("many")
    (folder / "cache").symlink_to(micro_cache)
    return folder


def asked(runs_dir: Path, **words: object) -> Request:
    request = Request("centre-box", "ucf24-mini.micro", device="cpu", runs_dir=runs_dir)
    return replace(request, **words)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def outcomes(runs_dir: Path) -> list[Outcome]:
    return list(run_all(requests(asked(runs_dir, split="all")), Reporter()))


def test_every_split_and_their_mean_under_every_protocol(outcomes: list[Outcome]) -> None:
    assert [outcome.why for outcome in outcomes] == [""] * 3
    assert [[r.protocol for r in o.results.values()] for o in outcomes] == [
        [f"ucf24-mini@1.micro/{split}/{name}@1" for name in ("act", "yowo")] for split in ("1", "2", "mean")
    ]
    for folder, result in outcomes[-1].results.items():
        assert Result.read(folder) == result


def test_a_mean_is_that_of_its_splits(outcomes: list[Outcome]) -> None:
    *parts, average = (next(iter(outcome.results.values())) for outcome in outcomes)
    values = [part.metrics["frame_map/0.50"] for part in parts]
    found = average.metrics["frame_map/0.50"]
    assert found is not None
    assert found.value == pytest.approx(sum(one.value for one in values if one) / 2)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    assert ONE_GROUP in parts[0].notes
    assert ONE_GROUP not in average.notes
    assert average.coverage.videos == sum(part.coverage.videos for part in parts)
    assert set(average.inputs) == {f"{split}/{step}" for split in "12" for step in ("predict", "link")}
    assert average.truth_digest not in {part.truth_digest for part in parts}
    folder = next(iter(outcomes[-1].results))
    assert set(read_matches(folder)[0]["split"].astype(str)) == {"1", "2"}
    with pytest.raises(ValueError, match="mean over splits"):
        Finished.of(folder)


def test_what_is_no_set_of_splits_has_no_mean(outcomes: list[Outcome], tmp_path: Path) -> None:
    act, yowo = outcomes[0].results
    other, _ = outcomes[1].results
    for members in ((act,), (act, act), (other, yowo)):
        with pytest.raises(ValueError, match=r"two or more splits|differ in more"):
            write_mean(tmp_path, members)


@pytest.mark.usefixtures("outcomes")
def test_what_is_there_is_not_run_again(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "execute", lambda self: pytest.fail("run again"))
    again = list(run_all(requests(asked(runs_dir, split="all")), Reporter()))
    assert [outcome.why for outcome in again] == [""] * 3


def test_one_that_fails_says_why_and_the_others_go_on(
    runs_dir: Path, outcomes: list[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    reporter = Reporter()
    monkeypatch.setattr(reporter, "warn", told.append)
    wanted = [
        asked(runs_dir, variant="no-such-row", split="2"),
        asked(runs_dir, overrides=("size=0.75",)),
        asked(runs_dir),
    ]
    monkeypatch.setattr(centre_box.CentreBox, "predict", lambda self, footage, frames: 1 / 0)
    found = list(run_all(wanted, reporter))
    assert "no-such-row" in found[0].why
    assert "ZeroDivisionError" in found[1].why
    assert "Traceback" in told[0]
    assert (found[2].why, list(found[2].results)) == ("", list(outcomes[0].results))
    splits = list(run_all(requests(asked(runs_dir, split="all", variant="small")), reporter))
    assert splits[-1].why == "no mean without split 1, 2"


def test_lists_seeds_and_all() -> None:
    first = Request("pcsc, Centre-Box", "all-mini.micro", seed=3)
    found = requests(first, seeds=2)
    assert len(found) == 2 * 2 * 4
    assert {r.method for r in found} == {"pcsc", "centre-box"}
    assert {r.dataset for r in found} == {f"{d}-mini.micro" for d in ("ucf24", "jhmdb", "daly", "ava")}
    assert {r.seed for r in found} == {3, 4}
    assert {r.method for r in requests(replace(first, method="all"))} == set(methods.base.available())
    assert "custom" not in {r.dataset for r in requests(replace(first, dataset="all"))}
    for wrong in ({"method": "pcsc,no-such"}, {"dataset": "ucf24,no-such"}):
        with pytest.raises(ValueError, match="no-such"):
            requests(replace(first, **wrong))  # type: ignore[arg-type]
    assert len(requests(replace(first, method="pcsc,PCSC", dataset="ucf24-mini"))) == 1
    with pytest.raises(ValueError, match="at least 1"):
        requests(first, seeds=0)


def test_every_stage_trains_for_a_share_of_its_steps() -> None:
    first = Request("all", "all-mini.micro", overrides=("postprocess.nms=0.3",))
    for request in requests(first, steps_share=0.01):
        kind, _, default = row_of(request)
        *short, last = request.overrides
        assert last == "postprocess.nms=0.3"
        short_config = settings.apply(default, short)
        assert kind is methods.base.find(request.method)
        assert {one.partition("=")[0] for one in settings.differences(default, short_config)} <= {
            one.partition("=")[0] for one in short
        }
    (yowo,) = requests(Request("yowo", "jhmdb", overrides=("training.steps=9",)), steps_share=0.25)
    assert yowo.overrides == (
        "training.steps=10000",
        "training.milestones=(2500, 5000, 7500)",
        "training.steps=9",
    )
    (tiny,) = requests(Request("reclnet", "ucf24-mini"), steps_share=0.1)
    assert {"learning.epochs=1", "training.steps=100"} <= set(tiny.overrides)


def test_protocols_of_a_run(runs_dir: Path) -> None:
    def names(**words: object) -> list[str]:
        return [p.id.rpartition("/")[2] for p in Plan.of(asked(runs_dir, **words)).protocols]

    assert names() == ["act@1", "yowo@1"]
    assert names(protocol="road") == ["act@1", "yowo@1", "road@1"]
    assert names(protocol="YOWO") == names(protocol="all") == names(protocol="act") == names()
    with pytest.raises(ValueError, match="evaluator"):
        names(protocol="rod")
    assert names(protocol="road+gt-trimmed")[-1] == "road+gt-trimmed@1"
    with pytest.raises(ValueError, match="unknown trimming"):
        names(protocol="road+gttrim")


@pytest.mark.parametrize("name", sorted(methods.base.available()))
def test_methods_name_evaluators_that_there_are(name: str) -> None:
    for dataset, text in methods.base.find(name).paper_protocols.items():
        evaluator, _, trimming = text.partition("+")
        found = datasets.find(dataset)
        assert evaluator != found.default_evaluator
        assert not (trimming and found.trimmed)


def test_the_stages_one_by_one(tmp_path: Path, runs_dir: Path, outcomes: list[Outcome]) -> None:
    (tmp_path / "cache").symlink_to(runs_dir / "cache")
    options = ["--method", "centre-box", "--dataset", "ucf24-mini.micro", "--device", "cpu"]
    place = ["--runs-dir", str(tmp_path)]

    def bench(*words: str) -> str:
        done = CliRunner().invoke(cli, [*words, *place], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert "run " in bench("train", *options)
    (folder,) = tmp_path.glob("ucf24-mini*/*")
    assert not (folder / FILE).exists()
    with pytest.raises(ValueError, match="not predicted yet: `bench predict`"):
        CliRunner().invoke(cli, ["score", folder.name, *place], catch_exceptions=False)
    assert "predicted" in bench("predict", folder.name[:12])
    assert "tubes in" in bench("link", str(folder))
    scored = bench("score", folder.name, "--protocol", "road+gt-trimmed")
    assert "act@1" in scored
    assert scored.count(f"note       {ONE_GROUP}") == 1
    found = sorted(path.parent.name.rsplit("_", 3)[1] for path in tmp_path.glob(f"ucf24-mini*/*/{FILE}"))
    assert found == ["1", "1-road+gt-trimmed", "1-yowo"]
    first = next(iter(outcomes[0].results.values()))
    assert Result.read(folder).metrics == first.metrics
    assert "retinanet3d" in bench("score", str(folder), "--protocol", "all")


def test_which_run_is_meant(runs_dir: Path, outcomes: list[Outcome]) -> None:
    folders = [folder for outcome in outcomes[:2] for folder in outcome.results]
    assert stages.plan_of(folders[2].name, {"runs_dir": runs_dir}).protocol.split == "2"
    with pytest.raises(ValueError, match=r"name a run, or --method and --dataset"):
        stages.plan_of(None, {"runs_dir": runs_dir})
    with pytest.raises(ValueError, match=r"--variant: the run .* says that"):
        stages.plan_of(folders[0].name, {"runs_dir": runs_dir, "variant": "small"})
    with pytest.raises(ValueError, match=r"--seed: the run .* says that"):
        stages.plan_of(folders[0].name, {"runs_dir": runs_dir, "seed": 3})
    for said, budget in ((50.0, 50.0), (0.5, 0.5)):
        plan = stages.plan_of(folders[0].name, {"runs_dir": runs_dir, "feature_budget": said})
        assert plan.request.feature_budget == budget
    kept = stages.plan_of(folders[0].name, {"runs_dir": runs_dir, "device": "auto"})
    assert kept.request.device == "cpu"
    assert stages.plan_of(folders[1].name, {"runs_dir": runs_dir}).folder == folders[0]


def test_predicting_wants_weights(tmp_path: Path, micro_cache: Path) -> None:
    (tmp_path / "cache").symlink_to(micro_cache)
    plan = Plan.of(Request("pcsc", "ucf24-mini.micro", device="cpu", runs_dir=tmp_path))
    with pytest.raises(ValueError, match=r"not trained yet .*: `bench train`"):
        stages.predict(Run(plan))


def test_seeds_and_failures_on_the_command_line(runs_dir: Path, outcomes: list[Outcome]) -> None:
    words = ["run", "--dataset", "ucf24-mini.micro", "--device", "cpu", "--runs-dir", str(runs_dir)]
    done = CliRunner().invoke(cli, [*words, "--method", "centre-box", "--seeds", "2"])
    assert done.exit_code == 0, done.output
    assert "±" in done.output
    assert "ucf24-mini@1.micro/1/act@1, over seeds" in done.output
    assert max(map(len, done.stdout.splitlines()[:20])) <= 80
    failed = CliRunner().invoke(cli, [*words, "--method", "centre-box,pcsc", "--set", "size=0.5"])
    assert failed.exit_code == 1
    assert "failed     pcsc on ucf24-mini.micro, seed 0: --set size" in failed.output
    assert outcomes


def test_nothing_that_tells_runs_apart_is_cut_in_80_columns(outcomes: list[Outcome]) -> None:
    """Method, seed and numbers are whole; a long variant goes on in the next line."""
    variant = "tiny+default training.steps=45 crops.steps=80"
    made = [replace(one, results=_renamed(one, variant)) for one in outcomes]
    console = Console(width=80, file=io.StringIO())
    for table in summaries(made):
        console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for outcome in made:
        for result in outcome.results.values():
            assert result.protocol in text
            assert result.identity.title in text
            value = result.metrics["frame_map/0.50"]
            assert value is None or f"{value.value:.1f}" in text
    folded = "".join(line.split("│")[2].strip() for line in text.splitlines() if line.count("│") > 3)
    assert "".join(variant.split()) in "".join(folded.split())
    assert "…" not in text


def _renamed(outcome: Outcome, variant: str) -> dict[Path, Result]:
    return {
        key: replace(result, identity=replace(result.identity, variant=variant))
        for key, result in outcome.results.items()
    }
