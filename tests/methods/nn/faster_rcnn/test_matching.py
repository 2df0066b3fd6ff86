"""Which anchors and regions stand for what, and which are trained."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from methods.nn.faster_rcnn.boxes import REGION_CODER, decoded
from methods.nn.faster_rcnn.config import ProposalConfig, RegionConfig
from methods.nn.faster_rcnn.matching import (
    BACKGROUND,
    IGNORED,
    Truth,
    anchor_matches,
    balanced,
    region_matches,
    sampled_anchors,
    sampled_regions,
)

NOBODY = Truth(torch.zeros(0, 2, 4), torch.zeros(0, dtype=torch.int64))
TWO = Truth(torch.tensor([[[0.0, 0, 20, 40]] * 2, [[60.0, 40, 80, 90]] * 2]), torch.tensor([4, 0]))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_anchors_stand_for_what_they_overlap_most() -> None:
    overlap = torch.tensor([[0.8, 0.7], [0.1, 0.2], [0.4, 0.0], [0.71, 0.72], [0.0, 0.29]])
    assert anchor_matches(overlap, 0.7, 0.3).tolist() == [0, BACKGROUND, IGNORED, 1, BACKGROUND]


def test_truth_has_the_anchors_that_overlap_it_most_however_little() -> None:
    overlap = torch.tensor([[0.8, 0.0], [0.0, 0.2], [0.0, 0.2], [0.0, 0.1]])
    assert anchor_matches(overlap, 0.7, 0.3).tolist() == [0, 1, 1, BACKGROUND]


def test_the_best_anchor_of_one_truth_stands_for_another_that_it_overlaps_more() -> None:
    assert anchor_matches(torch.tensor([[0.9, 0.2], [0.95, 0.0]]), 0.7, 0.3).tolist() == [0, 0]


def test_truth_that_no_anchor_touches_has_none() -> None:
    assert anchor_matches(torch.zeros(3, 1), 0.7, 0.3).tolist() == [BACKGROUND] * 3
    assert anchor_matches(torch.zeros(3, 0), 0.7, 0.3).tolist() == [BACKGROUND] * 3


def test_regions_are_background_in_a_range_of_overlap() -> None:
    overlap = torch.tensor([[0.5, 0.6], [0.5, 0.0], [0.49, 0.1], [0.1, 0.1], [0.09, 0.0]])
    config = RegionConfig(background=0.1)
    assert region_matches(overlap, config).tolist() == [1, 0, BACKGROUND, BACKGROUND, IGNORED]
    assert region_matches(overlap[:, :0], config).tolist() == [BACKGROUND] * 5


MATCHES = st.lists(st.sampled_from([IGNORED, BACKGROUND, 0, 3]), max_size=40).map(
    lambda found: torch.tensor(found, dtype=torch.int64)
)


@settings(max_examples=50, deadline=None)
@given(MATCHES, st.integers(1, 20), st.sampled_from([0.25, 0.5]), st.integers(0, 9))
def test_a_choice_is_balanced(match: Tensor, count: int, share: float, seed: int) -> None:
    chosen = balanced(match, count, share, seeded(seed))
    kinds = match[chosen]
    positive, background = int((kinds >= 0).sum()), int((kinds == BACKGROUND).sum())
    assert len(set(chosen.tolist())) == len(chosen) == positive + background
    assert (kinds[:positive] >= 0).all()
    assert positive == min(max(1, round(count * share)), int((match >= 0).sum()))
    assert background == min(count - positive, int((match == BACKGROUND).sum()))
    assert torch.equal(balanced(match, count, share, seeded(seed)), chosen)


def test_a_generator_leaves_the_global_one_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    balanced(torch.zeros(9, dtype=torch.int64), 4, 0.5, seeded(1))
    assert torch.equal(torch.rand(1), expected)


def test_anchors_are_chosen_among_those_that_may_be() -> None:
    anchors = torch.tensor([[0.0, 0, 20, 40], [60.0, 40, 80, 90], [0.0, 50, 20, 90], [10.0, 0, 30, 40]])
    config = ProposalConfig(batch=4)
    found = sampled_anchors(anchors, torch.tensor([1, 2, 3]), TWO, config, seeded(0))
    assert found.row_S.tolist() in ([1, 3, 2], [3, 1, 2])  # 3 is the best that is left of the first
    assert found.class_S.tolist() == [1, 1, 0]
    first = found.row_S.tolist().index(3)
    torch.testing.assert_close(found.offsets_PK4[first], torch.tensor([[-0.5, 0, 0, 0]] * 2))
    torch.testing.assert_close(found.offsets_PK4[1 - first], torch.zeros(2, 4))


def test_without_truth_all_anchors_and_regions_are_background() -> None:
    anchors = torch.tensor([[0.0, 0, 20, 40], [60.0, 40, 80, 90]])
    found = sampled_anchors(anchors, torch.arange(2), NOBODY, ProposalConfig())
    assert found.class_S.tolist() == [0, 0]
    assert found.offsets_PK4.shape == (0, 2, 4)
    regions = sampled_regions(anchors[:, None].repeat(1, 2, 1), NOBODY, RegionConfig(background=0.1))
    assert regions.class_S.tolist() == [0, 0]
    assert regions.offsets_PK4.shape == (0, 2, 4)


def test_truth_is_among_the_regions_and_offsets_lead_to_it() -> None:
    proposals = torch.tensor([[[2.0, 0, 20, 40]] * 2, [[30.0, 0, 50, 40]] * 2])
    found = sampled_regions(proposals, TWO, RegionConfig(batch=8, foreground=0.5), seeded(0))
    assert sorted(found.class_S.tolist()) == [0, 1, 5, 5]  # classes from 1
    assert found.class_S[-1] == 0
    reached = decoded(found.offsets_PK4, found.boxes_SK4[:3], REGION_CODER)
    row_P = torch.tensor([0 if c == 5 else 1 for c in found.class_S[:3].tolist()])
    torch.testing.assert_close(reached, TWO.boxes_GK4[row_P])


def test_a_region_right_in_half_of_the_frames_alone_is_judged_by_the_mean() -> None:
    proposal = torch.tensor([[[0.0, 0, 20, 40], [0.0, 0, 20, 19]]])
    one = Truth(TWO.boxes_GK4[:1], TWO.label_G[:1])
    config = RegionConfig(batch=8, foreground=0.5, positive=0.75)
    assert sorted(sampled_regions(proposal, one, config).class_S.tolist()) == [0, 5]
    config = replace(config, positive=0.73)
    assert sorted(sampled_regions(proposal, one, config).class_S.tolist()) == [5, 5]


def test_truth_of_other_shapes_or_without_extent_is_refused() -> None:
    label = torch.zeros(1, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"boxes \(G, K, 4\) and labels \(G,\), not \(1, 4\) and \(1,\)"):
        Truth(torch.ones(1, 4), label)
    with pytest.raises(ValueError, match=r"not \(2, 1, 4\) and \(1,\)"):
        Truth(torch.ones(2, 1, 4), label)
    with pytest.raises(ValueError, match="no width or no height"):
        Truth(torch.tensor([[[3.0, 3, 3, 9]]]), label)
