"""The sender's own side: ``python -m bench.tracking.live``, told by lines on its standard input."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from bench.results.result import Result
from bench.tracking.curves import LOAD, curve_files, points
from bench.tracking.load import Load
from bench.tracking.record import KEY, log_params, log_points, record
from bench.tracking.sender import Announcement
from bench.tracking.server import TrackingError, connected, find_experiment
from bench.tracking.values import run_key, run_name

PERIOD = 2.0
"""Seconds between two looks at the files."""
REST = 30.0
"""Seconds until a server that failed is asked again."""


@dataclass
class Live:
    """One run as MLflow has it so far.

    sent: last step that was sent, by prefix of names; failed: whether the server has missed anything;
    resting_until: when it is asked again.
    """

    told: Announcement
    run_id: str = ""
    sent: dict[str, int] = field(default_factory=dict)
    failed: bool = False
    resting_until: float = 0.0

    def send(self) -> None:
        """Send what is new; a server that fails is left alone for a while."""
        if time.monotonic() < self.resting_until:
            return
        try:
            self._begin()
            self._send_points()
        except TrackingError:
            self.failed = True
            self.resting_until = time.monotonic() + REST

    def finish(self, folder: Path) -> str:
        """Record the result in a folder; returns what went wrong.

        A run of which the server has missed something is made again from the files.
        """
        words = Result.read(folder), folder, self.told.runs_dir
        if folder == self.told.folder and self.run_id and not self.failed:
            try:
                record(*words, self.run_id, list(points(self._files, self.sent)))
                return ""
            except TrackingError:
                self.failed = True
        try:
            record(*words)
        except TrackingError as error:
            return str(error)
        return ""

    def abandon(self) -> None:
        """The run has died."""
        if self.run_id:
            with suppress(TrackingError), connected(self.told.runs_dir) as client:
                client.set_terminated(self.run_id, "KILLED")

    @property
    def _files(self) -> dict[str, Path]:
        return curve_files(self.told.stages, self.told.folder)

    def _begin(self) -> None:
        if self.run_id:
            return
        told = self.told
        with connected(told.runs_dir) as client:
            experiment = find_experiment(client, told.experiment, told.runs_dir, told.ranking_metric)
            tags = {KEY: run_key(told.identity), **told.tags}
            name = run_name(told.identity)
            run_id = client.create_run(experiment, None, tags, name).info.run_id
            log_params(client, run_id, told.identity.config)
        self.run_id = run_id

    def _send_points(self) -> None:
        new = list(points(self._files, self.sent))
        if not new:
            return
        with connected(self.told.runs_dir) as client:
            log_points(client, self.run_id, new, int(time.time() * 1000))
        for point in new:
            prefix = point.name.rpartition("/")[0]
            self.sent[prefix] = max(point.step, self.sent.get(prefix, -1))


def serve(lines: Iterable[str]) -> str:
    """Follow one run until it ends: its result is recorded, or it is marked killed where the lines end."""
    told: Queue[str] = Queue()
    Thread(target=_pass_on, args=(lines, told), daemon=True).start()
    live = Live(Announcement.decode(told.get()))
    with Load(live.told.folder / LOAD) as load:
        while True:
            load.sample()
            live.send()
            try:
                last = told.get(timeout=PERIOD)
                break
            except Empty:
                continue
        load.sample(last=True)
    if last:
        problems = [live.finish(Path(folder)) for folder in json.loads(last)]
        return next(filter(None, problems), "")
    live.abandon()
    return ""


def _pass_on(lines: Iterable[str], told: Queue[str]) -> None:
    for line in lines:
        told.put(line.strip())
    told.put("")


if __name__ == "__main__":
    os.nice(10)
    print(serve(sys.stdin))
