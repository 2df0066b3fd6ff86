"""Forgiving names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.names import choose, plain

KNOWN = ("pcsc", "two-stream-yolo", "reclnet-pp", "menet")
ALIASES = {"reclnet++": "reclnet-pp", "2-stream-yolo": "two-stream-yolo"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("pcsc", "pcsc"),
        ("PCSC", "pcsc"),
        ("two_stream_yolo", "two-stream-yolo"),
        ("TwoStreamYOLO", "two-stream-yolo"),
        ("2-Stream-YOLO", "two-stream-yolo"),
        ("RecLNet++", "reclnet-pp"),
    ],
)
def test_case_and_separators_do_not_matter(name: str, wanted: str) -> None:
    assert choose(name, KNOWN, "method", ALIASES) == wanted


def test_an_exact_name_wins_over_one_spelled_alike() -> None:
    assert choose("a-1", ["a-1", "a1"], "thing") == "a-1"
    assert choose("a1", ["a1", "a-1"], "thing") == "a1"


def test_near_names_are_named() -> None:
    with pytest.raises(ValueError, match=r"^unknown method 'psc'; did you mean pcsc\?$"):
        choose("psc", KNOWN, "method")
    with pytest.raises(ValueError, match="did you mean reclnet-pp"):
        choose("reclnet+", KNOWN, "method", ALIASES)


def test_otherwise_all_are_listed() -> None:
    with pytest.raises(
        ValueError, match="unknown method 'qqq'; there are: menet, pcsc, reclnet-pp, two-stream"
    ):
        choose("qqq", KNOWN, "method")
    with pytest.raises(ValueError, match="unknown method ''; there are: menet"):
        choose("", KNOWN, "method")


@given(st.text(max_size=12))
def test_spelling_is_stable(name: str) -> None:
    assert plain(plain(name)) == plain(name)
    assert choose(name, [name], "thing") == name
