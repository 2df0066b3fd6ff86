"""Marks: nothing without a watch, exclusive seconds with one."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from bench.speed.marks import Watch, compiled, compiling, measuring, part


def test_an_inner_part_is_not_counted_for_the_outer_one(clock: Any) -> None:
    with measuring(Watch()) as watch, part("predict"):
        clock.sleep(2)
        with part("network"):
            clock.sleep(5)
        clock.sleep(1)
        with part("network"):
            clock.sleep(1)
    clock.sleep(10)
    assert watch.seconds == {"predict": 3, "network": 6}


def test_the_device_is_waited_for_before_the_clock_is_read(clock: Any) -> None:
    """Work that was only given to a device counts for the part that gave it."""
    given: list[float] = []

    def wait() -> None:
        if given:
            clock.sleep(given.pop())

    with measuring(Watch(wait)) as watch:
        with part("network"):
            given.append(3)
        with part("link"):
            pass
    assert watch.seconds == {"network": 3, "link": 0}


def test_a_part_that_raises_is_closed(clock: Any) -> None:
    with measuring(Watch()) as watch:
        with pytest.raises(ValueError, match="no"), part("network"):
            raise ValueError("no")
        with part("link"):
            clock.sleep(1)
    assert watch.seconds == {"network": 0, "link": 1}


def test_marks_tell_the_watch_of_their_own_thread_alone() -> None:
    @part("network")
    def work() -> int:
        return 3

    with measuring(Watch()) as watch:
        other = threading.Thread(target=work)
        other.start()
        other.join()
        assert watch.seconds == {}
        assert work() == 3
        assert set(watch.seconds) == {"network"}
    assert work() == 3


def test_marks_cost_nothing_that_matters() -> None:
    """Less than 20 microseconds where nobody measures; a frame takes milliseconds."""
    began = time.process_time()
    for _ in range(10_000):
        with part("network"):
            pass
        compiled(len)
    assert (time.process_time() - began) / 10_000 < 20e-6


def test_functions_are_compiled_once_and_only_where_it_is_asked() -> None:
    made: list[object] = []

    class Network:
        def regions(self) -> str:
            return "regions"

    def compile_(function: object) -> object:
        made.append(function)
        return lambda: "compiled"

    one = Network()
    assert compiled(one.regions)() == "regions"
    with compiling(compile_):
        assert [compiled(one.regions)() for _ in range(3)] == ["compiled"] * 3
    with compiling(None):
        assert compiled(one.regions)() == "regions"
    assert made == [one.regions]
