"""One job measured, in the process that it is asked in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from bench.speed.cost import driver, peak_memory, work
from bench.speed.marks import PARTS, compiling
from bench.speed.passes import Clocked, clock, delays
from bench.speed.rows import Key, Part, Rate, Row
from bench.speed.subject import Job, Subject, opened

NETWORK_INCLUDES = {
    "network": "network, inputs in memory to raw boxes; no decoding, flow, choice of boxes, NMS, linking",
    "predict": "all of predict, decoded frames to boxes (its network has no mark); no flow, NMS, linking",
}


def measure(job: Job, report: Callable[[int, int], None] = lambda done, total: None) -> Row:
    """The row of a job. ``report``: told (walks done, walks in all). Raises ValueError as :func:`opened`."""
    import torch

    subject = opened(job)
    spent = work(subject)
    with compiling(torch.compile if job.compile else None):
        found = clock(subject, job.repeats, report)
        late = delays(subject)
    peak, peak_of = peak_memory(subject.device)
    calls = [call[found.network] for call in found.calls]
    return Row(
        key=_key(job, subject),
        network=Rate.of(calls, min(job.batch, found.frames), NETWORK_INCLUDES[found.network]),
        end_to_end=Rate.of(found.whole, found.frames, _way(subject, found)),
        parts=_parts(found),
        latency=_latency(subject, late),
        parameters=spent.parameters,
        gflops=round(spent.flops / 1e9, 4),
        peak_mb=round(peak, 1),
        peak_of=peak_of,
        frames=found.frames,
        repeats=job.repeats,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _key(job: Job, subject: Subject) -> Key:
    import torch

    from bench.training import Compute

    on_cpu = subject.device == "cpu"
    return Key(
        method=subject.method.name,
        variant=subject.label,
        weights=subject.weights,
        device=Compute(subject.device).hardware,
        driver=driver(subject.device),
        torch=torch.__version__,
        precision=subject.precision,
        compiled=job.compile,
        batch=subject.batch,
        threads=torch.get_num_threads() if on_cpu else 0,
        input_size=subject.method.frame_size,
        dataset=subject.dataset,
        video=subject.video.name,
    )


def _way(subject: Subject, found: Clocked) -> str:
    """What the whole way is, in words."""
    index = subject.video.index()
    flow = f"flow ({subject.flow.source.name}), " if subject.flow else ""
    return (
        f"one file of {found.frames} frames {index.width}x{index.height}, nothing beside it: decoding, {flow}"
        "network, NMS, linking to tubes"
    )


def _parts(found: Clocked) -> dict[str, Part]:
    """Medians over the marked walks, shares of their sum."""
    names = [name for name in PARTS if any(name in parts for parts in found.parts)]
    seconds = {name: float(np.median([parts.get(name, 0.0) for parts in found.parts])) for name in names}
    total = sum(seconds.values())
    return {
        name: Part(round(1e3 * s / found.frames, 4), round(100 * s / total, 2)) for name, s in seconds.items()
    }


def _latency(subject: Subject, seconds: Sequence[float] | None) -> Rate | None:
    """What the frame waits for those after it, and what is computed then."""
    if seconds is None or subject.method.lookahead is None:
        return None
    ahead, fps = subject.method.lookahead, subject.video.fps or subject.video.index().rate or 25.0
    wait = ahead / fps
    frames = "frame" if ahead == 1 else "frames"
    waits = f"its wait for {ahead} more {frames} ({1e3 * wait:g} ms at {fps:g} a second) included"
    includes = (
        "from a frame's arrival, decoded, to its raw boxes, one frame at a time; "
        f"{waits if ahead else 'no look-ahead'}; not NMS and linking"
    )
    return Rate.of([s + wait for s in seconds], 1, includes)
