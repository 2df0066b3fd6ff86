"""Overrides of a config by text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest

from bench.runs.settings import apply


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    top: int | None = 40
    none: int | None = None
    size: tuple[int, int] = (4, 3)
    zoom: tuple[float, ...] = (1.0,)
    nested: tuple[tuple[int, ...], ...] = ((1,), (2,))
    mode: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if self.rate > 100:
            raise ValueError("Inner.rate is above 100")


@dataclass(frozen=True)
class Config:
    steps: int = 3
    flip: bool = True
    source: str = "dis"
    inner: Inner = field(default_factory=Inner)


DEFAULT = Config()


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("steps=500", replace(DEFAULT, steps=500)),
        (" steps = 500 ", replace(DEFAULT, steps=500)),
        ("Steps=500", replace(DEFAULT, steps=500)),
        ("flip=false", replace(DEFAULT, flip=False)),
        ("flip=True", replace(DEFAULT, flip=True)),
        ("source=tvl1", replace(DEFAULT, source="tvl1")),
        ("source=", replace(DEFAULT, source="")),
        ("source=a=b", replace(DEFAULT, source="a=b")),
        ("source=2024", replace(DEFAULT, source="2024")),
        ("inner.rate=2", replace(DEFAULT, inner=Inner(rate=2.0))),
        ("inner.rate=1e-3", replace(DEFAULT, inner=Inner(rate=0.001))),
        ("inner.top=none", replace(DEFAULT, inner=Inner(top=None))),
        ("inner.none=7", replace(DEFAULT, inner=Inner(none=7))),
        ("inner.size=(128, 96)", replace(DEFAULT, inner=Inner(size=(128, 96)))),
        ("inner.size=[128, 96]", replace(DEFAULT, inner=Inner(size=(128, 96)))),
        ("inner.zoom=(1, 2)", replace(DEFAULT, inner=Inner(zoom=(1.0, 2.0)))),
        ("inner.zoom=()", replace(DEFAULT, inner=Inner(zoom=()))),
        ("inner.nested=[[1, 2], [3]]", replace(DEFAULT, inner=Inner(nested=((1, 2), (3,))))),
        ("inner.mode=b", replace(DEFAULT, inner=Inner(mode="b"))),
    ],
)
def test_values_become_the_fields_type(setting: str, wanted: Config) -> None:
    found = apply(DEFAULT, [setting])
    assert found == wanted
    assert type(found.inner.rate) is float
    assert all(type(z) is float for z in found.inner.zoom)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("steps", "expected key=value, as in --set training.steps=500"),
        ("stesp=1", "--set stesp: unknown config key 'stesp'; did you mean steps?"),
        ("inner.rat=1", "--set inner.rat: unknown config key 'rat'; did you mean rate?"),
        ("qqq=1", "there are: flip, inner, source, steps"),
        ("inner=1", "--set inner: name one of its parts: rate, top, none, size"),
        ("steps.more=1", "--set steps.more: steps has no parts; it is 3"),
        ("steps=1.5", "--set steps: '1.5' given, a value like 3 expected"),
        ("steps=true", "--set steps: 'true' given, a value like 3 expected"),
        ("steps=many", "--set steps: 'many' given"),
        ("steps=none", "--set steps: 'none' given"),
        ("flip=1", "--set flip: '1' given, a value like True expected"),
        ("inner.rate=fast", "--set inner.rate: 'fast' given, a value like 0.5 expected"),
        ("inner.rate=1e999", "--set inner.rate: '1e999' given"),
        ("inner.none=text", "--set inner.none: 'text' given"),
        ("inner.size=(1, 2, 3)", "--set inner.size: '(1, 2, 3)' given, a value like (4, 3) expected"),
        ("inner.size=(1, 'x')", "--set inner.size"),
        ("inner.size=5", "--set inner.size: '5' given"),
        ("inner.mode=c", "--set inner.mode: 'c' given, a value like 'a' expected"),
        ("inner.rate=200", "Inner.rate is above 100"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_mend(setting: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        apply(DEFAULT, [setting])


def test_settings_apply_in_order_and_leave_the_original_alone() -> None:
    found = apply(DEFAULT, ["steps=1", "inner.top=5", "steps=2"])
    assert found == Config(steps=2, inner=Inner(top=5))
    assert Config() == DEFAULT
    assert apply(DEFAULT, []) is DEFAULT


@dataclass(frozen=True)
class Numbers:
    steps: int = 3
    predict_batch: int = 8
    nms: float | None = field(default=0.3, metadata={"range": (0.2, 0.8)})
    min_frames: int = field(default=15, metadata={"range": (1, 30)})
    score_floor: float = field(default=0.01, metadata={"range": (0.0, 0.1)})


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("steps=-3", "0 or more"),
        ("predict_batch=0", "1 or more"),
        ("nms=7", "a fraction of 0 to 1"),
        ("nms=-0.1", "a fraction of 0 to 1"),
        ("min_frames=-4", "0 or more"),
    ],
)
def test_numbers_that_can_mean_nothing_are_refused(setting: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"--set {setting.partition('=')[0]}: .* given, {said} expected"):
        apply(Numbers(), [setting])


@pytest.mark.parametrize(
    "setting", ["steps=0", "nms=1.0", "nms=0", "nms=none", "min_frames=0", "score_floor=5"]
)
def test_numbers_beyond_those_that_are_tuned_may_be_meant(setting: str) -> None:
    assert apply(Numbers(), [setting]) != Numbers()
