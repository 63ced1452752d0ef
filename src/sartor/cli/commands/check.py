"""`sartor db alteration check`, and what `rollback --check` shows: a plan and its SQL."""

import os
import stat
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

import sartor
from sartor import Observer, Settings
from sartor.cli import options, output
from sartor.cli.command import on_each, run, settled
from sartor.cli.declaration import argument, command, option
from sartor.cli.fleet_part import order_of
from sartor.cli.program import current
from sartor.cli.results.fleet_looks import checked_json, checked_lines, lost_lines
from sartor.cli.results.run import check_json, check_lines, check_notes, empty_check, found_line
from sartor.domain.check import Check, SqlScript
from sartor.domain.destination import Destination
from sartor.domain.plan import Direction
from sartor.domain.visible import visible_line
from sartor.errors import DestinationError, SettingsError, VerificationFailed

PENDING = 3
"""The exit code where a run would have something to do."""
TO_SEE = "to see the changes: sartor db alteration verify"

Target = Annotated[str, argument("[TARGET]", "A version, `latest` or `next`, as for deploy.")]
PlanOnly = Annotated[bool, option("--plan-only", "Show the alterations without their SQL; no clone is made.")]


@command(
    "db alteration check 1.2.0 --sql plan.sql",
    options.where,
    options.script_timeouts,
    options.at_once,
    codes=(0, 1, 2, 3, 4, 6, 130),
    said={0: "nothing is pending", 1: "an alteration can't be loaded"},
)
def check(
    context: typer.Context,
    target: Target = sartor.LATEST,
    sql: options.Sql = None,
    plan_only: PlanOnly = False,
    steps: options.Steps = None,
    strict_order: options.StrictOrder = False,
    accept_edited: options.AcceptEdited = None,
    accept_missing: options.AcceptMissing = None,
) -> int:
    """Show what a deploy would do, and change nothing.

    Prints the SQL as a script for psql with the ledger's rows; to run the script is to deploy. Writes nothing to the
    database, and needs only the right to read the ledger. Python whose SQL has to be computed is run, with all
    alterations before it, on a temporary clone beside the database; --plan-only runs nothing.
    """
    with settled(context, strict_order=strict_order) as settings:

        def look(destination: Destination, writes: bool) -> Coroutine[Any, Any, Check]:
            return sartor.check(
                destination,
                settings.sources,
                target,
                steps=steps,
                strict_order=settings.strict_order,
                accepted=[*(accept_edited or ()), *(accept_missing or ())],
                limits=settings.limits,
                script=writes,
                rehearse=not plan_only,
            )

        return show_check(context, settings, look, Direction.DEPLOY, sql=sql, plan_only=plan_only)


def show_check(
    context: typer.Context,
    settings: Settings,
    look: Callable[[Destination, bool], Coroutine[Any, Any, Check]],
    direction: Direction,
    *,
    sql: str | None,
    plan_only: bool = False,
) -> int:
    """Shows what `look` finds at each destination, or writes it to the file `sql`; returns the exit code."""
    if sql is not None and plan_only:
        raise SettingsError("--plan-only and --sql exclude each other", hint="remove one of them")
    prints = sql is None and not plan_only and not output.wants("--json")
    if len(settings.destinations) > 1:
        return _check_fleet(context, settings, look, direction, sql=sql, prints=prints)

    def action(destination: Destination) -> Check:
        found = run(look(destination, prints or sql is not None))
        for note in check_notes(found):
            output.tell(f"note: {note}")
        if sql is not None:
            _write(found, _script_file(sql, destination, settings.destinations))
        return found

    lines = partial(_lines, prints=prints)
    (found,) = on_each(settings, action, lines=lines, as_json=check_json, no_run=empty_check(direction))
    if found.drift.told:
        raise VerificationFailed(f"{settings.destinations[0].label}: {found.drift.told}", hint=TO_SEE)
    return PENDING if found.steps else 0


class _Checked(NamedTuple):
    """The numbers that count at the end: of what would be run, and what has changed since the last run."""

    steps: int
    drift: str


def _check_fleet(
    context: typer.Context,
    settings: Settings,
    check_at: Callable[[Destination, bool], Awaitable[Check]],
    direction: Direction,
    *,
    sql: str | None,
    prints: bool,
) -> int:
    """Shows what would be done at each destination of a fleet; returns the exit code."""
    from sartor.cli.fleet_looking import Look, look_at_each, tell_end, worst
    from sartor.domain.fleet_losses import FleetLosses

    lost = FleetLosses()

    async def call(place: Destination, _observer: Observer) -> tuple[Destination, Check]:
        found = await check_at(place, prints or sql is not None)
        if sql is not None:
            _write(found, _script_file(sql, place, settings.destinations))
        lost.take(found)
        return place, found

    def lines(answer: tuple[Destination, Check]) -> Iterator[str]:
        place, found = answer
        heading = f"== {visible_line(place.label)}"
        if prints:
            output.tell(heading)  # beside the script, which psql reads
        else:
            yield heading
        for note in check_notes(found):
            output.tell(f"note: {note}")
        yield from _lines(found, prints=prints)

    look = Look(
        call,
        keep=lambda answer: _Checked(len(answer[1].steps), answer[1].drift.told),
        as_json=lambda answer: check_json(answer[1]),
        lines=lines,
        is_told=lambda answer: bool(answer[1].steps or answer[1].drift.told),
        heading=False,
        no_run=empty_check(direction),
    )
    looked = look_at_each(settings, look, order_of(context.obj))
    changed = [(place, checked.drift) for place, checked in looked.found if checked.drift]
    pending = sum(bool(checked.steps) for _, checked in looked.found)
    undoes = [*lost_lines(lost)] if direction is Direction.ROLLBACK and lost.undone else ()
    told = [*checked_lines(pending, changed, of=len(looked.found)), *undoes]
    tell_end(looked, told, checked_json(pending, changed, lost.losses))
    return worst([looked.code, VerificationFailed.exit_code if changed else 0, PENDING if pending else 0])


def _lines(found: Check, *, prints: bool) -> Iterator[str]:
    if prints and found.script is not None:
        output.script(_in_its_words(found, found.script).blocks())
        output.tell(found_line(found))
    else:
        yield from (*check_lines(found), found_line(found))


def _in_its_words(found: Check, script: SqlScript) -> SqlScript:
    """Returns the script with the commands of this program in its own texts: its head, and where it has to stop.

    All else in it is SQL of the alterations.
    """
    own = {0, *([len(script.parts) - 1] if any(step.unsayable for step in found.steps) else [])}
    words = (
        current().with_commands(part) if at in own and isinstance(part, str) else part
        for at, part in enumerate(script.parts)
    )
    return SqlScript(tuple(words))


def _script_file(file: str, destination: Destination, destinations: Sequence[Destination]) -> str:
    """Returns the file of a destination's script: `plan.sql`, or of several `plan-1.sql`, `plan-2.sql`."""
    path = Path(file)
    return file if len(destinations) == 1 else str(path.with_stem(f"{path.stem}-{destinations.index(destination) + 1}"))


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
            written.writelines(_in_its_words(found, found.script).blocks())
    except OSError as error:
        raise SettingsError(
            f"{file} can't be written: {error.strerror}", hint="give another file with --sql"
        ) from error
