"""What a person sees while a run works and when it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from bench.results.notes import notes_of
from bench.results.result import FILE, Result
from bench.runs.asked import Request
from bench.runs.many import Outcome, requests, run_all
from bench.runs.plan import Plan
from bench.runs.reporter import Reporter
from bench.runs.run import Run


class ConsoleReporter(Reporter):
    """Progress bars on a terminal; elsewhere one line a step and every tenth of its way."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.bars = Progress(
            TextColumn("{task.description:<26}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
        )
        self.tasks: dict[str, TaskID] = {}
        self.tenths: dict[str, int] = {}

    def fresh(self) -> None:
        """Another run begins: its steps have bars of their own."""
        for task in self.tasks.values():
            self.bars.remove_task(task)
        self.tasks.clear()
        self.tenths.clear()

    def step(self, name: str, detail: str) -> None:
        self._say(name, detail)

    def progress(self, name: str, done: int, total: int, note: str = "") -> None:
        if not self.console.is_terminal:
            return self._line(name, done, total, note)
        if name not in self.tasks:
            self.tasks[name] = self.bars.add_task(name, total=total, note="")
        self.bars.update(self.tasks[name], completed=done, total=total, note=note)
        return None

    def reused(self, name: str, key: str) -> None:
        self._say(name, f"done before ({key})")

    def warn(self, text: str) -> None:
        self._say("warning", text, "yellow")

    def _say(self, name: str, text: str, style: str = "bold") -> None:
        """One line; the text is shown as it is, never read as markup, never wrapped."""
        self.console.print(Text.assemble((name, style), "  ", text), soft_wrap=True)

    def _line(self, name: str, done: int, total: int, note: str) -> None:
        tenth = 10 * done // max(total, 1)
        if self.tenths.get(name) != tenth:
            self.tenths[name] = tenth
            self.console.print(Text(f"  {name} {done}/{total} {note}"), soft_wrap=True)


SUMMARY = ("frame_map/0.50", "video_map/0.20", "video_map/0.50")


def run_and_show(seeds: int = 1, steps_share: float = 1.0, **words: Any) -> bool:
    """Resolve, run, and print the results, where the report lies and how to open the dashboard.

    Returns whether all went through; what stops a run that was asked for alone is raised.
    """
    from reports.leaderboard import write_report

    runs_dir: Path = words["runs_dir"]
    wanted = requests(Request(**words), seeds, steps_share)
    whole = _run_one(wanted[0]) if len(wanted) == 1 else run_and_show_all(wanted)
    pages = write_report(runs_dir, runs_dir / "report")
    print(f"report     {next(p for p in pages if p.suffix == '.html')}")
    print(f"dashboard  bench ui --runs-dir {runs_dir}")
    return whole


def _run_one(request: Request) -> bool:
    plan = Plan.of(request)
    reporter = ConsoleReporter()
    reporter.step(plan.title, f"on {', '.join(protocol.id for protocol in plan.protocols)}")
    with reporter.bars:
        Run(plan, reporter).execute()
    show_results(plan)
    return True


def show_results(plan: Plan) -> None:
    """Print what a run is worth under each of its protocols, and where that lies."""
    from reports.tables import result_table

    out = Console(file=sys.stdout, highlight=False)
    results = [Result.read(plan.folder_of(protocol)) for protocol in plan.protocols]
    for result in results:
        out.print(result_table(result))
    if plan.request.protocol == "all":
        _show_spread(plan)
    for note in dict.fromkeys(note for result in results for note in notes_of(result)):
        print(f"note       {note}")
    for protocol in plan.protocols:
        print(f"result     {plan.folder_of(protocol) / FILE}")


def _show_spread(plan: Plan) -> None:
    """The run's predictions under every evaluator."""
    from bench.external.rescore import spread
    from bench.interop.base import Truth
    from bench.protocol import Evaluator, Protocol
    from bench.results.scoring import Scored
    from reports.evaluators import show_spread

    def source(found: Evaluator) -> tuple[Truth, Protocol]:
        protocol = plan.dataset.protocol(plan.protocol.split, found.name)
        return Truth(plan.dataset.truth(protocol).select(plan.test_videos), plan.protocol.split), protocol

    rows = spread(source, Scored(plan.test_truth, *Run(plan).link()))
    show_spread(rows, f"{plan.title} under every evaluator")


def run_and_show_all(wanted: Sequence[Request]) -> bool:
    """Run one after the other, and print a summary; returns whether all went through."""
    reporter, outcomes = ConsoleReporter(), []
    with reporter.bars:

        def begun(request: Request) -> None:
            reporter.fresh()
            words = (request.variant, f"split {request.split}" * bool(request.split), f"seed {request.seed}")
            title = f"{request.method} on {request.dataset}"
            reporter.step(title, ", ".join(word for word in words if word))

        for outcome in run_all(wanted, reporter, begun):
            if outcome.why:
                reporter.warn(outcome.why)
            outcomes.append(outcome)
    out = Console(file=sys.stdout, highlight=False)
    for table in summaries(outcomes):
        out.print(table)
    for outcome in outcomes:
        if outcome.why:
            request = outcome.request
            print(f"failed     {request.method} on {request.dataset}, seed {request.seed}: {outcome.why}")
    return not any(outcome.why for outcome in outcomes)


def summaries(outcomes: Sequence[Outcome]) -> Iterator[Table]:
    """One table a protocol, a row a run; and of several seeds one, of their mean and standard deviation."""
    from reports.tables import EMPTY, number

    for (protocol,), results in _by(outcomes, lambda result: (result.protocol,)):
        table = _table(protocol, "seed")
        for result in results:
            values = [number(e.value if (e := result.metrics.get(name)) else None) for name in SUMMARY]
            identity = result.identity
            table.add_row(*map(escape, (identity.title, identity.variant, str(identity.seed))), *values)
        yield table
    seeds: dict[str, Table] = {}
    for _, several in _by(outcomes, lambda result: (result.protocol, *result.identity.configuration)):
        if len(several) == 1:
            continue
        protocol, identity = several[0].protocol, several[0].identity
        numbers = [[e.value for r in several if (e := r.metrics.get(name))] for name in SUMMARY]
        cells = [f"{mean(v):.1f} ± {stdev(v):.1f}" if len(v) > 1 else EMPTY for v in numbers]
        table = seeds.setdefault(protocol, _table(f"{protocol}, over seeds", "seeds"))
        table.add_row(*map(escape, (identity.title, identity.variant, str(len(several)))), *cells)
    yield from seeds.values()


def _by(
    outcomes: Sequence[Outcome], key: Callable[[Result], tuple[str, ...]]
) -> list[tuple[tuple[str, ...], list[Result]]]:
    """The results of all runs in groups, in the order of their first."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for outcome in outcomes:
        for result in outcome.results.values():
            groups.setdefault(key(result), []).append(result)
    return list(groups.items())


def _table(title: str, counted: str) -> Table:
    """``counted``: the seed, or how many there are. In a narrow terminal the variant is what is folded."""
    from reports.tables import metric_title

    metrics = [metric_title(name).replace(" @", "\n@") for name in SUMMARY]
    numbers = [Column(name, justify="right", no_wrap=True) for name in (counted, *metrics)]
    words = Column("method", no_wrap=True), Column("variant", overflow="fold", max_width=40)
    return Table(*words, *numbers, title=escape(title), title_justify="left")
