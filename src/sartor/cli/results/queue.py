"""The output of a worker: a line or an object for each destination."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sartor.cli.results.objects import VERSION, JsonObject, destination_json, plain
from sartor.cli.results.units import count, duration
from sartor.cli.words import in_words
from sartor.domain.destination import Destination
from sartor.domain.fleet_queue import AttemptEnd, Told
from sartor.domain.fleet_run import FleetStanding
from sartor.domain.visible import visible_line


def told_line(told: Told) -> str:
    """Returns the line of a destination."""
    attempt, where = told.attempt, visible_line(told.turn.destination)
    took = duration(attempt.seconds * 1000)
    match attempt.end:
        case AttemptEnd.DONE if attempt.files:
            return f"done  {where}  {count(len(attempt.files), 'script')}  {took}"
        case AttemptEnd.DONE:
            return f"done  {where}  nothing to do"
        case AttemptEnd.INTERRUPTED:
            return f"given back  {where}"
        case AttemptEnd.FAILED | AttemptEnd.MAY_PASS | AttemptEnd.LOST:
            again = ", will be tried again" if told.again else ""
            return f"failed{again}  {where}  {in_words(attempt.error or '')}"


STATES = {AttemptEnd.DONE: "done", AttemptEnd.INTERRUPTED: "interrupted"}
"""The names of an attempt's end in the JSON; any other is `failed`."""


def told_json(told: Told) -> JsonObject:
    """Returns the object of a destination."""
    attempt, turn = told.attempt, told.turn
    error = attempt.error and {
        "kind": attempt.code,
        "message": in_words(attempt.error),
        "hint": in_words(attempt.hint) or None,
        "exit_code": attempt.exit_code,
    }
    return {
        "version": VERSION,
        "destination": destination_json(Destination(turn.url, turn.schema)) | {"label": turn.destination},
        "run": told.run,
        "wave": turn.wave,
        "state": STATES.get(attempt.end, "failed"),
        "again": told.again,
        "attempts": turn.attempts,
        "duration_ms": plain(attempt.seconds * 1000),
        "release": attempt.release,
        "files": list(attempt.files),
        "error": error or None,
    }


def over_lines(standings: Sequence[FleetStanding]) -> Iterable[str]:
    """Returns a line for each run that a worker has worked on."""
    for standing in standings:
        run, failed = standing.run, standing.count("failed")
        told = f"{standing.count('done'):,} of {run.total:,} done" + (f", {failed:,} failed" if failed else "")
        yield f"run {run.id}, {run.work}: {run.state.value}; {told}"
    if not standings:
        yield "no run is under way"
