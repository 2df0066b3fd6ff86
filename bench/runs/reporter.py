"""What a run tells while it works."""

from __future__ import annotations


class Reporter:
    """Told of steps and how far they are. This one is silent; the command line draws progress bars."""

    def step(self, name: str, detail: str) -> None:
        """A step begins."""

    def progress(self, name: str, done: int, total: int, note: str = "") -> None:
        """A step has come this far."""

    def reused(self, name: str, key: str) -> None:
        """A step's result is in the store already."""

    def warn(self, text: str) -> None:
        """Something a person should know."""
