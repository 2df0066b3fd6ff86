"""Marks in a method's code: which part of its work runs, and which function may be compiled.

    with part("network"):
        found = compiled(self.network.regions)(inputs)

Without anybody who measures they do nothing. What is inside ``predict`` or ``postprocess`` and has no mark of
its own counts as that; a method without any mark is timed as decoding, prediction and postprocessing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

DECODE, FLOW, NETWORK, NMS, LINK = "decode", "flow", "network", "nms", "link"
PREDICT, POSTPROCESS = "predict", "postprocess"
PARTS = (DECODE, FLOW, NETWORK, PREDICT, NMS, LINK, POSTPROCESS)
"""In the order of the way. ``predict`` and ``postprocess``: what these do beyond their marked parts."""

F = TypeVar("F", bound=Callable[..., Any])
Compile = Callable[[Any], Any]


class Watch:
    """Seconds of each part, those of a part inside another counted for the inner one alone.

    wait: returns when the device has done all that it was given; called whenever the clock is read.
    """

    def __init__(self, wait: Callable[[], None] = lambda: None) -> None:
        self.seconds: dict[str, float] = {}
        self._wait = wait
        self._inside: list[str] = []
        self._since = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """The block is this part."""
        self._read()
        self._inside.append(name)
        try:
            yield
        finally:
            self._read()
            self._inside.pop()

    def _read(self) -> None:
        """Give the time since the clock was last read to the innermost part."""
        self._wait()
        now = time.perf_counter()
        if self._inside:
            name = self._inside[-1]
            self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)
_compile: ContextVar[Compile | None] = ContextVar("compile", default=None)


@contextmanager
def part(name: str) -> Iterator[None]:
    """The block, or as a decorator the function, is this part of the work: one of :data:`PARTS`."""
    watch = _watch.get()
    if watch is None:
        yield
    else:
        with watch.part(name):
            yield


def compiled(function: F) -> F:
    """The function as it is or, where ``bench speed --compile`` measures, compiled.

    ``function`` is the same object at every call, or a method of one.
    """
    compile_ = _compile.get()
    return function if compile_ is None else compile_(function)


@contextmanager
def measuring(watch: Watch) -> Iterator[Watch]:
    """Within the block the marks of this thread tell the watch."""
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


@contextmanager
def compiling(compile_: Compile | None) -> Iterator[None]:
    """Within the block :func:`compiled` compiles, each function once; None: it does not."""
    made: dict[Any, Any] = {}

    def once(function: Any) -> Any:
        if function not in made:
            assert compile_ is not None
            made[function] = compile_(function)
        return made[function]

    token = _compile.set(once if compile_ else None)
    try:
        yield
    finally:
        _compile.reset(token)
