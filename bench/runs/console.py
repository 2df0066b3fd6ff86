"""What a person sees while a run works and when it ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from bench.runs.plan import Plan, Request
from bench.runs.run import Reporter, run


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


def run_and_show(**words: Any) -> None:
    """Resolve, run, and print the result table, where the report lies and how to open the dashboard."""
    from reports.leaderboard import write_report
    from reports.tables import result_table

    runs_dir: Path = words["runs_dir"]
    plan = Plan.of(Request(**words))
    reporter = ConsoleReporter()
    reporter.step(plan.title, f"on {plan.protocol.id}")
    with reporter.bars:
        result = run(plan, reporter)
    pages = write_report(runs_dir, runs_dir / "report")
    out = Console(file=sys.stdout, highlight=False)
    out.print(result_table(result))
    print(f"result     {plan.folder / 'result.json'}")
    print(f"report     {next(p for p in pages if p.suffix == '.html')}")
    print(f"dashboard  bench ui --runs-dir {runs_dir}")
