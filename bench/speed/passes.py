"""The way from a video file to action tubes, walked again and again with a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.footage import Footage
from bench.records import Detections
from bench.speed.marks import DECODE, FLOW, NETWORK, POSTPROCESS, PREDICT, Watch, measuring, part
from bench.speed.subject import Subject
from bench.video import VideoError
from bench.video.reader import kept_frames

COLD_FRAMES = 3
"""Frames pushed into a stream before its latency is taken."""

Told = Callable[[int], None]


@dataclass
class Clocked:
    """Seconds of walks over the whole video.

    whole: of each undisturbed walk; parts: of each marked walk, by part; calls: of each call of ``predict``
    with a full batch in the marked walks, by part.
    """

    frames: int = 0
    whole: list[float] = field(default_factory=list)
    parts: list[dict[str, float]] = field(default_factory=list)
    calls: list[dict[str, float]] = field(default_factory=list)

    @property
    def network(self) -> str:
        """The part that is the network alone: all of ``predict`` where the method marks none."""
        return NETWORK if any(NETWORK in parts for parts in self.parts) else PREDICT


def clock(subject: Subject, repeats: int, report: Callable[[int, int], None]) -> Clocked:
    """Warm up once, then walk ``repeats`` times undisturbed and as often with the parts apart.

    To take parts apart the device is waited for at every mark; so the two kinds of walks are not one.
    """
    found, walks = Clocked(), 1 + 2 * repeats
    found.frames = _walk(subject)
    report(1, walks)
    for number in range(1, repeats + 1):
        began = time.perf_counter()
        _walk(subject)
        subject.wait()
        found.whole.append(time.perf_counter() - began)
        _marked_walk(subject, found)
        report(1 + 2 * number, walks)
    return found


def _marked_walk(subject: Subject, found: Clocked) -> None:
    watch = Watch(subject.wait)
    before: dict[str, float] = {}

    def note(frames: int) -> None:
        if frames == min(subject.batch, found.frames):
            found.calls.append({name: s - before.get(name, 0.0) for name, s in watch.seconds.items()})
        before.update(watch.seconds)

    with measuring(watch):
        _walk(subject, note)
    found.parts.append(watch.seconds)


def _walk(subject: Subject, told: Told = lambda frames: None) -> int:
    """From the file to tubes; the number of frames. ``told`` hears of every batch that was predicted."""
    method, footage, rows = subject.method, subject.footage(), []
    kept_frames.clear()
    with part(DECODE):
        length = _decode(footage)
    if subject.flow is not None:
        with part(FLOW):
            _ = footage.flow_THW2
    predict = subject.in_order(footage)
    for first in range(0, length, subject.batch):
        frames = range(first, min(first + subject.batch, length))
        with part(PREDICT):
            rows.append(predict(frames))
        told(len(frames))
    with part(POSTPROCESS):
        method.postprocess(Detections.concat(rows), length, method.config, method.info)
    return length


def _decode(footage: Footage) -> int:
    try:
        return len(footage.rgb_THW3)
    except VideoError as error:
        raise ValueError(f"{error}; name a video to be timed that is short and whole with --video") from None


def delays(subject: Subject) -> list[float] | None:
    """Seconds from a frame's arrival to the boxes that it completes; None for what cannot be streamed.

    The frame comes decoded, at the size of the file. What a method's look-ahead waits for is not in it.
    """
    method = subject.method
    if method.lookahead is None or subject.flow is not None:
        return None
    video, seconds = subject.video, []
    stream = method.stream(video.name, (video.width, video.height))
    for frame in video.frames():
        began = time.perf_counter()
        subject.push(stream, frame)
        subject.wait()
        seconds.append(time.perf_counter() - began)
    return seconds[method.lookahead + COLD_FRAMES :] or seconds[-1:]
