"""Work spread over processes that end with the one that started them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

from bench.interrupts import interrupts_wait

Progress = Callable[[int, int], None]
"""Told (done, total)."""

T = TypeVar("T")


def each(work: Callable[[T], None], items: Sequence[T], workers: int, progress: Progress | None) -> None:
    """``work`` of every item, in ``workers`` fresh processes; 0: in this one, in order.

    Ends at the first error (or interrupt), with the processes, and raises it. Raises ValueError if a process
    was killed.
    """
    told = progress or (lambda done, total: None)
    if not workers:
        for done, item in enumerate(items, 1):
            work(item)
            told(done, len(items))
    elif items:
        _in_processes(work, items, min(workers, len(items)), told)


def _in_processes(work: Callable[[T], None], items: Sequence[T], workers: int, told: Progress) -> None:
    context = get_context("spawn")  # the caller may hold torch and its threads
    theirs, ours = context.Pipe(duplex=False)
    with theirs, ours, ProcessPoolExecutor(workers, context, _end_with, (theirs,)) as pool:
        try:
            with interrupts_wait():
                futures = [pool.submit(work, item) for item in items]
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                told(done, len(items))
        except BrokenProcessPool as error:
            raise ValueError(
                "a worker process was killed, perhaps for want of memory; what is finished stays: do the "
                "same again, with fewer workers if memory is short (a script that calls this needs the "
                "usual `if __name__ == '__main__':`)"
            ) from error
        except BaseException:
            ours.close()  # no process takes another item
            raise


def _end_with(pipe: Connection) -> None:
    """Start of a worker: it ends when the other end of the pipe is closed, on purpose or by a death."""

    def watch() -> None:
        pipe.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV on one thread: workers do not fight over cores and results do not depend on their number."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
