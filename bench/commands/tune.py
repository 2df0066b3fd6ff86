"""``bench tune``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bench.commands.options import going_on, running, together

if TYPE_CHECKING:
    from bench.tuning.record import StudyRecord
    from bench.tuning.search import Asked

FILE = click.Path(path_type=Path)
OF_RUNS = ("variant", "device", "precision")
OF_FILES = ("linker", "truth", "format", "box_offset", "protocol", "name")

searching = together(
    click.option("--trials", type=int, required=True, help="How many; the first has the paper's settings."),
    click.option("--jobs", type=int, default=1, show_default=True, help="Processes side by side."),
    click.option("--metric", help="What is maximised.  [default: what the protocol ranks by]"),
    click.option("--speed", is_flag=True, help="A second objective: frames a second after the network."),
    click.option("--prune", is_flag=True, help="End trials that are poor on a first quarter of the videos."),
    click.option("--field", "fields", multiple=True, metavar="NAME",
                 help="Search this alone (a name, or a pattern such as 'linking.*').  [default: all]"),
    click.option("--storage", metavar="URL",
                 help="A database, for workers on several machines.  [default: a file in RUNS_DIR/tune]"),
)  # fmt: skip
files = together(
    click.option("--predictions", type=FILE, help="Somebody's detections instead of --method."),
    click.option("--linker", help="With them: the rule or paper's pipeline whose numbers are searched."),
    click.option("--truth", type=FILE, help="With them: the ground truth, unless --dataset names it."),
    click.option("--protocol", default="act", show_default=True, help="With them: the evaluator."),
    click.option("--format", help="With them: of the file, where its content does not tell it."),
    click.option("--box-offset", type=float, metavar="PIXELS", help="With them: added to boxes."),
    click.option("--name", help="With them: of the method, for tables.  [default: that of the file]"),
)


@click.command("tune")
@click.option("--method", help="See `bench methods`; or name --predictions.")
@click.option("--dataset", help="See `bench datasets`; NAME-mini is rendered.")
@searching
@files
@running
@click.pass_context
@going_on()
def command(context: click.Context, /, method: str | None, predictions: Path | None, **words: Any) -> None:
    """Search for better settings of what follows the network, on stored predictions.

    With --method: trains without the validation groups, searches on these, and scores the test videos with
    the paper's settings and with those found. With --predictions: searches on the videos that are scored;
    such a result is marked and never ranked. The same command goes on where it was stopped; docs/tuning.md.
    """
    if (method is None) == (predictions is None):
        raise ValueError("what is tuned? Name --method and --dataset, or --predictions, --linker and --truth")
    given = {n for n in words if context.get_parameter_source(n) not in (None, ParameterSource.DEFAULT)}
    for name in sorted(given & set(OF_FILES if method else OF_RUNS)):
        side = "--predictions" if method else "--method"
        raise ValueError(f"--{name.replace('_', '-')} says nothing here: it goes with {side}")
    if method is not None:
        _of_run(method, words)
    else:
        assert predictions is not None
        _of_files(predictions, words)


def _asked(words: dict[str, Any]) -> Asked:
    from bench.tuning.search import Asked

    names = ("trials", "jobs", "metric", "storage", "fields", "prune", "speed", "seed", "runs_dir")
    return Asked(**{name: words[name] for name in names})


def _of_run(method: str, words: dict[str, Any]) -> None:
    from bench.runs.asked import Request
    from bench.runs.console import ConsoleReporter
    from bench.tuning.of_run import tune

    if words["dataset"] is None:
        raise ValueError("--method needs --dataset: see `bench datasets`")
    names = ("dataset", "variant", "split", "seed", "device", "precision", "data_root", "runs_dir",
             "overrides", "partial")  # fmt: skip
    reporter = ConsoleReporter()
    with reporter.bars:
        record, folder = tune(
            _asked(words), Request(method, **{name: words[name] for name in names}), reporter
        )
    _show(record, folder, words["runs_dir"])


def _of_files(predictions: Path, words: dict[str, Any]) -> None:
    from bench.external import rescore
    from bench.runs.console import ConsoleReporter
    from bench.tuning.of_files import Request, tune

    if words["linker"] is None:
        raise ValueError("--predictions needs --linker: a rule or a paper's pipeline; docs/tubes.md has all")
    names = (
        "protocol",
        "truth",
        "dataset",
        "data_root",
        "runs_dir",
        "format",
        "box_offset",
        "partial",
        "name",
    )
    scored = rescore.Request(
        predictions, split=words["split"] or None, **{name: words[name] for name in names}
    )
    reporter = ConsoleReporter()
    with reporter.bars:
        record, folder = tune(
            _asked(words), Request(scored, words["linker"], words["overrides"]),
            lambda done, total: reporter.progress("trials", done, total),
        )  # fmt: skip
    _show(record, folder, words["runs_dir"])


def _show(record: StudyRecord, folder: Path, runs_dir: Path) -> None:
    """Write the study with its pictures, send it to MLflow, and print what a person wants to know of it."""
    from rich.console import Console

    from bench.results.result import ON_SCORED
    from bench.tracking import TrackingError, record_study
    from reports.studies import study_table, write_study

    path = write_study(record, folder)
    try:
        record_study(folder, runs_dir)
    except TrackingError as error:
        print(f"warning    {error}. The study is safe; `bench track --resync` sends it later")
    Console(file=sys.stdout, highlight=False).print(study_table(record))
    for setting in record.settings:
        print(f"setting    --set {setting}")
    if "tuned" in record.results and record.tuned_on == ON_SCORED:
        print(f"note       tuned on {ON_SCORED}: an upper bound, shown and never ranked")
    for note in record.notes:
        print(f"note       {note}")
    for name, result in record.results.items():
        print(f"{name:<10} {result}")
    print(f"study      {path}")
