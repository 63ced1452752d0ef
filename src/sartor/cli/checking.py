"""`sartor db alteration check`, and what `rollback --check` shows: a plan and its SQL, and nothing done."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from sartor import api
from sartor.api import Settings
from sartor.cli import found_shapes, options, output, render, shapes
from sartor.cli.declare import Argument, Command, Option, command_in
from sartor.cli.work import on_each, run, settled
from sartor.domain.destination import Destination
from sartor.domain.plan import Direction
from sartor.errors import DestinationError, SettingsError, VerificationFailed

if TYPE_CHECKING:
    from sartor.domain.check import Check

PENDING = 3
"""The exit code where a run would have something to do."""

CODES = {0: "nothing is pending", 1: "an alteration can't be loaded"}

commands: dict[str, Command] = {}


@command_in(
    commands,
    "check",
    epilog=options.epilog(
        "db alteration check 1.2.0 --sql plan.sql", 0, 1, 2, 3, 4, 6, 130, said=options.CODES | CODES
    ),
)
def check(
    *,
    target: Annotated[
        str, Argument(metavar="[TARGET]", help="A version, `latest` or `next`, as for deploy.")
    ] = api.LATEST,
    sql: options.Sql = None,
    plan_only: Annotated[
        bool, Option("--plan-only", help="Show which alterations, and no SQL; no clone is made.")
    ] = False,
    steps: options.Steps = None,
    strict_order: Annotated[bool, Option("--strict-order", help="Refuse late arrivals, as deploy would.")] = False,
    accept_edited: options.AcceptEdited = None,
    accept_missing: options.AcceptMissing = None,
    where: options.Compare,
    pins: options.Pins,
    common: options.Common,
) -> int:
    """Show what a deploy would do, and deploy nothing.

    Prints the SQL as a script for psql, records and all: run by hand, it is a deployment. Writes nothing to the
    database, and needs no right but to read the ledger. Where Python computes its SQL, it is run, with all before it,
    on a clone beside the database that is dropped again; --plan-only runs nothing.
    """
    flags = options.make_flags(where, pins, strict_order=strict_order)
    with settled(flags, where.embedded) as settings:

        def look(destination: Destination, writes: bool) -> Coroutine[Any, Any, Check]:
            return api.check(
                destination,
                settings.sources,
                target,
                steps=steps,
                strict_order=settings.strict_order,
                accepted=[*(accept_edited or ()), *(accept_missing or ())],
                limits=api.make_limits(settings),
                writes=writes,
                rehearses=not plan_only,
            )

        return show(settings, look, Direction.DEPLOY, sql=sql, plan_only=plan_only)


def show(
    settings: Settings,
    look: Callable[[Destination, bool], Coroutine[Any, Any, Check]],
    direction: Direction,
    *,
    sql: str | None,
    plan_only: bool,
) -> int:
    """Shows what `look` finds at each destination, or writes it to the file `sql`; returns the exit code."""
    if sql is not None and plan_only:
        raise SettingsError("--plan-only writes no SQL, and --sql does", hint="leave one of them out")
    several, numbers, pending = len(settings.destinations) > 1, itertools.count(1), False
    drifted: list[str] = []
    prints = sql is None and not plan_only and not output.wants("--json")

    def action(destination: Destination) -> shapes.Shape:
        nonlocal pending
        found = run(look(destination, prints or sql is not None))
        pending = pending or bool(found.steps)
        if found.drift.told:
            drifted.append(f"{destination.label}: {found.drift.told}")
        for note in render.check_notes(found):
            output.tell(f"note: {note}")
        if sql is not None:
            _write(found, _numbered(sql, next(numbers)) if several else sql)
        if prints and found.script is not None:
            output.script(found.script.blocks())
            output.tell(render.found_line(found))
        elif not output.wants("--json"):
            for line in (*render.check_lines(found), render.found_line(found)):
                output.result(line)
        return found_shapes.check_shape(found)

    on_each(settings, action, on_error=found_shapes.empty_check(direction))
    if drifted:
        raise VerificationFailed("; ".join(drifted), hint="`sartor db alteration verify` shows how")
    return PENDING if pending else 0


def _numbered(file: str, number: int) -> str:
    """Returns `plan-2.sql` for `plan.sql`: each destination has a script of its own."""
    path = Path(file)
    return str(path.with_stem(f"{path.stem}-{number}"))


def _open_for_its_owner(file: str, flags: int) -> int:
    """Opens a script's file for its owner alone, whatever its mode was before: a script may hold secrets."""
    descriptor = os.open(file, flags, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)
    return descriptor


def _write(found: Check, file: str) -> None:
    if found.script is None:
        raise DestinationError(found.obstacles[-1])
    try:
        with open(file, "wb", opener=_open_for_its_owner) as written:
            written.writelines(found.script.blocks())
    except OSError as error:
        raise SettingsError(
            f"{file} can't be written: {error.strerror}", hint="give another file with --sql"
        ) from error
