"""`sartor db alteration list`, `status`, `history`: commands that read, and write nothing."""

from __future__ import annotations

import os
from pathlib import Path

from sartor import api
from sartor.cli import options, output, render, shapes
from sartor.cli.declare import Command, command_in
from sartor.cli.work import on_each, run, settled
from sartor.domain.destination import Destination

commands: dict[str, Command] = {}


@command_in(commands, "list", epilog=options.epilog("db alteration list --alterations acme.alterations", 0, 2))
def list_(
    *,
    alterations: options.Alterations = None,
    common: options.Common,
) -> None:
    """Show what is shipped, by release. Needs no database."""
    flags = api.Flags(alterations=tuple(alterations or ()))
    catalogue = api.list_alterations(api.load_sources(flags, environ=os.environ, directory=Path.cwd()))
    if common.json:
        output.shape(shapes.list_shape(catalogue))
    else:
        for line in render.list_lines(catalogue):
            output.result(line)


@command_in(commands, "status", epilog=options.epilog("db alteration status --json", 0, 2, 6, 130))
def status(
    *,
    where: options.Compare,
    common: options.Common,
) -> None:
    """Compare what is shipped with what is deployed.

    Tells what is pending, out of order, edited, missing or ahead. Writes nothing.
    """
    with settled(options.make_flags(where), where.embedded) as settings:

        def action(destination: Destination) -> shapes.Shape:
            found = run(api.status(destination, settings.sources))
            if common.json:
                return shapes.status_shape(found)
            for line in render.status_lines(found):
                output.result(line)
            return {}

        on_each(settings, action)


@command_in(commands, "history", epilog=options.epilog("db alteration history --json", 0, 2, 6, 130))
def history(
    *,
    where: options.Reach,
    common: options.Common,
) -> None:
    """Show the journal, oldest event first.

    Every deployment, rollback, failure and repair, with who did it and when. Writes nothing.
    """
    with settled(options.make_flags(where), where.embedded, ships=False) as settings:

        def action(destination: Destination) -> shapes.Shape:
            events = run(api.history(destination))
            if common.json:
                return shapes.history_shape(events)
            for line in render.history_lines(events):
                output.result(line)
            return {}

        on_each(settings, action)
