"""The output of a run on a fleet: a line or an object for each destination, and the report at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sartor.cli.command_line import gap
from sartor.cli.results.objects import VERSION, JsonObject, destination_json, pick, plain
from sartor.cli.results.run import VERBS, failed_json
from sartor.cli.results.units import count, duration, scripts
from sartor.domain.fleet import End, FleetReport, Outcome, Stopped
from sartor.domain.fleet_progress import report_of
from sartor.domain.fleet_summary import Summary, blocking
from sartor.domain.plan import Direction
from sartor.domain.visible import visible_line

NAMED = 10
"""The destinations that the report names for one reason; the JSON has them all."""

WHY = {
    None: "after fixing it, resume with (what is done isn't touched again):",
    Stopped.CANARY: "stopped behind the canaries; when they are as they should be, go on with:",
    Stopped.FAILURES: "stopped, as more failed than --max-failures allows; after fixing it, resume with:",
    Stopped.INTERRUPTED: "interrupted; each destination is at a whole alteration; resume with:",
    Stopped.CANCELLED: "cancelled; to go on after all:",
}
"""Why a run ended before all was done, before the command that goes on."""


def destinations(number: int) -> str:
    """Returns a number of destinations: `1 destination`, `1,488 destinations`."""
    return f"{number:,} destination{'' if number == 1 else 's'}"


def done_line(outcome: Outcome) -> str:
    """Returns the line of a destination at which something was done; "" where nothing was to be done."""
    report = report_of(outcome)
    if report is None or not report.done:
        return ""
    number = scripts([done.alteration for done in report.done])
    tries = f"  {outcome.attempts} attempts" if outcome.attempts > 1 else ""
    where, took = visible_line(outcome.destination.label), duration(outcome.seconds * 1000)
    return f"{VERBS[report.direction]}  {where}  {number}  {took}{tries}"


def canary_question(report: FleetReport) -> str:
    """Returns the question behind the canaries: how they are, and how many destinations are left."""
    canaries = [outcome for outcome in report.outcomes if outcome.end is not End.UNTOUCHED]
    done, number = sum(outcome.end is End.DONE for outcome in canaries), len(canaries)
    told = f"{done:,} of {number:,} canaries done in {duration(report.seconds * 1000)}, {number - done:,} failed"
    return f"{told}. Go on with the other {destinations(len(report.outcomes) - number)}?"


def summary_lines(summary: Summary, direction: Direction, ways: Sequence[str]) -> list[str]:
    """Returns the report at the end; `ways` are the commands that go on."""
    lines = [_head(summary, direction)]
    if summary.waves_in_all > 1:
        lines += [f"  {line}" for line in _wave_lines(summary)]
    lines += _remarkable(summary)
    for group in summary.groups:
        lines += ["", f"failed at {destinations(len(group.labels))}: {visible_line(group.text)}"]
        lines += [f"  {line}" for line in _named(group.labels)]
    if not summary.is_complete:
        lines += ["", *_going_on(summary, ways)]
    return lines


def _head(summary: Summary, direction: Direction) -> str:
    idle = summary.done - summary.changed
    unchanged = f" ({idle:,} had nothing to do)" if idle and summary.changes else ""
    told = [f"{summary.done:,} of {destinations(summary.total)} done{unchanged}"]
    told += [f"{summary.failed:,} failed"] if summary.failed else []
    told += [f"{summary.untouched:,} untouched"] if summary.untouched else []
    return f"{_changes(summary, direction)} in {duration(summary.seconds * 1000)}: {', '.join(told)}"


def _changes(summary: Summary, direction: Direction) -> str:
    if not summary.changes and summary.is_complete:
        return f"Found 0 alteration to {'deploy' if direction is Direction.DEPLOY else 'roll back'}"
    number = f"{summary.changes:,} alteration{'' if summary.changes == 1 else 's'}"
    return f"{VERBS[direction].capitalize()} {number}"


def _wave_lines(summary: Summary) -> list[str]:
    rows = []
    for wave in summary.waves:
        counts = ((wave.done, "done"), (wave.failed, "failed"), (wave.untouched, "untouched"))
        told = ", ".join(f"{number:,} {word}" for number, word in counts if number)
        rows.append((f"wave {wave.number + 1} of {summary.waves_in_all}", told, duration(wave.seconds * 1000)))
    if not rows:
        return []
    widths = [max(len(row[at]) for row in rows) for at in (0, 1)]
    return [f"{name.ljust(widths[0])}  {told.ljust(widths[1])}  {took}" for name, told, took in rows]


def _remarkable(summary: Summary) -> Iterator[str]:
    if summary.total > len(summary.slowest) > 1:
        yield ""
        yield "slowest:"
        for each in summary.slowest:
            yield f"  {visible_line(each.label)}  {duration(each.seconds * 1000)}"
    if summary.retried:
        yield ""
        yield f"retried, as the connection was lost: {destinations(len(summary.retried))}"
        told = [f"{each.label}  {count(each.attempts, 'attempt')}" for each in summary.retried]
        yield from (f"  {line}" for line in _named(told))
    for session in blocking(summary.blocked):
        yield ""
        yield f"{destinations(len(session.labels))} waited for {visible_line(session.who)}"
        yield from (f"  {line}" for line in _named(session.labels))


def _named(labels: Sequence[str]) -> Iterator[str]:
    """Yields the first names, and the number of the others."""
    yield from map(visible_line, labels[:NAMED])
    if len(labels) > NAMED:
        yield f"and {len(labels) - NAMED:,} more"


def _going_on(summary: Summary, ways: Sequence[str]) -> Iterator[str]:
    """Yields why the run ended before all was done, and the commands that go on."""
    yield WHY[summary.stopped]
    yield from (f"  {way}" for way in ways[:NAMED])
    if len(ways) > NAMED:
        yield f"  and {len(ways) - NAMED:,} more"
    yield from filter(None, (gap(way) for way in ways[:1]))


def outcome_json(outcome: Outcome, run: JsonObject) -> JsonObject:
    """Returns the line of a destination: its place in the fleet, and the fields of its `run`."""
    return {
        "version": VERSION,
        "destination": destination_json(outcome.destination),
        "labels": dict(outcome.destination.labels),
        "state": plain(outcome.end),
        "wave": None if outcome.end is End.UNTOUCHED else outcome.wave,
        "attempts": outcome.attempts,
        "duration_ms": plain(outcome.seconds * 1000),
    } | {name: value for name, value in run.items() if name != "version"}


def run_json(outcome: Outcome, as_json: Callable[[Any], JsonObject], no_run: JsonObject) -> JsonObject:
    """Returns the fields of a destination's run, as those of one destination; `no_run` are those where none began."""
    if outcome.error is not None:
        return failed_json(outcome.error, no_run)
    return no_run if outcome.result is None else as_json(outcome.result)


def fleet_json(summary: Summary, ways: Sequence[str]) -> JsonObject:
    """Returns the last line, on the whole fleet; `ways` are the commands that go on."""
    return {
        "version": VERSION,
        "fleet": {
            **pick(summary, "done failed untouched stopped"),
            "waves": [
                {"wave": wave.number, **pick(wave, "done failed untouched"), "duration_ms": plain(wave.seconds * 1000)}
                for wave in summary.waves
            ],
            "duration_ms": plain(summary.seconds * 1000),
            "reasons": [{"message": group.text, "labels": list(group.labels)} for group in summary.groups],
            "slowest": [{"label": each.label, "duration_ms": plain(each.seconds * 1000)} for each in summary.slowest],
            "retried": [pick(each, "label attempts") for each in summary.retried],
            "blocked": [{**pick(each, "label script"), "blockers": plain(each.blockers)} for each in summary.blocked],
            "resume": None if summary.is_complete or len(ways) != 1 else ways[0],
        },
    }
