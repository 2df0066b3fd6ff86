"""What is searched: every field that says over which values, and settings that can be written down again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.runs import settings
from bench.tubes import PUBLISHED, Linking
from bench.tubes.trimming import ThresholdTrimming
from bench.tuning.space import Parameter, Space, usable
from bench.tuning.trials import distribution
from methods.base import available, find

METHODS = {
    f"{name} {dataset}": find(name).configs(dataset, "tiny")["default"].postprocess
    for name in available()
    for dataset in ("ucf24-mini", "jhmdb-mini")
    if hasattr(find(name).configs(dataset, "tiny")["default"], "postprocess")
}
BASES: dict[str, Any] = PUBLISHED | METHODS


def drawn(seed: int) -> Any:
    """Answers at random, as Optuna's distributions allow."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trial = study.ask()
    return lambda parameter: trial._suggest(parameter.name, distribution(parameter))


@pytest.mark.parametrize("name", BASES)
def test_defaults_are_the_base_itself(name: str) -> None:
    space = Space(BASES[name])
    assert space.chosen(lambda parameter: parameter.default) == BASES[name]
    for parameter in space.parameters().values():
        inside = parameter.choices or (parameter.low <= parameter.default <= parameter.high)  # type: ignore[operator]
        assert inside, parameter


@pytest.mark.parametrize("name", BASES)
@given(seed=st.integers(0, 10_000))
def test_whatever_is_drawn_can_be_set_by_hand(name: str, seed: int) -> None:
    base = BASES[name]
    config = Space(base).chosen(drawn(seed))
    assert settings.apply(base, settings.differences(base, config)) == config


def test_a_rule_is_searched_with_its_own_numbers() -> None:
    names = set(Space(PUBLISHED["singh"]).parameters())
    assert {
        "trimming",
        "trimming.labelling.alpha",
        "trimming.threshold.window",
        "fusion.boost.min_iou",
    } <= names
    asked: list[str] = []

    def ask(parameter: Parameter) -> Any:
        asked.append(parameter.name)
        return "threshold" if parameter.name == "trimming" else parameter.default

    chosen = Space(PUBLISHED["singh"]).chosen(ask)
    assert chosen == replace(PUBLISHED["singh"], trimming=ThresholdTrimming())
    assert "trimming.threshold.window" in asked
    assert "trimming.labelling.alpha" not in asked


def test_the_linker_itself_stays() -> None:
    names = Space(PUBLISHED["yowo"]).parameters()
    assert "linker" not in names
    assert "linker.viterbi.tracks" in names


def test_windows_stay_odd_and_wide_ranges_are_logarithmic() -> None:
    found = Space(Linking(trimming=ThresholdTrimming())).parameters()
    window = distribution(found["trimming.threshold.window"])
    assert isinstance(window, optuna.distributions.IntDistribution)
    assert (window.low % 2, window.step) == (1, 2)
    assert found["trimming.threshold.threshold"].log
    assert not found["linker.online.nms"].log


def test_numbers_that_are_tried_are_short() -> None:
    parameter = Parameter("nms", 0.123456789, low=0.2, high=0.8)
    assert parameter.rounded(0.33333333) == 0.3333
    assert parameter.rounded(0.123456789) == 0.123456789
    assert Parameter("floor", 0.1, low=0.00012345678, high=0.8).rounded(0.00012345678) >= 0.00012345678


@dataclass(frozen=True)
class Toy:
    floor: float = field(default=0.01, metadata={"range": (0.001, 0.1)})
    top: int | None = field(default=None, metadata={"range": (1, 9)})
    exact: int = 3


def test_what_can_be_absent_is_switched() -> None:
    space = Space(Toy())
    assert list(space.parameters()) == ["floor", "top.on", "top"]
    assert space.with_choice("top.on", True).top == 5


def test_a_floor_of_the_predictions_bounds_the_search() -> None:
    assert Space(Toy(), floors={"floor": 0.005}).parameters()["floor"].low == 0.005
    assert Space(Toy(), floors={"floor": 0.05}).parameters()["floor"].low == 0.01, "the default stays inside"


def test_a_base_outside_its_range_widens_it() -> None:
    parameter = Space(Toy(floor=0.5)).parameters()["floor"]
    assert (parameter.low, parameter.high) == (0.001, 0.5)
    assert Space(Toy(floor=0.0001)).parameters()["floor"].low == 0.0001


def test_some_fields_alone() -> None:
    space = Space(PUBLISHED["singh"]).restricted(("linker.*", "scoring.top"), {})
    names = set(space.parameters())
    assert names
    assert all(name.startswith(("linker.", "scoring.top")) for name in names)
    assert space.chosen(drawn(1)).trimming == PUBLISHED["singh"].trimming


def test_a_field_that_is_not_searched_says_why() -> None:
    space = Space(Toy())
    with pytest.raises(ValueError, match=r"--field model\.width: needs new predictions"):
        space.restricted(("model.width",), {"model.width": "needs new predictions"})
    with pytest.raises(ValueError, match="did you mean floor"):
        space.restricted(("flor",), {})


def test_choices_that_cannot_be_used_are_left_out_with_the_reason() -> None:
    def attempt(config: Linking) -> None:
        if config.fusion is not None:
            raise ValueError("no streams")

    space, reasons = usable(Space(PUBLISHED["singh"]), attempt)
    assert "fusion" not in space.parameters()
    assert "trimming" in space.parameters()
    assert len(reasons) == 1
    assert "fusion" in reasons[0]
    assert "boost" in reasons[0]
    assert "no streams" in reasons[0]
    assert all(space.chosen(drawn(seed)).fusion is None for seed in range(5))
