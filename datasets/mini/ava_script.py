"""What happens in a movie of `ava-mini`: shots of one to four people, each with a posture and busy hands."""

from __future__ import annotations

from dataclasses import replace

from datasets.mini.ava_classes import ACTIONS, Action
from datasets.mini.draw import Draw
from datasets.mini.figure import Look
from datasets.mini.film import Film, Format, Reel, Role, Script, Shot, lengths, paced, shoot, view_of
from datasets.mini.poses import ONE_ARMED
from datasets.mini.scene import Person, far_enough, person_doing
from datasets.mini.stage import Backdrop, Wardrobe

FORMATS = ((160, 120), (192, 108), (200, 88))
RATES = (24, 25, 30)
SHOT = (45, 90)
"""Fewest frames of a shot, and most of one that another follows, at 25 a second."""


def _numbers(*families: str) -> tuple[int, ...]:
    return tuple(number for number, action in ACTIONS.items() if action.doing.family in families)


STAND = _numbers("stand")[0]
POSTURES = (STAND, *_numbers("stand", "crouch", "squat", "walk"))
HANDS = _numbers("wave", "wipe", "drink", "fold", "phone", "photo")
WHOLE = tuple(number for number, action in ACTIONS.items() if action.whole)


def script(reel: Reel) -> Script:
    """What happens in a movie."""
    draw, clothes = Draw(reel.key), Wardrobe(Draw(reel.key, "clothes"))
    form = Format(draw.pick(FORMATS), draw.pick(RATES))
    total = round(draw.between(*reel.seconds) * form.rate)
    shortest, longest = (round(frames / form.pace) for frames in SHOT)
    shots = []
    for frames in lengths(draw, total, shortest, longest):
        place = Draw(reel.key, "place", draw.integer(0, 2))
        backdrop = Backdrop(place, draw, frames, view_of(form))
        shots.append(Shot(frames, backdrop, _people(draw, form, frames, clothes)))
    return Script(form, tuple(shots), draw)


def render_movie(reel: Reel) -> Film:
    """Render one movie into its file."""
    return shoot(reel, script(reel))


def _people(draw: Draw, form: Format, frames: int, clothes: Wardrobe) -> tuple[Role, ...]:
    lot = draw.unit()
    count = 1 if lot < 0.30 else 2 if lot < 0.70 else 3 if lot < 0.92 else 4
    found: list[Role] = []
    for _ in range(count):
        look, height = clothes.look(draw), draw.between(*form.heights(count))
        for _ in range(12):
            role = _role(draw, form, look, height, frames)
            if far_enough([other.person for other in found], role.person):
                break
        found.append(role)
    return tuple(found)


def _role(draw: Draw, form: Format, look: Look, height: float, frames: int) -> Role:
    """Somebody busy with the whole body; or a posture, and hands that rest, act or hold a pose."""

    def doing(action: Action, acting: bool = True) -> Person:
        span = (0, frames) if acting else (0, 0)
        return paced(person_doing(draw, action.doing, look, height, span, form.size), form.pace)

    if draw.unit() < 0.06:
        whole = draw.pick(WHOLE)
        held = ACTIONS[whole].kind != ACTIONS[STAND].kind
        return Role(doing(ACTIONS[whole]), (STAND, whole) if held else (whole,))
    posture, lot = draw.pick(POSTURES), draw.unit()
    person = doing(ACTIONS[posture])
    if lot < 0.15:
        return Role(person, (posture,))
    if lot < 0.25:
        return Role(replace(person, upper=(doing(ACTIONS[draw.pick(HANDS)], acting=False),)), (posture,))
    hands = [draw.pick(HANDS)]
    second = draw.pick(HANDS)
    one_armed = all(ACTIONS[one].doing.family in ONE_ARMED for one in (*hands, second))
    if lot > 0.70 and one_armed and ACTIONS[second].doing.family != ACTIONS[hands[0]].doing.family:
        hands.append(second)
    upper = [doing(ACTIONS[one]) for one in hands]
    upper[1:] = [replace(one, side=-upper[0].side) for one in upper[1:]]
    return Role(replace(person, upper=tuple(upper)), tuple(sorted((posture, *hands))))
