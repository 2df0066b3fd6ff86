"""What is timed: a method with its weights on a device, and the video it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.flow.mapped import MappedFlow
from bench.footage import Footage
from bench.names import choose
from bench.speed.rows import RANDOM
from bench.video import Frame, Video

if TYPE_CHECKING:
    from bench.protocol import Protocol
    from bench.records import Detections
    from bench.training import Compute
    from datasets import Dataset
    from methods.base import Method, Stream

Precision = Literal["fp32", "bf16"]
SEED = 0


class Untimed(ValueError):
    """The method cannot be timed in that way, whatever its settings."""


@dataclass(frozen=True)
class Job:
    """What one process times, in words. run: a finished run's folder; without it the weights are random."""

    method: str = ""
    variant: str = ""
    dataset: str = "ucf24-mini.micro"
    run: Path | None = None
    video: str = ""
    batch: int = 1
    precision: Precision = "fp32"
    compile: bool = False
    device: str = "auto"
    repeats: int = 5
    overrides: tuple[str, ...] = ()
    data_root: Path | None = None
    runs_dir: Path = Path("runs")


@dataclass(frozen=True)
class Subject:
    """A method ready to predict ``batch`` frames at a time. label: its variant; flow: None where not wanted.

    wait: returns when the device has done all that it was given.
    """

    method: Method
    label: str
    weights: str
    dataset: str
    video: Video
    batch: int
    device: str
    precision: Precision
    flow: MappedFlow | None
    wait: Callable[[], None]

    def footage(self) -> Footage:
        """The video, of which nothing is decoded yet."""
        return Footage(self.video, self.method.frame_size, self.flow)  # type: ignore[arg-type]

    def in_order(self, footage: Footage) -> Callable[[Sequence[int]], Detections]:
        """As :meth:`Method.in_order`, in the precision."""
        predict = self.method.in_order(footage)

        def precise(frames: Sequence[int]) -> Detections:
            with self._precise():
                return predict(frames)

        return precise

    def push(self, stream: Stream, frame: Frame) -> Detections:
        """As :meth:`Stream.push`, in the precision."""
        with self._precise():
            return stream.push(frame)

    def _precise(self) -> AbstractContextManager[Any]:
        import torch

        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")


def opened(job: Job) -> Subject:
    """The subject of a job.

    Raises ValueError for what is not there: names, videos, flow weights, the device, a compiler; Untimed for
    a method that is not to be timed so.
    """
    import torch

    from bench.training import Compute

    compute = Compute(job.device)
    torch.manual_seed(SEED)
    made = _of_run(job, compute) if job.run is not None else _of_plan(job, compute)
    Compute(job.device, threads=made.method.cpu_threads).set_threads()
    if job.compile:
        _check_compiler(made.device)
    return made


def batched(method: Method, batch: int) -> Method:
    """The method with batches of so many frames, where its config says how many (``predict_batch``)."""
    if not hasattr(method.config, "predict_batch"):
        return method
    return type(method)(replace(method.config, predict_batch=batch), method.info)


def _of_plan(job: Job, compute: Compute) -> Subject:
    """The method with the weights that it begins with, on a test video of the dataset."""
    from bench.runs.plan import Plan, Request, open_dataset

    split = open_dataset(job.dataset, job.data_root, job.runs_dir).splits[0]
    request = Request(
        job.method, job.dataset, split, job.variant, data_root=job.data_root, runs_dir=job.runs_dir,
        overrides=job.overrides,
    )  # fmt: skip
    plan = Plan.of(request)
    method = batched(plan.method, job.batch)
    _check_frames(method)
    _begin(method, compute.torch_device)
    return _subject(job, method, (plan.label, RANDOM), (plan.dataset, plan.protocol), compute)


def _of_run(job: Job, compute: Compute) -> Subject:
    """The method of a finished run, on a test video of its dataset."""
    from bench.runs.reopen import Finished
    from bench.runs.trained import checkpoints, method_of

    assert job.run is not None
    run = Finished.of(job.run)
    method = batched(method_of(run), job.batch)
    _check_frames(method)
    method.load(checkpoints(run), compute.torch_device)
    told = run.result.identity.variant, run.folder.name
    return _subject(job, method, told, (run.dataset(job.data_root), run.result.rules), compute)


def _begin(method: Method, device: str) -> None:
    """Untrained weights. Raises Untimed for a method that has none."""
    try:
        method.begin(device)
    except ValueError as error:
        raise Untimed(str(error)) from error


def _check_frames(method: Method) -> None:
    """Raise Untimed for a method that scores what was computed of whole videos before."""
    names = ", ".join(method.extractions())
    if names:
        raise Untimed(
            f"{method.name} is not timed frame by frame: it scores {names}, which are computed of whole "
            "videos before; the result of its run says how many frames a second that scoring takes"
        )


def _subject(
    job: Job, method: Method, told: tuple[str, str], source: tuple[Dataset, Protocol], compute: Compute
) -> Subject:
    dataset, protocol = source
    video, device = _video(dataset, protocol, job), compute.torch_device
    return Subject(
        method, *told, dataset.id, video, job.batch, device, job.precision, _flow(method), compute.wait
    )


def _video(dataset: Dataset, protocol: Protocol, job: Job) -> Video:
    """The test video that was named, or the first that is there."""
    from bench.runs.plan import videos_of

    names = dataset.split(protocol.split).test
    missing = set(dataset.missing_videos(names))
    there = [name for name in names if name not in missing]
    if not there:
        raise ValueError(f"{dataset.title} in {dataset.root} has none of the test videos; complete it")
    short = {name.rpartition("/")[2]: name for name in there}
    name = choose(job.video, there, "test video", short) if job.video else there[0]
    return videos_of(dataset, dataset.truth(protocol).select((name,)), job.runs_dir / "cache" / "videos")[0]


def _flow(method: Method) -> MappedFlow | None:
    """The flow that prediction reads. Raises ValueError with the mend where its weights are not there."""
    from bench.flow import source

    need = method.flow
    if need is None or need.only_training:
        return None
    try:
        return MappedFlow(source(need.source), need.size)
    except ValueError as error:
        raise ValueError(f"{error}; --set {need.setting}=dis takes another flow") from None


def _check_compiler(device: str) -> None:
    """Raise ValueError with the reason where torch.compile cannot work."""
    import torch

    try:
        torch.compile(lambda x: x.sin() + 1)(torch.ones(8, device=device))
    except Exception as error:  # what lacks shows in many ways: no compiler, no headers, no Triton
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(
            f"--compile: torch.compile does not work here: {first}; on a CPU it needs a C++ compiler and "
            "Python's headers"
        ) from error
