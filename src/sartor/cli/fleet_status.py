"""`status` of a fleet: a line or an object for each destination, then how many stand where, and which don't fit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import sartor
from sartor import DestinationStatus, Settings
from sartor.cli import command_line, output
from sartor.cli.command_line import AS_GIVEN, Resume
from sartor.cli.fleet_looking import Look, Looked, is_small, look_at_each, tell_end, worst
from sartor.cli.results.fleet_status import fleet_status_json, fleet_status_lines, head_line, likeness_json
from sartor.cli.results.objects import JsonObject, error_json
from sartor.cli.results.status import standing_line, status_json, status_lines
from sartor.domain.destination import Destination
from sartor.domain.fleet import FleetOrder
from sartor.domain.fleet_status import FleetStatus, Standing
from sartor.domain.report import Observer
from sartor.errors import SchemaPending


class _Answer(NamedTuple):
    """The status of a destination, and what was still pending when the time to wait was over."""

    found: DestinationStatus
    late: SchemaPending | None = None


class _Kept(NamedTuple):
    standing: Standing
    code: int


def fleet_status(
    settings: Settings,
    look: Callable[[Destination], Awaitable[DestinationStatus]],
    order: FleetOrder,
    *,
    waits: bool,
) -> int:
    """Shows where each destination of a fleet stands, by `look`; returns the exit code.

    `waits` says that it raises SchemaPending where something is pending after the time to wait.
    """
    catalogue = sartor.list_alterations(settings.sources)

    async def call(destination: Destination, _observer: Observer) -> _Answer:
        try:
            return _Answer(await look(destination))
        except SchemaPending as error:
            return _Answer(await sartor.status(destination, catalogue), error)

    looked = look_at_each(
        settings,
        Look(call, keep=_keep, as_json=_as_json, lines=_lines, is_told=lambda _answer: False, heading=False),
        order,
    )
    found = FleetStatus([kept.standing for _, kept in looked.found])
    lines = [*([""] if is_small(settings) else []), head_line(found, failed=len(looked.failed), total=looked.total)]
    lines += fleet_status_lines(found, all_=output.wants("--verbose"))
    tell_end(looked, lines, fleet_status_json(found), after=_next(found, looked, waits=waits))
    return worst([looked.code, *(kept.code for _, kept in looked.found)])


def _keep(answer: _Answer) -> _Kept:
    found = answer.found
    standing = Standing.of(found.destination, found.ledger, found.status, found.likeness)
    return _Kept(standing, answer.late.exit_code if answer.late else 0)


def _as_json(answer: _Answer) -> JsonObject:
    late = {"error": error_json(answer.late)} if answer.late else {}
    return status_json(answer.found) | {"likeness": likeness_json(answer.found.likeness)} | late


def _lines(answer: _Answer) -> list[str]:
    """Returns the line of a destination; with --verbose, all that a single one's status shows."""
    return ["", *status_lines(answer.found)] if output.wants("--verbose") else [standing_line(answer.found)]


def _next(found: FleetStatus, looked: Looked[_Kept], *, waits: bool) -> list[str]:
    """Returns the commands that come next: for those behind, for those that are odd, and for those that failed."""
    ways: list[tuple[str, Resume]] = []
    if any(not each.is_refused for each in found.behind) and not waits:
        ways.append(("to deploy what is pending", Resume(verb="deploy", target=sartor.LATEST)))
    if (found.refused or found.outliers or found.split) and not waits:
        ways.append(("to see how a destination differs from its files and from its last run", Resume(verb="verify")))
    if looked.failed:
        ways.append(("to look again", AS_GIVEN))
    told = [(what, resume.line()) for what, resume in ways]
    lines = (("", f"{what}:", f"  {line}", *filter(None, [command_line.gap(line)])) for what, line in told)
    return [text for each in lines for text in each]
