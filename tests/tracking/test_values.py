"""What a result is called in MLflow."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bench.results.result import Result
from bench.sources import Source
from bench.tracking.values import accepted, class_slugs, flat_metrics, flatten, run_key


def test_slugs_are_plain_and_unique() -> None:
    slugs = class_slugs(["CliffDiving", "cliff diving", "Cliff_Diving-2", "()", "bend/bow (at the waist)"])
    assert slugs["CliffDiving"] == "cliff-diving"
    assert len(set(slugs.values())) == 5


@given(st.lists(st.text(max_size=300), unique=True, max_size=8))
def test_slugs_of_any_names_are_plain_and_unique(names: list[str]) -> None:
    slugs = class_slugs(names)
    assert len(set(slugs.values())) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) and len(slug) < 100 for slug in slugs.values())


@given(st.text(min_size=1, max_size=400))
def test_any_name_is_accepted(name: str) -> None:
    assert len(accepted(name)) <= 250
    assert re.fullmatch(r"[\w./ -]+", accepted(name))


def test_not_applicable_is_absent(stored: tuple[Result, Path]) -> None:
    result, _ = stored
    flat = flat_metrics(replace(result, metrics={"video_map/0.50": None}))
    assert "video_map/0.50" not in flat
    assert "frame_ap/0.50/fencing" not in flat
    assert flat["fps/evaluation"] == 21.5
    assert flat["error/frame/missed"] == 7.25


def test_keys_tell_runs_apart(stored: tuple[Result, Path]) -> None:
    identity = stored[0].identity
    keys = {
        run_key(replace(identity, seed=seed, method=m))
        for seed in (0, 1)
        for m in ("a", "b" * 9999, "b" * 9998)
    }
    assert len(keys) == 6
    assert all(re.fullmatch(r"[\w+.-]+", key) for key in keys)


def test_runs_of_other_weights_are_told_apart_wherever_these_lie(stored: tuple[Result, Path]) -> None:
    identity = stored[0].identity
    keys = [
        run_key(replace(identity, sources={"model.pretrained": Source(name, digest)} if name else {}))
        for name, digest in (("", ""), ("a.pth", "0"), ("b.pth", "0"), ("a.pth", "1"))
    ]
    assert keys[1] == keys[2]
    assert len(set(keys)) == 3
    assert keys[0] == run_key(identity)


def test_nested_mappings_become_names_with_dots() -> None:
    assert flatten({"a": {"b": 1, "c": {"d": None}}}, "x") == {"x.a.b": 1, "x.a.c.d": None}
    assert flatten({"a": {"b": 1}}, "") == {"a.b": 1}
