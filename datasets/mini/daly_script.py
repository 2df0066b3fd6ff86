"""What happens in a video of `daly-mini`: shots with an action of one of its classes, and shots without."""

from __future__ import annotations

from dataclasses import replace

from datasets.mini.classes import DALY_MINI, UCF24_MINI, MiniClass
from datasets.mini.draw import Draw
from datasets.mini.figure import Look
from datasets.mini.film import (
    Film,
    Format,
    Reel,
    Role,
    Script,
    Shot,
    lengths,
    mirrored,
    others,
    paced,
    shoot,
    view_of,
)
from datasets.mini.scene import Person, Setting, acting_span, far_enough, person_doing
from datasets.mini.stage import Backdrop, Wardrobe

FORMATS = ((160, 120), (160, 120), (192, 108), (192, 108), (120, 160))
RATES = (25, 25, 30)
SHOT = (40, 100)
"""Fewest frames of a shot, and most of one that another follows, at 25 a second."""
PASTIMES = tuple(others(UCF24_MINI, DALY_MINI))
"""What people do that is none of the classes."""


def script(reel: Reel) -> Script:
    """What happens in a video."""
    draw = Draw(reel.key)
    form = Format(draw.pick(FORMATS), draw.pick(RATES))
    second = draw.integer(0, len(DALY_MINI) - 1) if draw.unit() < 0.50 else reel.label
    total = round(draw.between(*reel.seconds) * form.rate)
    scenes = _Scenes(draw, reel.key, form, (reel.label, second))
    shortest, longest = (round(frames / form.pace) for frames in SHOT)
    shots = [scenes.shot(n, count) for n, count in enumerate(lengths(draw, total, shortest, longest))]
    return Script(form, tuple(shots), draw)


def render_film(reel: Reel) -> Film:
    """Render one video into its file."""
    return shoot(reel, script(reel))


class _Scenes:
    """The shots of one video; every one has another place and other people, as in a compilation."""

    def __init__(self, draw: Draw, key: str, form: Format, labels: tuple[int, int]) -> None:
        self._draw, self._key, self._form, self._labels = draw, key, form, labels

    def shot(self, number: int, frames: int) -> Shot:
        """The first shows the video's main action, later ones often that or the second, or none."""
        draw = self._draw
        backdrop = Backdrop(Draw(self._key, "place", number), draw, frames, view_of(self._form))
        clothes = Wardrobe(Draw(self._key, "clothes", number))
        later = number > 0
        lot = draw.unit() if later else 0.0
        if lot > 0.70:
            return Shot(frames, backdrop, self._roles([()], frames, clothes))
        doing: list[tuple[int, ...]] = [(self._labels[lot > 0.45],)]
        if draw.unit() < 0.40:
            doing.append((draw.pick(self._labels),) if draw.unit() < 0.6 else ())
        roles = self._roles(doing, frames, clothes)
        if later and draw.unit() < 0.06:
            roles = (self._cut_off(roles[0]), *roles[1:])
        elif later and len(roles) == 1 and draw.unit() < 0.15:
            roles = (*roles, self._reflection(roles[0]))
        return Shot(frames, backdrop, roles)

    def _roles(self, doing: list[tuple[int, ...]], frames: int, clothes: Wardrobe) -> tuple[Role, ...]:
        """A role for each; those without a label do something else, or hold still in a pose of a class."""
        people: list[Person] = []
        for labels in doing:
            for _ in range(12):
                person = self._person(labels, frames, clothes.look(self._draw), len(doing))
                if far_enough(people, person):
                    break
            people.append(person)
        return tuple(Role(person, labels) for person, labels in zip(people, doing, strict=True))

    def _person(self, labels: tuple[int, ...], frames: int, look: Look, people: int) -> Person:
        draw, form = self._draw, self._form
        height = draw.between(*form.heights(people))
        span = acting_span(draw, Setting((frames, frames), False, form.size), frames, height)
        what: MiniClass
        if labels:
            what, span = DALY_MINI[labels[0]], self._span(frames)
        elif draw.unit() < 0.5:
            what, span = draw.pick(others(DALY_MINI, [DALY_MINI[one] for one in self._labels])), (0, 0)
        else:
            what = draw.pick(PASTIMES)
        return paced(person_doing(draw, what, look, height, span, form.size), form.pace)

    def _span(self, frames: int) -> tuple[int, int]:
        length = round(frames * self._draw.between(0.40, 0.90))
        start = self._draw.integer(0, frames - length)
        return start, start + length

    def _cut_off(self, role: Role) -> Role:
        """The same, half out of the picture."""
        person, side = role.person, self._draw.sign()
        edge = self._form.size[0] * (side > 0)
        x = edge + side * person.height * self._draw.between(-0.05, 0.08)
        return replace(role, person=replace(person, x=x))

    def _reflection(self, role: Role) -> Role:
        draw, person, (width, _) = self._draw, role.person, self._form.size
        height = 0.7 * person.height
        room = (0.45 * height, width - 0.45 * height)
        x = room[0] if person.x > width / 2 else room[1]
        away = mirrored(person, x + draw.around(4.0), person.y - 0.12 * person.height, height)
        return replace(role, person=replace(away, drift=person.drift))
