"""The pose families: joint angles of a person as a function of a phase.

A phase is (`u`, `theta`): `u` in [0, 1] from a triangle, `theta` a rotation in radians. Nothing else about a
motion reaches the pose, so classes of one family cannot differ in one frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

UPPER_ARM, FOREARM = 0.17, 0.16  # body heights
Limb = tuple[
    float, float
]  # radians: upper part from hanging down, outwards positive; lower part relative to it


@dataclass(frozen=True)
class Phase:
    """`u` in [0, 1], `theta` radians; `side`: -1 or 1, which arm or leg acts; `jitter`: 8 numbers in
    [-1, 1] of the actor."""

    u: float
    theta: float
    side: int
    jitter: tuple[float, ...]

    def span(self, low: float, high: float) -> float:
        """`u` mapped to low...high."""
        return low + (high - low) * self.u


@dataclass(frozen=True)
class Pose:
    """Joint angles; limbs are (image left, image right). `lean`: rotation of the body in radians, clockwise
    in the image; `jump`: body heights above the ground; `width`: of shoulders and hips, below 1 seen from
    the side; `airborne`: rotate about the pelvis at a fixed height instead of standing on the lowest limb."""

    arms: tuple[Limb, Limb]
    legs: tuple[Limb, Limb]
    lean: float = 0.0
    jump: float = 0.0
    width: float = 1.0
    airborne: bool = False


def _pair(side: int, acting: Limb, other: Limb) -> tuple[Limb, Limb]:
    return (acting, other) if side < 0 else (other, acting)


def _rest_arm(phase: Phase, number: int) -> Limb:
    return (0.30 + 0.20 * phase.jitter[number], 0.15 * phase.jitter[number + 1])


def _stand(phase: Phase) -> tuple[Limb, Limb]:
    spread = 0.16 + 0.08 * phase.jitter[6]
    return (spread, -0.05), (spread, -0.05)


def _lean(phase: Phase) -> float:
    return 0.07 * phase.jitter[7]


def circle(phase: Phase) -> Pose:
    """Both arms wheel like a windmill's, about opposite to each other."""
    bend = 0.35 * phase.jitter[0]
    apart = math.pi + 0.5 * phase.jitter[1]
    left = phase.theta + apart
    return Pose(((left, bend), (-phase.theta, bend)), _stand(phase), _lean(phase))


def walk(phase: Phase) -> Pose:
    """Legs open and close, arms swing against them; the body is seen from the front, whichever way it
    goes."""
    swing = phase.span(-0.48, 0.48)
    arm = phase.span(0.70, 0.05)
    bend = 0.35 * phase.jitter[0]
    return Pose(((arm, bend), (arm, bend)), ((swing, 0.0), (swing, 0.0)), _lean(phase), width=0.8)


def spin(phase: Phase) -> Pose:
    """The whole body turns in the image: a cartwheel."""
    arms = 2.45 + 0.2 * phase.jitter[0]
    legs = 0.45 + 0.15 * phase.jitter[1]
    return Pose(((arms, 0.0), (arms, 0.0)), ((legs, 0.0), (legs, 0.0)), phase.theta, airborne=True)


def wave(phase: Phase) -> Pose:
    """One arm goes up from the hip to above the head and back."""
    acting = (phase.span(0.55, 2.75) + 0.15 * phase.jitter[0], 0.25 * phase.jitter[1])
    return Pose(_pair(phase.side, acting, _rest_arm(phase, 2)), _stand(phase), _lean(phase))


def squat(phase: Phase) -> Pose:
    """Knees bend outwards, the body sinks, the arms come forward."""
    knee = phase.span(0.12, 1.20)
    arms = (phase.span(0.35, 1.25) + 0.15 * phase.jitter[0], 0.2 * phase.jitter[1])
    return Pose((arms, arms), ((knee, -1.75 * knee), (knee, -1.75 * knee)), _lean(phase))


def kick(phase: Phase) -> Pose:
    """One leg rises sideways to the height of the hip."""
    acting = (phase.span(0.10, 1.65), -0.15 + 0.15 * phase.jitter[0])
    arms = (0.75 + 0.25 * phase.jitter[1], 0.2 * phase.jitter[2])
    return Pose((arms, arms), _pair(phase.side, acting, (0.06, -0.03)), _lean(phase) - 0.1 * phase.side)


def ball(phase: Phase) -> Pose:
    """One arm pats a bouncing ball; the knees are slightly bent."""
    acting = (phase.span(0.45, 0.95), phase.span(0.10, 0.35))
    legs = (0.38, -0.62)
    return Pose(_pair(phase.side, acting, _rest_arm(phase, 2)), (legs, legs), 0.12 * phase.side)


def barbell(phase: Phase) -> Pose:
    """A bar goes from the shoulders to above the head."""
    upper = phase.span(0.85, 2.70)
    arms = (upper, 3.0 - upper)
    return Pose((arms, arms), ((0.34, -0.20), (0.34, -0.20)), 0.02 * phase.jitter[7])


def hoop(phase: Phase) -> Pose:
    """Arms out, the hip sways with the hoop."""
    arms = (1.35 + 0.15 * phase.jitter[0], 0.55)
    return Pose((arms, arms), ((0.2, -0.1), (0.2, -0.1)), 0.10 * math.sin(phase.theta))


def jack(phase: Phase) -> Pose:
    """Legs apart and arms over the head, together and down, with a jump between."""
    arms = (phase.span(0.25, 2.80), 0.1 * phase.jitter[0])
    legs = (phase.span(0.06, 0.55), 0.0)
    return Pose((arms, arms), (legs, legs), jump=0.30 * phase.u * (1.0 - phase.u))


