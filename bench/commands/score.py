"""``bench score``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import RUN, data_root, runs_dir, together

if TYPE_CHECKING:
    from bench.external.rescore import Request

FILE = click.Path(path_type=Path)

files = together(
    click.option("--predictions", type=FILE, help="A file or folder; see docs/formats.md."),
    click.option("--tubes", type=FILE, help="Tubes, where they are not with the predictions."),
    click.option("--truth", type=FILE, help="Ground truth: a file or folder, told by its content."),
    click.option("--dataset", help="Or a dataset's own truth: see `bench datasets`."),
    click.option("--split", help="Of the dataset or of a *-GT.pkl.  [default: its first]"),
    data_root,
)
reading = together(
    click.option("--format", help="Of the predictions, where their content does not tell it."),
    click.option(
        "--box-offset",
        type=float,
        metavar="PIXELS",
        help="Added to boxes, in place of the format's own shift.",
    ),
    click.option(
        "--partial", is_flag=True, help="Score what is there when videos are missing; never ranked."
    ),
)


@click.command("score", epilog=RUN)
@click.argument("run", required=False)
@files
@click.option(
    "--protocol",
    default="",
    metavar="NAME",
    help="evaluator[+trimming], such as act; `all` compares evaluators in one table.",
)
@reading
@click.option("--name", help="Of the method, for tables.  [default: that of the file]")
@click.option("--out", type=FILE, help="Folder of result.json.  [default: one of its own in RUNS_DIR]")
@click.option("--no-intervals", "intervals", is_flag=True, flag_value=False, default=True,
              help="Leave out the bootstrap, which takes longest.")  # fmt: skip
@runs_dir
def command(run: str | None, **request: Any) -> None:
    """Score PREDICTIONS that lie in files, somebody else's or one's own, in any supported format; or a RUN.

    A RUN that is predicted is scored as `bench run` scores it: by the dataset's protocol, its paper's, and
    --protocol.

    Writes result.json and its matches as a run does. `--protocol all` writes nothing: it shows how far the
    same predictions move from one evaluator to the next. Exit code 0, or 2 for what cannot be scored.
    """
    if run is not None:
        _score_run(run, **request)
        return
    from bench.external.rescore import Request

    missing = [f"--{name}" for name in ("predictions", "protocol") if not request[name]]
    if missing:
        raise ValueError(f"name a run, or {' and '.join(missing)}")
    asked = Request(**request)
    if asked.protocol == "all":
        _show_all(asked)
    else:
        _show_result(asked)


def _score_run(run: str, **words: Any) -> None:
    from bench.runs import stages
    from bench.runs.console import ConsoleReporter, show_results
    from bench.runs.run import Run

    said = ("data_root", "runs_dir", "protocol", "partial")
    for word, value in words.items():
        if word not in said and value not in (None, True):
            raise ValueError(f"--{word.replace('_', '-')} is for predictions in files; a run says it")
    plan = stages.plan_of(run, {word: words[word] for word in said})
    reporter = ConsoleReporter()
    with reporter.bars:
        stages.score(Run(plan, reporter))
    show_results(plan)


def _show_result(request: Request) -> None:
    from rich.console import Console

    from bench.external.rescore import score
    from bench.results.notes import notes_of
    from reports.tables import result_table

    result, folder = score(request)
    Console(file=sys.stdout, highlight=False).print(result_table(result))
    for note in notes_of(result):
        print(f"note       {note}")
    print(f"result     {folder / 'result.json'}")


def _show_all(request: Request) -> None:
    from bench.external.rescore import score_all
    from reports.evaluators import show_spread

    rows, coverage = score_all(request)
    partial = f", partial {coverage.videos}/{coverage.expected}: not ranked" * coverage.partial
    show_spread(rows, f"{request.name or request.predictions.stem} under every evaluator{partial}")
