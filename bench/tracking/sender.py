"""The sender: a process of its own that shows a run in MLflow while it works, and its result at the end.

A run never waits for MLflow: it writes files, which the sender reads every few seconds. Only at its end it
waits, for a stated time; what the server has not taken by then, ``bench track --resync`` sends from the
files. A run that dies closes the pipe, and the sender marks it killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.files.decode import decode
from bench.files.store import plain
from bench.results.result import Identity

PATIENCE = 120.0
"""Seconds that a finished run waits for MLflow."""


@dataclass(frozen=True)
class Announcement:
    """A run that begins. experiment: the protocol's id; stages: training stage -> its curve file."""

    runs_dir: Path
    folder: Path
    experiment: str
    ranking_metric: str
    identity: Identity
    tags: Mapping[str, str]
    stages: Mapping[str, Path]

    def encode(self) -> str:
        """One line of JSON."""
        return json.dumps(plain(self))

    @classmethod
    def decode(cls, line: str) -> Self:
        """What :meth:`encode` wrote."""
        told: dict[str, Any] = json.loads(line)
        return cls(
            Path(told["runs_dir"]),
            Path(told["folder"]),
            told["experiment"],
            told["ranking_metric"],
            decode(Identity, told["identity"], "identity:"),
            told["tags"],
            {stage: Path(path) for stage, path in told["stages"].items()},
        )


@dataclass
class Sender:
    """The process that sends one run. Closing without :meth:`finish` leaves the run marked as killed."""

    process: subprocess.Popen[str]
    patience: float = field(default=PATIENCE)

    @classmethod
    def start(cls, run: Announcement) -> Self:
        """Start it; it takes its time to begin, this returns at once."""
        command = [sys.executable, "-m", "bench.tracking.live"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        sender = cls(process)
        sender._tell(run.encode())
        return sender

    def finish(self, folders: Sequence[Path]) -> str:
        """Send the results that lie in these folders; returns what went wrong, nothing if all is sent.

        That of the announced folder completes the run that was shown while it worked.
        """
        self._tell(json.dumps([str(folder) for folder in folders]))
        try:
            said, _ = self.process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            return f"MLflow took more than {self.patience:g} seconds"
        return said.strip() if self.process.returncode == 0 else "the process that sends to MLflow died"

    def close(self) -> None:
        """The run is over, however it ended; the sender ends by itself."""
        if self.process.stdin and not self.process.stdin.closed:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it died, and finish() says so
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
