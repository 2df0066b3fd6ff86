"""Why our number may differ from the paper's: the flow that is compared is that of the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import datasets
import methods.base
from bench.results.result import Result
from methods.base import Info
from reports.gaps import gap
from reports.published import Number, numbers

Make = Callable[..., Path]
ANSWERED = [number for number in numbers() if number.our_method]


def flow_of_ours(number: Number) -> str:
    """The flow of the variant that answers a number, in full size."""
    name = number.our_protocol.partition("/")[0]
    kind, dataset = methods.base.find(number.our_method), datasets.find(name)
    linked = dataset.ranking_metric.startswith("video_map")
    info = Info(("first", "second"), multi_label=dataset.multi_label, linked=linked)
    flow: str | None = kind(kind.configs(name, "full")[number.our_variant], info).facts()["flow_source"]
    return flow or "none"


@pytest.mark.parametrize("method", sorted({number.our_method for number in ANSWERED}))
def test_a_row_of_ours_in_full_size_sees_the_flow_of_the_papers_row(method: str) -> None:
    wrong = {
        (number.our_variant, number.our_protocol): (number.flow, ours)
        for number in ANSWERED
        if number.our_method == method and number.flow != (ours := flow_of_ours(number))
    }
    assert not wrong


def test_numbers_that_nothing_of_ours_answers_name_no_flow() -> None:
    assert {number.flow for number in numbers() if not number.our_method} == {""}


@pytest.mark.parametrize(
    ("method", "row", "flow", "reason"),
    [
        ("rfb-flow", "brox", "brox", ""),
        ("rfb-flow", "flownet2", "flownet2", ""),
        ("rfb-flow", "default", "pwc-net", ""),
        ("rfb-flow", "default", "brox", "flow: brox (paper: pwc-net)"),
        ("rfb-flow", "brox", "dis", "flow: dis (paper: brox)"),
        ("two-stream-yolo", "brox-voc", "brox", ""),
        ("two-stream-yolo", "tuned-flownet2-css-kinetics", "flownet2-css", ""),
        (
            "two-stream-yolo",
            "tuned-flownet2-kinetics",
            "flownet2-css",
            "flow: flownet2-css (paper: flownet2)",
        ),
        ("menet", "2d-flow", "raft", ""),
        ("menet", "2d-rgb", "none", ""),
    ],
)
def test_only_another_flow_than_the_rows_is_a_reason(
    make: Make, method: str, row: str, flow: str, reason: str
) -> None:
    result = Result.read(make("one", 0.5, method=method, variant=f"full+{row}"))
    assert result.training is not None
    rules = replace(result.rules, trimming="trimmed" if method == "two-stream-yolo" else "")
    training = replace(result.training, flow=flow)
    found = gap(replace(result, training=training, rules=rules, protocol=rules.id))
    assert found is not None
    assert "; ".join(one for one in found.reasons if one.startswith("flow")) == reason
