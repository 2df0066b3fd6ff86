"""Jobs in processes of their own: memory is each one's alone, and nothing is warm from another.

python -m bench.speed.apart ANSWER     reads a job as JSON from stdin, writes the row or the error there
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.files.decode import decode
from bench.files.store import plain, read_json, write_json
from bench.interrupts import interrupts_wait
from bench.speed.rows import Row
from bench.speed.subject import Job, Untimed

Report = Callable[[int, int], None]


def measure_apart(job: Job, report: Report) -> Row:
    """As :func:`bench.speed.measure.measure`, in a fresh process, which ends with this call.

    Raises ValueError also where it dies.
    """
    with tempfile.TemporaryDirectory(prefix="bench-speed-") as folder:
        answer = Path(folder, "answer.json")
        question = Path(folder, "job.json")
        write_json(question, _words(job))
        code = _run([str(question), str(answer)], report)
        if not answer.is_file():
            raise ValueError(f"its process ended {_how(code)}; what it said is above")
        found = read_json(answer)
    if "error" in found:
        raise (Untimed if found["untimed"] else ValueError)(found["error"])
    row: Row = decode(Row, found["row"], "answer:")
    return row


def _run(words: list[str], report: Report) -> int:
    """Run the process to its end, which tells its progress by lines ``done total``; its exit code."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry or "." for entry in sys.path)}
    command = [sys.executable, "-m", "bench.speed.apart", *words]
    with ExitStack() as ends:
        with interrupts_wait():
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            ends.enter_context(process)
            ends.callback(process.kill)
        _listen(process, report)
        return process.wait()


def _listen(process: subprocess.Popen[str], report: Report) -> None:
    """Tell of its progress until it says no more."""
    assert process.stdout is not None
    for line in process.stdout:
        numbers = line.split()
        if len(numbers) == 2 and all(number.isdigit() for number in numbers):
            report(int(numbers[0]), int(numbers[1]))


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    name = signal.Signals(-code).name
    return f"by {name}" + ", perhaps for want of memory: try a smaller --batch" * (name == "SIGKILL")


def _words(job: Job) -> dict[str, Any]:
    words = plain(job)
    return {name: value for name, value in words.items() if value is not None}


def _job(words: dict[str, Any]) -> Job:
    for name in ("run", "data_root", "runs_dir"):
        if name in words:
            words[name] = Path(words[name])
    words["overrides"] = tuple(words["overrides"])
    return Job(**words)


def main() -> None:
    """The process: one job, one answer. What a person can mend is in the answer, the rest a traceback."""
    from bench.speed.measure import measure

    question, answer = (Path(word) for word in sys.argv[1:])
    try:
        row = measure(_job(read_json(question)), lambda done, total: print(done, total, flush=True))
        write_json(answer, {"row": row})
    except ValueError as error:
        write_json(answer, {"error": str(error), "untimed": isinstance(error, Untimed)})


if __name__ == "__main__":
    main()
