"""``bench weights``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.published import Weights


@click.command("weights")
@click.argument("method", required=False)
@click.option("--check", "file", type=click.Path(path_type=Path), help="A file: is it what it should be?")
@click.option("--as", "name", help="What it should be: a name of the list.")
def command(method: str | None, file: Path | None, name: str | None) -> None:
    """List the published weights that methods can start from, where they are to be had and their licences.

    Nothing is downloaded. With --check a FILE is loaded as training would load it, and the first difference
    is named.
    """
    if (file is None) != (name is None):
        raise ValueError("--check FILE and --as NAME belong together: which weights should the file be?")
    if file is None or name is None:
        _list(_of(method))
    else:
        _check(file, _entry(name, method))


def _of(method: str | None) -> dict[str, tuple[Weights, list[str]]]:
    """Weights by name, each with the methods that start from it: of one method, or all that there are."""
    import methods.base as base
    from bench.names import choose
    from methods.nn.published import ALL

    known = list(base.available())
    chosen = known if method is None else [choose(method, known, "method")]
    found: dict[str, tuple[Weights, list[str]]] = {}
    if method is None:
        found = {weights.name: (weights, []) for weights in ALL.values()}
    for name in chosen:
        for weights in base.find(name).weights:
            found.setdefault(weights.name, (weights, []))[1].append(name)
    return found


def _list(found: dict[str, tuple[Weights, list[str]]]) -> None:
    from rich.markup import escape
    from rich.table import Column, Table

    from reports.terminal import show_whole

    table = Table("name", "methods", "what for", "file", Column("parameters", justify="right"), "licence",
                  Column("page of the authors", no_wrap=True), show_lines=True)  # fmt: skip
    for name, (weights, methods) in found.items():
        cells = name, ", ".join(methods) or "–", weights.use, weights.file, f"{weights.parameters:,}"
        table.add_row(*map(escape, (*cells, weights.licence, weights.page)))
    if found:
        show_whole(table)
    else:
        print("starts from no published weights")
    print("nothing is downloaded; bench weights --check FILE --as NAME checks a file")


def _entry(name: str, method: str | None) -> Weights:
    """The weights of that name; methods are only looked at for those that they alone know."""
    from bench.names import choose
    from methods.nn.published import ALL

    if method is None and name in ALL:
        return ALL[name]
    found = _of(method)
    return found[choose(name, found, "weights")][0]


def _check(file: Path, weights: Weights) -> None:
    from importlib import import_module

    module, _, function = weights.check.partition(":")
    try:
        getattr(import_module(module), function)(weights.name, file)
    except FileNotFoundError as error:
        raise ValueError(str(error)) from None
    print(f"{file} is {weights.name}: {weights.parameters:,} parameters, every tensor in its shape")
