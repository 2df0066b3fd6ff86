"""Which properties each evaluator keeps, by the table of docs/protocols.md; the engine has them all."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.protocol import EVALUATORS, Evaluator, FrameRules, TubeRules

sys.path.insert(0, str(Path(__file__).parent))
import properties
from properties import PROPERTIES
from property_scenes import SCENES, random_scene

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocols.md"
LEVELS = {
    (evaluator.name, level)
    for evaluator in EVALUATORS.values()
    for level in ("frames", "tubes")
    if getattr(evaluator, level) is not None
}


def tables() -> list[list[list[str]]]:
    """Cells of the tables of the document, header and rule left out, names bare."""
    found: list[list[list[str]]] = [[]]
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip(" `") for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [table[:1] + table[2:] for table in found if table]


EVALUATOR_TABLE, KEEPS_TABLE = tables()
KEEPS = {
    (row[0], row[1], name): cell
    for row in KEEPS_TABLE[1:]
    for name, cell in zip(KEEPS_TABLE[0][2:], row[2:], strict=True)
}
"""(evaluator, level, property) to ``yes`` or ``no``."""


def test_the_document_lists_every_evaluator_and_what_it_scores() -> None:
    listed = {row[0]: set(row[2].split(", ")) for row in EVALUATOR_TABLE[1:]}
    assert listed.keys() == EVALUATORS.keys()
    assert {(name, level) for name, levels in listed.items() for level in levels} == LEVELS


def test_the_table_has_a_word_for_every_evaluator_level_and_property() -> None:
    assert KEEPS.keys() == {(name, level, check) for name, level in LEVELS for check in PROPERTIES}
    assert set(KEEPS.values()) == {"yes", "no"}


CELLS = sorted(KEEPS)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if KEEPS[cell] == "no"], ids="-".join)
def test_what_is_not_kept_is_broken_by_a_scene(cell: tuple[str, str, str]) -> None:
    name, level, check = cell
    assert not all(PROPERTIES[check](EVALUATORS[name], scene()) for scene in SCENES[level][check])


@pytest.mark.parametrize("cell", [cell for cell in CELLS if KEEPS[cell] == "yes"], ids="-".join)
def test_what_is_kept_holds_on_all_scenes(cell: tuple[str, str, str]) -> None:
    name, level, check = cell
    for scene in SCENES[level][check]:
        assert PROPERTIES[check](EVALUATORS[name], scene())


SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if KEEPS[cell] == "yes"], ids="-".join)
@settings(max_examples=8, deadline=None, database=None)
@given(seed=SEEDS)
def test_what_is_kept_holds_on_random_scenes(cell: tuple[str, str, str], seed: int) -> None:
    name, level, check = cell
    assert PROPERTIES[check](EVALUATORS[name], random_scene(seed, level, disjoint=False))


COMMON = {
    "matching": st.sampled_from(["best-remaining", "best-of-all"]),
    "strict": st.booleans(),
    "equal_overlaps": st.sampled_from(["first", "last"]),
    "average": st.sampled_from(["trapezoid", "envelope", "101-points"]),
    "absent_classes": st.just("skip"),
}
ENGINE = {
    "frames": st.builds(FrameRules, box_extent=st.just(0), **COMMON),
    "tubes": st.builds(
        TubeRules,
        box_extent=st.just(0),
        overlap=st.sampled_from(["spatial", "spatio-temporal"]),
        spans=st.sampled_from(["boxes", "annotated"]),
        **COMMON,
    ),
}
"""The engine's rules without NMS, capacity and shift."""


@pytest.mark.parametrize("check", PROPERTIES)
@pytest.mark.parametrize("level", ENGINE)
@settings(max_examples=25, deadline=None, database=None)
@given(data=st.data(), seed=SEEDS)
def test_the_engine_has_every_property_where_truth_is_disjoint(
    level: str, check: str, data: st.DataObject, seed: int
) -> None:
    evaluator = Evaluator("engine", **{level: data.draw(ENGINE[level])})
    assert PROPERTIES[check](evaluator, random_scene(seed, level, disjoint=True))


@pytest.mark.parametrize("level", ENGINE)
@settings(max_examples=25, deadline=None, database=None)
@given(data=st.data(), seed=SEEDS)
def test_inclusive_pixels_scale_with_their_extent(level: str, data: st.DataObject, seed: int) -> None:
    evaluator = Evaluator("engine", **{level: replace(data.draw(ENGINE[level]), box_extent=1)})
    scene = random_scene(seed, level, disjoint=False)
    larger = properties.doubled(scene, 1)
    assert properties.same(properties.measure(evaluator, scene), properties.measure(evaluator, larger))
