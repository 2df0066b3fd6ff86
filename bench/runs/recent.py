"""Arrays that were extracted or opened last, so that whoever asks again within a while need not wait."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from bench.footage import Arrays

HELD = 2 << 30
"""Bytes of arrays that are held where they are not kept, whether in memory or in files without a name."""
OPEN = 256
"""Arrays that are held in all; each that is mapped has a file open."""
Key = tuple[str, str]
"""Extraction and video."""


@dataclass
class Recent:
    """What was asked for last: at most ``budget`` bytes and ``most`` arrays, those of one video at least."""

    budget: int = HELD
    most: int = OPEN
    _found: OrderedDict[Key, tuple[Arrays, int]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: Key) -> Arrays | None:
        """What was put last by that key, if it is still held."""
        with self._lock:
            if key not in self._found:
                return None
            self._found.move_to_end(key)
            return self._found[key][0]

    def put(self, key: Key, arrays: Arrays, size: int) -> Arrays:
        """Hold these arrays, ``size`` bytes of them not kept, and let go what was asked for longest ago."""
        with self._lock:
            self._found[key] = arrays, size
            self._found.move_to_end(key)
            while len(self._found) > 1 and self._is_full():
                self._found.popitem(last=False)
        return arrays

    @property
    def held(self) -> int:
        """Bytes that are held."""
        return sum(size for _, size in self._found.values())

    def _is_full(self) -> bool:
        return self.held > self.budget or sum(len(arrays) for arrays, _ in self._found.values()) > self.most
