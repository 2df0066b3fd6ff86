"""Things kept in memory while they fit."""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


def budget(variable: str, usual: float) -> int:
    """Bytes of the gigabytes (2^30) that an environment variable asks for, or of ``usual`` where it is unset.

    Raises ValueError where it is no such number.
    """
    said = os.environ.get(variable) or str(usual)
    try:
        gigabytes = float(said)
    except ValueError:
        gigabytes = math.nan
    if not 0 <= gigabytes < math.inf:
        raise ValueError(f"the environment variable {variable} is {said!r}; it wants gigabytes, such as 16")
    return int(gigabytes * (1 << 30))


class Memory(Generic[T]):
    """Values by key, each made once even when threads ask for it together.

    What is kept weighs at most ``budget`` in total: the least recently used goes first, and what is heavier
    alone is not kept.
    """

    def __init__(self, budget: int, weigh: Callable[[T], int]) -> None:
        self.budget = budget
        self._weigh = weigh
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._being_made: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self._weight = 0

    @property
    def weight(self) -> int:
        """What everything kept weighs."""
        return self._weight

    @property
    def room(self) -> int:
        """What can still be kept without anything going."""
        return self.budget - self._weight

    def find(self, key: Hashable) -> T | None:
        """The value of that key if it is kept; it counts as used."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of that key, made by ``make`` if it is not kept. What ``make`` raises is passed on."""
        found = self.find(key)
        if found is not None:
            return found
        with self._lock:
            gate = self._being_made.setdefault(key, threading.Lock())
        with gate:
            found = self.find(key)
            if found is not None:
                return found
            try:
                value = make()
                self.put(key, value)
            finally:
                self._being_made.pop(key, None)
            return value

    def put(self, key: Hashable, value: T) -> None:
        """Keep a value, if it is light enough."""
        weight = self._weigh(value)
        self.drop(key)
        if weight > self.budget:
            return
        with self._lock:
            while self._weight + weight > self.budget:
                self._weight -= self._kept.popitem(last=False)[1][1]
            self._kept[key] = value, weight
            self._weight += weight

    def drop(self, key: Hashable) -> None:
        """Forget a value, if it is kept."""
        with self._lock:
            self._weight -= self._kept.pop(key, (None, 0))[1]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._weight = 0
