"""What the miniatures must show: motion is needed and suffices, and the budget of a first run is right.

Minutes each; `tox -e study` runs them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.results.result import Result
from bench.runs.plan import Plan, Request
from bench.runs.run import run
from datasets.mini.check import check

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("dataset", ["ucf24-mini", "jhmdb-mini"])
def test_one_frame_tells_nothing_within_a_pose_group_and_a_clip_nearly_all(dataset: str) -> None:
    found = check(dataset)
    assert found.chance[0] <= found.frame <= found.chance[1]
    assert found.clip > 80


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> Request:
    return Request("pcsc", "ucf24-mini", runs_dir=tmp_path_factory.mktemp("runs"))


def trained(request: Request, share: float) -> Result:
    """The default run with that share of its detector's steps."""
    steps = Plan.of(request).method.config.training.steps
    return run(Plan.of(replace(request, overrides=(f"training.steps={round(share * steps)}",))))


def frame_map(result: Result) -> float:
    estimate = result.metrics["frame_map/0.50"]
    assert estimate is not None
    return estimate.value


def test_the_first_run_learns_and_three_times_its_budget_does_not_saturate(request_: Request) -> None:
    assert frame_map(trained(request_, 1)) >= 55
    assert frame_map(trained(request_, 3)) < 95


def test_an_untrained_model_finds_nothing(request_: Request) -> None:
    overrides = ("training.steps=1", "actionness.steps=1")
    untrained = replace(request_, variant="no-refinement", overrides=overrides)
    assert frame_map(run(Plan.of(untrained))) < 5


def test_results_lie_where_the_readme_says(request_: Request) -> None:
    assert list(Path(request_.runs_dir).glob("ucf24-mini@1.small/*/result.json"))
