"""Long videos of shots: lengths, frame rates, reflections, and hands that do another thing than legs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datasets.mini import daly, daly_script
from datasets.mini.ava_classes import ACTIONS
from datasets.mini.classes import DALY_MINI, MiniClass, mirror_labels, pose_groups
from datasets.mini.draw import Draw
from datasets.mini.figure import Point
from datasets.mini.film import lengths, mirrored, paced, pictures
from datasets.mini.scene import Person, parts_of, person_doing
from datasets.mini.stage import Wardrobe


def somebody(doing: MiniClass, number: int = 0) -> Person:
    draw = Draw("film", doing.name, number)
    return person_doing(draw, doing, Wardrobe(draw).look(draw), 60.0, (0, 40), (160, 120))


def test_shots_fill_the_film() -> None:
    for number in range(50):
        found = lengths(Draw(number), 100 + 37 * number, 30, 90)
        assert sum(found) == 100 + 37 * number
        assert min(found) >= 30
        assert max(found[:-1], default=0) <= 90
        assert found[-1] <= 120


@pytest.mark.parametrize("doing", [one for one in DALY_MINI if one.motion_only], ids=lambda one: one.name)
def test_a_second_holds_the_same_motion_at_any_frame_rate(doing: MiniClass) -> None:
    slow = somebody(doing)
    fast = paced(slow, 25 / 50)
    for frame in range(20):
        at_25, at_50 = slow.at(frame), fast.at(2 * frame)
        assert (at_25.u, math.sin(at_25.theta)) == pytest.approx((at_50.u, math.sin(at_50.theta)))


def test_a_reflection_does_the_same_the_other_way_round() -> None:
    doing = next(one for one in DALY_MINI if one.name == "WipingClockwiseSlow")
    person = replace(somebody(doing), jitter=(0.0,) * 8)
    away = mirrored(person, 0.0, 0.0, 42.0)
    assert away.framed
    for frame in (0, 5, 11):
        body, (_, _, *reflected) = parts_of(person, frame), parts_of(away, frame)
        assert len(body) == len(reflected)
        ours = {(round(-x, 6), round(y, 6)) for part in body for x, y in part.points if not part.filled}
        theirs = {(round(x, 6), round(y, 6)) for part in reflected for x, y in part.points if not part.filled}
        assert ours == theirs


def test_hands_act_apart_from_legs_and_from_each_other() -> None:
    by_name = {action.name: somebody(action.doing) for action in ACTIONS.values()}
    walker = by_name["walk to the left"]
    left, right = replace(by_name["drink"], side=-1), replace(by_name["wave slowly"], side=1)
    busy = replace(walker, upper=(left, right))

    def limbs(person: Person) -> tuple[list[tuple[Point, ...]], list[tuple[Point, ...]]]:
        strokes = [part for part in parts_of(person, 7) if not part.filled]
        legs = [part.points for part in strokes if part.colour == person.look.trousers]
        return legs, [part.points for part in strokes if len(part.points) == 3 and part.points not in legs]

    assert limbs(busy)[0] == limbs(walker)[0]
    assert limbs(busy)[1][0] == limbs(replace(walker, upper=(left,)))[1][0]
    assert limbs(busy)[1][1] == limbs(replace(walker, upper=(right,)))[1][1]


def test_groups_of_daly_differ_in_motion_alone() -> None:
    groups = pose_groups(DALY_MINI)
    assert {family: len(names) for family, names in groups.items()} == {"wipe": 4, "sweep": 2}
    swapped = mirror_labels(DALY_MINI)
    names = [one.name for one in DALY_MINI]
    assert names[swapped[names.index("WipingClockwiseFast")]] == "WipingAnticlockwiseFast"
    assert names[swapped[names.index("SweepingOutQuick")]] == "SweepingOutQuick"


def test_boxes_hold_what_is_drawn() -> None:
    """The picture changes inside the boxes of those who act, beside camera and noise nowhere else."""
    reel = daly.reels(Path(), "micro")[3]
    script = daly_script.script(reel)
    shot = replace(script.shots[0], frames=12)
    bare = replace(shot, roles=())
    with_people, without = (list(pictures(Draw("same"), one)) for one in (shot, bare))
    for (pixels, extents_R4), (empty, _) in zip(with_people, without, strict=True):
        drawn = np.abs(pixels.astype(int) - empty).max(axis=2) > 40
        y, x = np.nonzero(drawn)
        inside = np.zeros(len(x), bool)
        for x1, y1, x2, y2 in extents_R4:
            inside |= (x >= x1 - 2) & (x <= x2 + 1) & (y >= y1 - 2) & (y <= y2 + 1)
        assert len(x) > 200
        assert inside.mean() > 0.97
