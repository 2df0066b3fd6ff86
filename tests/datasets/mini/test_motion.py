"""One frame holds no motion: within a pose group, phases, places and boxes do not depend on the class."""

from __future__ import annotations

import math

import numpy as np
import pytest

from datasets.mini.classes import JHMDB_MINI, UCF24_MINI, MiniClass, mirror_labels, pose_groups
from datasets.mini.draw import Draw
from datasets.mini.figure import Look, box, paint, strokes
from datasets.mini.poses import FAMILIES, Phase
from datasets.mini.props import prop_strokes
from datasets.mini.scene import Person, Setting, cast
from datasets.mini.stage import Wardrobe

LOOK = Look(*((200, 200, 200),) * 6, sleeves=True, thickness=1.0)
MOVING = [one for one in (*UCF24_MINI, *JHMDB_MINI) if one.motion_only]


def test_groups() -> None:
    for classes, names in (
        (UCF24_MINI, {"circle", "walk", "wave", "squat"}),
        (JHMDB_MINI, {"spin", "kick", "squat"}),
    ):
        groups = pose_groups(classes)
        assert groups.keys() == names
        assert {len(group) for group in groups.values()} == {4}
        alone = [one.family for one in classes if not one.motion_only]
        assert len(set(alone)) == len(alone)
        assert names.isdisjoint(alone)


def test_mirror_swaps_left_and_right() -> None:
    names = [one.name for one in UCF24_MINI]
    pairs = {names[a]: names[b] for a, b in enumerate(mirror_labels(UCF24_MINI)) if a != b}
    assert pairs["WalkLeftSlow"] == "WalkRightSlow"
    assert len(pairs) == 8
    assert pairs["ArmCircleClockwiseFast"] == "ArmCircleAnticlockwiseFast"
    mirrored = mirror_labels(JHMDB_MINI)
    assert [mirrored[label] for label in mirrored] == list(range(21))


def people(doing: MiniClass, count: int, trimmed: bool) -> list[Person]:
    classes = UCF24_MINI if doing in UCF24_MINI else JHMDB_MINI
    found: list[Person] = []
    for number in range(count):
        draw = Draw("motion", doing.name, number)
        found += cast(draw, doing, classes, Setting((48, 48), trimmed), Wardrobe(draw), 48)[0]
    return found


def at_random_frames(doing: MiniClass, trimmed: bool) -> np.ndarray:
    """u, theta, x, height, side, length of the tube at one random acting frame of each actor, as shares."""
    rows = []
    for number, one in enumerate(people(doing, 300, trimmed)):
        frame = Draw("frame", doing.name, number).integer(one.start, one.end - 1)
        phase, (x, _, height) = one.at(frame), one.origin(frame, 23.5)
        turn = phase.theta / (2.0 * math.pi) % 1.0
        rows.append((phase.u, turn, x / 128.0, height / 128.0, phase.side / 2, (one.end - one.start) / 48))
    return np.array(rows)


def distance(one: np.ndarray, two: np.ndarray) -> float:
    """Kolmogorov-Smirnov distance of two samples."""
    places = np.concatenate([one, two])
    below = [(np.sort(sample).searchsorted(places, "right") / len(sample)) for sample in (one, two)]
    return float(np.abs(below[0] - below[1]).max())


@pytest.mark.parametrize("classes", [UCF24_MINI, JHMDB_MINI])
def test_one_frame_is_alike_within_a_group(classes: tuple[MiniClass, ...]) -> None:
    trimmed = classes is JHMDB_MINI
    for names in pose_groups(classes).values():
        group = [one for one in classes if one.name in names]
        samples = [at_random_frames(one, trimmed) for one in group]
        for sample in samples[1:]:
            for column in range(sample.shape[1]):
                assert distance(sample[:, column], samples[0][:, column]) < 0.14


@pytest.mark.parametrize("doing", MOVING, ids=lambda one: one.name)
def test_every_phase_gets_equal_time(doing: MiniClass) -> None:
    seen = at_random_frames(doing, False)
    uniform = np.linspace(0.0, 1.0, 2001)
    if doing.motion.rise:
        assert distance(seen[:, 0], uniform) < 0.08
    assert distance(seen[:, 1], uniform) < 0.08


def test_poses_are_held_outside_the_action() -> None:
    for one in people(UCF24_MINI[0], 20, False):
        assert {one.at(frame) for frame in range(one.start + 1)} == {one.at(0)}
        assert {one.at(frame) for frame in range(one.end - 1, 48)} == {one.at(47)}
        assert one.at(one.start) != one.at(one.start + 1)


def test_bystanders_are_frozen_in_other_poses() -> None:
    doing, seen = UCF24_MINI[12], 0
    for number in range(60):
        draw = Draw("idle", number)
        for one in cast(draw, doing, UCF24_MINI, Setting((48, 48), False), Wardrobe(draw), 48)[1]:
            assert one.family != doing.family
            assert len({one.at(frame) for frame in range(48)}) == 1
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_box_is_the_extent_of_the_drawing(family: str) -> None:
    for u in (0.0, 0.3, 0.7, 1.0):
        phase = Phase(u, 6.0 * u, 1, (0.5,) * 8)
        pose = FAMILIES[family](phase)
        parts = strokes(pose, prop_strokes(family, phase, pose, (90, 200, 90)), LOOK)
        canvas = np.zeros((300, 300, 3), np.uint8)
        paint(canvas, [part for part in parts if part.boxed], (150.0, 200.0), 100.0)
        ys, xs = np.nonzero(canvas.max(axis=2) > 30)
        drawn = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        expected = np.array(box(parts)) * 100.0 + np.array([150.0, 200.0, 150.0, 200.0])
        assert np.abs(drawn - expected).max() < 3.5
