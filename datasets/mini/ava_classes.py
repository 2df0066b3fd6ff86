"""The actions of `ava-mini`, by id, as in AVA of three types; some of them are rare and not evaluated."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.mini.classes import (
    FAST_TRIANGLE,
    QUICK_FALL,
    QUICK_RISE,
    SLOW_TRIANGLE,
    MiniClass,
    Motion,
)

MOVEMENT, OBJECT, INTERACTION = "PERSON_MOVEMENT", "OBJECT_MANIPULATION", "PERSON_INTERACTION"
TRAVEL, TURN = 0.020, 0.30  # body heights, radians a frame
RHYTHM = Motion(rise=12.0, fall=12.0)


@dataclass(frozen=True)
class Action:
    """One entry of the label map. `whole`: of the whole body, so that the arms can do nothing beside it."""

    doing: MiniClass
    kind: str
    evaluated: bool = True
    whole: bool = False

    @property
    def name(self) -> str:
        """As in the label map."""
        return self.doing.name


def _moving(name: str, family: str, motion: Motion, kind: str) -> Action:
    return Action(MiniClass(name, family, motion, True), kind)


def _alone(name: str, family: str, kind: str) -> Action:
    return Action(MiniClass(name, family, RHYTHM, False), kind)


def _rare(name: str, family: str, kind: str, motion: Motion = RHYTHM) -> Action:
    return Action(MiniClass(name, family, motion, False), kind, evaluated=False, whole=True)


ACTIONS: dict[int, Action] = dict(
    enumerate(
        (
            _alone("crouch", "crouch", MOVEMENT),
            _rare("do jumping jacks", "jack", MOVEMENT),
            _rare("do push-ups", "pushup", MOVEMENT),
            _moving("squat quickly", "squat", FAST_TRIANGLE, MOVEMENT),
            _moving("squat slowly", "squat", SLOW_TRIANGLE, MOVEMENT),
            _alone("stand", "stand", MOVEMENT),
            _moving("walk to the left", "walk", Motion(travel=-TRAVEL), MOVEMENT),
            _moving("walk to the right", "walk", Motion(travel=TRAVEL), MOVEMENT),
            _rare("bounce a ball", "ball", OBJECT, FAST_TRIANGLE),
            _alone("drink", "drink", OBJECT),
            _alone("fold (a sheet)", "fold", OBJECT),
            _rare("lift (a barbell)", "barbell", OBJECT),
            _alone("phone", "phone", OBJECT),
            _rare("skip (a rope)", "rope", OBJECT, Motion(turn=0.5)),
            _rare("swing (a racket)", "racket", OBJECT),
            _alone("take a photo", "photo", OBJECT),
            _moving("wipe anticlockwise", "wipe", Motion(turn=-TURN), OBJECT),
            _moving("wipe clockwise", "wipe", Motion(turn=TURN), OBJECT),
            _moving("wave, arm falling quickly", "wave", QUICK_FALL, INTERACTION),
            _moving("wave, arm rising quickly", "wave", QUICK_RISE, INTERACTION),
            _moving("wave quickly", "wave", FAST_TRIANGLE, INTERACTION),
            _moving("wave slowly", "wave", SLOW_TRIANGLE, INTERACTION),
        ),
        start=1,
    )
)
EVALUATED = {number: action.name for number, action in ACTIONS.items() if action.evaluated}
"""Id -> name, in label order: label 0 is action 1, label 1 is action 4."""
AVA_MINI = tuple(action.doing for action in ACTIONS.values())


def label_map(ids: tuple[int, ...]) -> str:
    """Those actions as a `.pbtxt` file."""
    return "".join(
        f'label {{\n  name: "{ACTIONS[one].name}"\n  label_id: {one}\n  label_type: {ACTIONS[one].kind}\n}}\n'
        for one in ids
    )
