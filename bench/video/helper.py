"""Examining files in helper processes: one that stalls or crashes takes nobody with it.

A file that nobody has decoded yet may make the decoder run for ever or crash. So it is decoded first in a
process of its own, which gives a sign of life every second and is killed when it falls silent. What passed
this is then decoded where it is needed.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.video.index import VideoIndex
from bench.video.pictures import VideoError
from bench.video.shelf import Frames, new_shelf, take_all

TIME_LIMIT = 60.0
"""Seconds without a frame after which a file is given up."""

_START_LIMIT = 120.0
_idle: list[_Helper] = []


@dataclass(frozen=True)
class Wanted:
    """All frames of a file, wanted with what is found if they take at most ``room`` bytes.

    size: (width, height); None: as they decode. deliver: is given the identity and the frames [T, H, W, 3].
    """

    size: tuple[int, int] | None
    room: int
    deliver: Callable[[str, Frames], None]


def examine_apart(
    path: Path, identity: str, compare: bool, wanted: Wanted | None = None, limit: float = TIME_LIMIT
) -> VideoIndex:
    """As :func:`bench.video.index.examine`, in a helper process; thread-safe.

    Of a file that was read whole the frames are delivered if they are ``wanted``: so a short one is decoded
    only once. Raises VideoError also where ``limit`` seconds pass without a frame and where the decoder
    crashes.
    """
    request = {"path": str(path.absolute()), "identity": identity, "compare": compare, "limit": limit}
    request |= {"size": wanted and wanted.size, "room": wanted.room if wanted else 0}
    with _helper() as helper:
        answer = helper.ask(request, limit)
        frames = helper.take(answer["shape"]) if answer.get("shape") else None
    if "error" in answer:
        raise VideoError(answer["error"])
    if wanted and frames is not None:
        wanted.deliver(identity, frames)
    return VideoIndex.from_json(answer["index"], str(path))


@contextmanager
def _helper() -> Iterator[_Helper]:
    """An idle helper or a new one; idle again afterwards unless it was stopped."""
    helper = _idle_one() or _Helper()
    try:
        yield helper
    except BaseException:
        helper.stop()
        raise
    _idle.append(helper)


def _idle_one() -> _Helper | None:
    with suppress(IndexError):
        while True:
            helper = _idle.pop()
            if helper.is_alive:
                return helper
            helper.close()
    return None


class _Helper:
    """The parent's side of one process. It ends when its standard input is closed, as when we die."""

    def __init__(self) -> None:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}
        self._shelf = new_shelf()
        program = f"from bench.video.examiner import serve; serve({self._shelf})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            env=environment, start_new_session=True, pass_fds=[self._shelf],
        )  # fmt: skip
        self._received = b""
        self._line(_START_LIMIT)

    def ask(self, request: dict[str, Any], limit: float) -> dict[str, Any]:
        """The answer to a request about a file. Raises VideoError when the process falls silent or ends."""
        path = request["path"]
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            while (answer := self._line(limit)) == b"":
                pass  # a sign of life
            found: dict[str, Any] = json.loads(answer)
        except TimeoutError as error:
            raise VideoError(
                f"{path}: the decoder gave no frame for {limit:g} s and was stopped; get the file again"
            ) from error
        except (EOFError, BrokenPipeError) as error:
            raise VideoError(f"{path}: the decoder crashed{self._how()}; get the file again") from error
        return found

    def take(self, shape: Sequence[int]) -> Frames:
        """The frames that came with the last answer."""
        return take_all(self._shelf, tuple(shape))

    def _line(self, limit: float) -> bytes:
        while b"\n" not in self._received:
            assert self._process.stdout is not None
            ready = select.poll()
            ready.register(self._process.stdout, select.POLLIN)
            if not ready.poll(1000 * limit):
                raise TimeoutError
            data = os.read(self._process.stdout.fileno(), 1 << 20)
            if not data:
                raise EOFError
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return line

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def _how(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(5)
            return f" ({signal.Signals(-code).name})" if code < 0 else f" (exit code {code})"
        return ""

    def stop(self) -> None:
        """End the process now, whatever it does."""
        self._process.kill()
        self.close()

    def close(self) -> None:
        """Let the process end and forget it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        os.close(self._shelf)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)


@atexit.register
def _close_idle() -> None:
    while _idle:
        _idle.pop().close()


os.register_at_fork(after_in_child=_idle.clear)
