"""Many runs one after the other: methods, datasets, splits and seeds, and the means over splits."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import datasets
import methods.base
from bench.files.store import digest
from bench.results.mean import MEAN, write_mean
from bench.results.result import FILE, Result
from bench.runs import settings
from bench.runs.asked import Request, dataset_named, row_of
from bench.runs.plan import Plan
from bench.runs.reporter import Reporter
from bench.runs.run import run
from bench.sources import marked

ALL = "all"
MINI = "-mini"


@dataclass(frozen=True)
class Outcome:
    """What became of one request.

    results: folder -> result, by protocol, the run's own first; why: what stopped it, nothing if it went
    through.
    """

    request: Request
    results: dict[Path, Result] = field(default_factory=dict)
    why: str = ""


def requests(first: Request, seeds: int = 1, steps_share: float = 1.0) -> list[Request]:
    """Every run that is asked for: ``method`` and ``dataset`` may be lists with commas, or ``all``.

    ``split`` may be ``all`` too.
    ``all-mini`` are the miniatures (``all-mini.micro`` in another size), ``all`` the real datasets.
    ``seeds``: so many, from that of the request. Splits of one method, dataset and seed follow each other.
    ``steps_share``: every stage trains for that share of its steps, but for what the overrides say.
    Raises ValueError for unknown names.
    """
    if seeds < 1:
        raise ValueError(f"--seeds {seeds}: at least 1")
    found = []
    for dataset in _datasets(first.dataset):
        for method in _methods(first.method):
            for seed in range(first.seed, first.seed + seeds):
                request = replace(first, method=method, dataset=dataset, seed=seed)
                if steps_share != 1:
                    short = settings.shortened(row_of(request)[2], steps_share)
                    request = replace(request, overrides=(*short, *request.overrides))
                found += [replace(request, split=split) for split in _splits(request)]
    return list(dict.fromkeys(found))


def with_files(wanted: Sequence[Request], files: Sequence[str]) -> list[Request]:
    """Every request with those of ``files``, ``path.to.field=file``, that its row leaves to be named.

    Raises ValueError for what none of the rows leaves to be named, and for words in place of a file
    (``none``), which would make another run of it.
    """
    known: set[str] = set()
    found = []
    for request in wanted:
        default = row_of(request)[2]
        unnamed = {key for key, _, value in marked(default) if value == ""}
        own = tuple(one for one in files if one.partition("=")[0].strip() in unnamed)
        if changed := settings.differences(default, settings.apply(default, own)):
            raise ValueError(f"--set {changed[0]}: that is another run than {request.variant}; name a file")
        known |= unnamed
        found.append(replace(request, overrides=(*request.overrides, *own)))
    for one in files:
        if one.partition("=")[0].strip() not in known:
            there = f"they leave {', '.join(sorted(known))}" if known else "they leave none"
            raise ValueError(f"--set {one}: these rows leave no such file to be named; {there}")
    return found


def run_all(
    wanted: Sequence[Request], reporter: Reporter, begun: Callable[[Request], None] = lambda request: None
) -> Iterator[Outcome]:
    """Run every request; one that fails says why, and the others go on.

    What has its results is not run again. After the last of several splits follows their mean, one result a
    protocol. ``begun`` is told of each run.
    """
    for _, group in groupby(wanted, key=lambda request: replace(request, split="")):
        outcomes, plans = [], []
        for request in group:
            begun(request)
            outcome, plan = _run(request, reporter)
            outcomes.append(outcome)
            plans.append(plan)
            yield outcome
        if len(outcomes) > 1:
            yield _averaged(outcomes, [plan for plan in plans if plan is not None])


def _run(request: Request, reporter: Reporter) -> tuple[Outcome, Plan | None]:
    try:
        plan = Plan.of(request)
        folders = [plan.folder_of(protocol) for protocol in plan.protocols]
        if all((folder / FILE).is_file() for folder in folders):
            reporter.reused("result", folders[0].name)
        else:
            run(plan, reporter)
        results = {folder: Result.read(folder) for folder in folders}
    except (ValueError, OSError) as error:
        return Outcome(request, why=str(error)), None
    except Exception as error:  # one method's defect must not end a night of others
        reporter.warn(traceback.format_exc())
        return Outcome(request, why=f"{type(error).__name__}: {error}"), None
    return Outcome(request, results), plan


def _averaged(outcomes: Sequence[Outcome], plans: Sequence[Plan]) -> Outcome:
    request = replace(outcomes[0].request, split=MEAN)
    failed = [outcome.request.split for outcome in outcomes if outcome.why]
    if failed:
        return Outcome(request, why=f"no mean without split {', '.join(failed)}")
    try:
        return Outcome(request, _means(plans))
    except (ValueError, OSError) as error:
        return Outcome(request, why=f"no mean: {error}")


def _means(plans: Sequence[Plan]) -> dict[Path, Result]:
    """Folder -> mean over the splits, one a protocol."""
    results = {}
    for protocols in zip(*(plan.protocols for plan in plans)):
        members = [plan.folder_of(protocol) for plan, protocol in zip(plans, protocols)]
        folder = _mean_folder(members[0], members)
        results[folder] = write_mean(folder, members)
    return results


def _mean_folder(first: Path, members: Sequence[Path]) -> Path:
    """Beside the runs, named like the first of them but for its split."""
    start, split, seed, _ = first.name.rsplit("_", 3)
    _, dash, evaluator = split.partition("-")
    key = digest([member.name for member in members])[:8]
    return first.parent / f"{start}_{MEAN}{dash}{evaluator}_{seed}_{key}"


def _methods(text: str) -> list[str]:
    names = sorted(methods.base.available()) if text == ALL else text.split(",")
    return [methods.base.find(name.strip()).name for name in names]


def _datasets(text: str) -> list[str]:
    plain, dot, size = text.partition(".")
    minis = [name for name in datasets.names() if name.endswith(MINI)]
    if plain == ALL + MINI:
        return [name + dot + size for name in minis]
    if text == ALL:
        return [name for name in datasets.names() if name not in minis and name != "custom"]
    names = [name.strip() for name in text.split(",")]
    for name in names:
        dataset_named(name)
    return names


def _splits(request: Request) -> Sequence[str]:
    if request.split != ALL:
        return [request.split]
    return datasets.find(dataset_named(request.dataset)[0]).splits
