"""``bench data``: the group; each of its commands is in a module of its own beside this one."""

from __future__ import annotations

import click

from bench.commands.data_check import check
from bench.commands.data_extend import extend
from bench.commands.data_flow import flow
from bench.commands.data_list import list_
from bench.commands.data_prepare import prepare


@click.group("data", commands=[check, list_, prepare, flow, extend])
def command() -> None:
    """Datasets on disk: is what is there whole, where to get it, how to put it in place, its flow."""
