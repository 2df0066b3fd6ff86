"""The classes of the miniatures: what is done (the pose family) and how it moves.

Classes that share a family and are `motion_only` go through exactly the same poses, each phase for an equal
share of the time: a triangle of any speed or asymmetry, and a rotation of any rate or direction, visit their
range uniformly. So one frame tells the family and nothing more; telling the classes of a family apart takes
motion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FAST_TRAVEL = 0.045  # body heights a frame, the fastest walk


@dataclass(frozen=True)
class Motion:
    """How a phase runs. `rise`, `fall`: frames of a triangle's flanks (0: drawn per actor, independent of
    class); `turn`: radians a frame, positive clockwise in the image; `travel`: body heights a frame,
    positive to the right."""

    rise: float = 0.0
    fall: float = 0.0
    turn: float = 0.0
    travel: float = 0.0

    def mirrored(self) -> Motion:
        """The same motion seen in a mirror."""
        return replace(self, turn=-self.turn, travel=-self.travel)


@dataclass(frozen=True)
class MiniClass:
    """One class. `family`: its pose group, which also names the prop; `motion_only`: others share the
    family."""

    name: str
    family: str
    motion: Motion
    motion_only: bool


SLOW_TRIANGLE = Motion(rise=20.0, fall=20.0)
FAST_TRIANGLE = Motion(rise=4.5, fall=4.5)
QUICK_FALL = Motion(rise=11.0, fall=2.5)
QUICK_RISE = Motion(rise=2.5, fall=11.0)

_ROTATIONS = (("Clockwise", 1), ("Anticlockwise", -1))
_SIDES = (("Right", 1), ("Left", -1))


def _profiles(name: str, family: str, fall: str, rise: str) -> list[MiniClass]:
    motions = {"Slow": SLOW_TRIANGLE, "Fast": FAST_TRIANGLE, fall: QUICK_FALL, rise: QUICK_RISE}
    return [MiniClass(name + how, family, motion, True) for how, motion in motions.items()]


def _rotations(name: str, family: str, rates: dict[str, float]) -> list[MiniClass]:
    return [
        MiniClass(name + way + how, family, Motion(turn=sign * rate), True)
        for way, sign in _ROTATIONS
        for how, rate in rates.items()
    ]


def _walks() -> list[MiniClass]:
    rates = {"Slow": FAST_TRAVEL / 3, "Fast": FAST_TRAVEL}
    return [
        MiniClass("Walk" + way + how, "walk", Motion(travel=sign * rate), True)
        for way, sign in _SIDES
        for how, rate in rates.items()
    ]


def _alone() -> dict[str, MiniClass]:
    """Classes alone in their family: pose or prop tells them in one frame."""
    motions = {
        "BallDribble": Motion(rise=5.0, fall=5.0),
        "BarbellLift": Motion(rise=9.0, fall=9.0),
        "HoopSpin": Motion(turn=0.4),
        "JumpingJack": Motion(rise=6.0, fall=6.0),
        "PushUp": Motion(rise=8.0, fall=8.0),
        "RacketSwing": Motion(rise=4.0, fall=8.0),
        "RopeSkip": Motion(turn=0.5),
        "SkateboardRide": Motion(rise=9.0, fall=9.0, travel=0.03),
        "SwordLunge": Motion(rise=4.0, fall=7.0),
    }
    families = {"BallDribble": "ball", "BarbellLift": "barbell", "HoopSpin": "hoop", "JumpingJack": "jack"}
    families |= {"PushUp": "pushup", "RacketSwing": "racket", "RopeSkip": "rope", "SkateboardRide": "board"}
    families |= {"SwordLunge": "sword"}
    return {name: MiniClass(name, families[name], motion, False) for name, motion in motions.items()}


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


def _ucf24() -> tuple[MiniClass, ...]:
    alone = _alone()
    del alone["SwordLunge"]
    moving = _rotations("ArmCircle", "circle", {"Slow": 0.15, "Fast": 0.45}) + _walks()
    moving += _profiles("Wave", "wave", "DropQuick", "RaiseQuick")
    moving += _profiles("Squat", "squat", "RiseQuick", "DropQuick")
    return tuple(sorted([*moving, *alone.values()], key=lambda one: one.name))


def _jhmdb() -> tuple[MiniClass, ...]:
    moving = _rotations("Cartwheel", "spin", {"Slow": 0.09, "Fast": 0.30})
    moving += _profiles("Kick", "kick", "DropQuick", "LiftQuick")
    moving += _profiles("Squat", "squat", "RiseQuick", "DropQuick")
    classes = [replace(one, name=_snake(one.name)) for one in [*moving, *_alone().values()]]
    return tuple(sorted(classes, key=lambda one: one.name))


def _daly() -> tuple[MiniClass, ...]:
    alone = {"Drinking": "drink", "FoldingSheet": "fold", "Phoning": "phone", "TakingPhoto": "photo"}
    rhythm = Motion(rise=12.0, fall=12.0)
    moving = _rotations("Wiping", "wipe", {"Slow": 0.15, "Fast": 0.45})
    moving += [
        MiniClass("SweepingBackQuick", "sweep", QUICK_FALL, True),
        MiniClass("SweepingOutQuick", "sweep", QUICK_RISE, True),
    ]
    classes = [*moving, *(MiniClass(name, family, rhythm, False) for name, family in alone.items())]
    return tuple(sorted(classes, key=lambda one: one.name))


UCF24_MINI = _ucf24()
JHMDB_MINI = _jhmdb()
DALY_MINI = _daly()


def pose_groups(classes: tuple[MiniClass, ...]) -> dict[str, tuple[str, ...]]:
    """Family -> names of its motion-only classes, in label order; only families with such classes."""
    groups: dict[str, tuple[str, ...]] = {}
    for one in classes:
        if one.motion_only:
            groups[one.family] = (*groups.get(one.family, ()), one.name)
    return groups


def mirror_labels(classes: tuple[MiniClass, ...]) -> tuple[int, ...]:
    """For every label the label that it has in a horizontally flipped video: left and right change places."""
    keys = {(one.family, one.motion): label for label, one in enumerate(classes)}
    return tuple(keys.get((one.family, one.motion.mirrored()), label) for label, one in enumerate(classes))
