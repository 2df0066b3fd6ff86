"""The helper's side of examining files: requests about files come in, what was found goes out."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.video.index import examine
from bench.video.pictures import VideoError
from bench.video.shelf import Filling

_MEMORY = 16 << 30


def serve(shelf: int) -> None:
    """The helper's side: a line when ready, then for each request (a line of JSON) an answer likewise.

    Empty lines in between are signs of life. Where none of its own follows the process ends by an alarm, so
    that it also ends when the parent was killed; it ends quietly when nobody listens any more.
    """
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not be taken for an answer
    _limit_memory()
    with suppress(BrokenPipeError):
        _write(answers, b"\n")
        for line in sys.stdin.buffer:
            answer = _answer(answers, shelf, json.loads(line))
            signal.alarm(0)
            _write(answers, json.dumps(answer).encode() + b"\n")


def _answer(answers: int, shelf: int, request: dict[str, Any]) -> dict[str, Any]:
    path, limit, last = request["path"], request["limit"], 0.0
    filling = Filling(shelf, request["size"], request["room"])

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last > min(1.0, limit / 4):
            last = time.monotonic()
            _write(answers, b"\n")
            signal.alarm(2 * math.ceil(limit) + 5)

    try:
        beat()
        index = examine(Path(path), request["identity"], request["compare"], beat, filling.put)
        return {"index": index.to_json(), "shape": filling.shape}
    except VideoError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": f"{path}: decoding wants more than {_MEMORY >> 30} GB of memory; get the file again"}


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _limit_memory() -> None:
    import resource

    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
