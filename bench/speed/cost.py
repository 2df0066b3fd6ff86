"""What a prediction costs beside time: parameters, floating-point operations, memory; and on what machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.speed.subject import Subject

if TYPE_CHECKING:
    from torch import nn

STATUS = Path("/proc/self/status")


class Work(NamedTuple):
    """parameters: of all modules that take part; flops: a frame, a multiplication with its addition two."""

    parameters: int
    flops: float


def work(subject: Subject) -> Work:
    """Of predicting one batch from the middle of the video after the one before it, by torch's counter.

    It counts products of matrices and convolutions; flow that is computed ahead is not in it. Zero for a
    method without a network.
    """
    from torch.nn.modules.module import register_module_forward_pre_hook
    from torch.utils.flop_counter import FlopCounterMode

    parameters: dict[int, int] = {}

    def note(module: nn.Module, inputs: Any) -> None:
        parameters.update((id(p), p.numel()) for p in module.parameters(recurse=False))

    footage = subject.footage()
    predict = subject.in_order(footage)
    middle = max(0, (len(footage) - subject.batch) // 2)
    frames = range(middle, min(middle + subject.batch, len(footage)))
    hook = register_module_forward_pre_hook(note)
    try:
        if before := range(max(0, middle - subject.batch), middle):
            predict(before)
        with FlopCounterMode(display=False) as counter:
            predict(frames)
    finally:
        hook.remove()
    return Work(sum(parameters.values()), counter.get_total_flops() / len(frames))


def peak_memory(device: str) -> tuple[float, str]:
    """(megabytes of 10^6 bytes, of what): the most that this process held by now."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 1e6, "tensors on the GPU"
    for line in STATUS.read_text().splitlines() if STATUS.is_file() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6, "resident memory of the process"
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * unit / 1e6, "resident memory of the process"


def driver(device: str) -> str:
    """The GPU driver's version; empty on a CPU, or where nobody tells."""
    tool = shutil.which("nvidia-smi") if device == "cuda" else None
    if tool is None:
        return ""
    words = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.split()[0] if done.returncode == 0 and done.stdout.split() else ""
