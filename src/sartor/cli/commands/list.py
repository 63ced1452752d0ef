"""`sartor db alteration list`."""

from __future__ import annotations

import typer

import sartor
from sartor.cli import options, output
from sartor.cli.command import sources
from sartor.cli.declaration import command
from sartor.cli.results.status import list_json, list_lines


@command("db alteration list --alterations acme.alterations", options.alterations, codes=(0, 2))
def list_(context: typer.Context) -> None:
    """List the alterations, by release. Needs no database."""
    catalogue = sartor.list_alterations(sources(context))
    if output.wants("--json"):
        output.json_object(list_json(catalogue))
    else:
        output.results(list_lines(catalogue))
