"""Ctrl-C goes to every process of the terminal, and to one of ours alone."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal, subprocess, sys, time
from bench.interrupts import interrupts_wait

signal.signal(signal.SIGINT, signal.default_int_handler)
child = [sys.executable, "-c", "import time; time.sleep(60)"]
with interrupts_wait():
    spared = subprocess.Popen(child)
heard = subprocess.Popen(child, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
try:
    os.killpg(0, signal.SIGINT)
    time.sleep(60)
except KeyboardInterrupt:
    heard.wait(30)
    print(heard.returncode == -signal.SIGINT, spared.poll())
spared.kill()
"""


def test_processes_started_here_never_hear_of_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False,
        start_new_session=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "True None\n"), done.stderr