def pushup(phase: Phase) -> Pose:
    """The body lies along the ground, seen from the side, on hands and toes."""
    lean = phase.span(1.16, 1.40)
    reach = min(1.0, 0.81 * math.cos(lean) / 0.33)
    bend = math.acos(reach)
    ahead, behind = (lean + bend, -2.0 * bend), (-lean - bend, 2.0 * bend)
    arms = (behind, ahead) if phase.side > 0 else (ahead, behind)
    return Pose(arms, ((0.0, 0.0), (0.0, 0.0)), lean * phase.side, width=0.35)


def racket(phase: Phase) -> Pose:
    """One arm swings a racket from behind the shoulder down to the front."""
    acting = (phase.span(2.35, 0.60), phase.span(0.5, -0.2))
    legs = (0.36, -0.30)
    return Pose(_pair(phase.side, acting, (0.9, 0.5)), (legs, legs), phase.side * phase.span(-0.10, 0.15))


def rope(phase: Phase) -> Pose:
    """Hands at the hips, jumping while the rope passes below."""
    arms = (0.75, 0.45)
    below = max(0.0, math.cos(phase.theta))
    return Pose((arms, arms), ((0.06, -0.03), (0.06, -0.03)), jump=0.12 * below)


def board(phase: Phase) -> Pose:
    """On a skateboard, knees bent, arms out for balance."""
    arms = (phase.span(1.2, 1.6), 0.2 * phase.jitter[0])
    legs = (phase.span(0.50, 0.75), phase.span(-0.70, -1.15))
    return Pose((arms, arms), (legs, legs), phase.span(-0.10, 0.10))


def sword(phase: Phase) -> Pose:
    """A lunge: the leading leg bends, the arm with the sword stretches."""
    acting = (phase.span(0.80, 1.50), phase.span(1.10, 0.0))
    front = (phase.span(0.35, 1.05), phase.span(-0.45, -1.0))
    back = (phase.span(0.25, 0.75), 0.0)
    return Pose(_pair(phase.side, acting, (1.9, 0.9)), _pair(phase.side, front, back), 0.08 * phase.side)


def _reach(out: float, down: float) -> Limb:
    """The arm whose hand is at that place from its shoulder, in body heights, elbow low; stretched towards
    it where it is too far, and not nearer to the shoulder than an arm can bend."""
    far = min(max(math.hypot(out, down), 0.02), 0.999 * (UPPER_ARM + FOREARM))
    lift = math.acos((UPPER_ARM**2 + far**2 - FOREARM**2) / (2.0 * UPPER_ARM * far))
    bend = math.acos((far**2 - UPPER_ARM**2 - FOREARM**2) / (2.0 * UPPER_ARM * FOREARM))
    return math.atan2(out, down) - lift, bend


def stand(phase: Phase) -> Pose:
    """At rest."""
    return Pose((_rest_arm(phase, 0), _rest_arm(phase, 2)), _stand(phase), _lean(phase))


def crouch(phase: Phase) -> Pose:
    """Knees bent, arms at rest."""
    knee = 1.05 + 0.1 * phase.jitter[4]
    legs = (knee, -1.75 * knee)
    return Pose((_rest_arm(phase, 0), _rest_arm(phase, 2)), (legs, legs), _lean(phase))


def wipe(phase: Phase) -> Pose:
    """One hand wipes circles on an unseen window."""
    x = phase.side * (0.18 + 0.01 * phase.jitter[0]) + 0.15 * math.cos(phase.theta)
    acting = _reach(phase.side * x, -0.08 + 0.15 * math.sin(phase.theta))
    return Pose(_pair(phase.side, acting, _rest_arm(phase, 2)), _stand(phase), _lean(phase))


def sweep(phase: Phase) -> Pose:
    """Both hands on a broom whose head goes out to the side and back."""
    acting, other = _reach(phase.span(-0.05, 0.03), 0.30), _reach(-0.12, 0.18)
    return Pose(_pair(phase.side, acting, other), _stand(phase))


def drink(phase: Phase) -> Pose:
    """A cup goes from the waist to the mouth."""
    acting = _reach(phase.span(0.06, -0.06), phase.span(0.18, -0.07))
    return Pose(_pair(phase.side, acting, _rest_arm(phase, 2)), _stand(phase), _lean(phase))


def phone(phase: Phase) -> Pose:
    """One hand at the ear, the other speaks along."""
    talking = (phase.span(0.35, 0.85), phase.span(0.9, 1.5))
    return Pose(_pair(phase.side, _reach(0.03, -0.12), talking), _stand(phase), _lean(phase))


def photo(phase: Phase) -> Pose:
    """Both hands hold a camera before the eyes, and the body turns with it."""
    arm = _reach(-0.02, phase.span(-0.08, -0.12))
    return Pose((arm, arm), _stand(phase), phase.span(-0.14, 0.14))


def fold(phase: Phase) -> Pose:
    """Both hands spread a sheet and close it."""
    arm = (phase.span(0.15, 1.15), phase.span(0.15, 0.45))
    return Pose((arm, arm), _stand(phase), _lean(phase))


EVERY = (
    *(circle, walk, spin, wave, squat, kick, ball, barbell, hoop, jack, pushup, racket, rope, board, sword),
    *(stand, crouch, wipe, sweep, drink, phone, photo, fold),
)
FAMILIES: dict[str, Callable[[Phase], Pose]] = {one.__name__: one for one in EVERY}
ONE_ARMED = ("wave", "wipe", "drink", "phone")
"""Families in which the arm of a person's ``side`` acts and the other can do something else."""
