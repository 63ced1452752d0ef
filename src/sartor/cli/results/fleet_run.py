"""The output of `fleet`: a run that several processes share, and how far it is."""

from collections.abc import Iterator

from sartor.cli.command_line import approve_line
from sartor.cli.results.objects import VERSION, JsonObject, pick
from sartor.cli.results.units import count, moment
from sartor.domain.fleet_run import FleetRun, FleetStanding, RunState
from sartor.domain.visible import visible_line

FEW = 20
"""The number of failures that are shown as text."""
_ENDED = ("done", "failed", "aside")
_STATES = {
    "done": "done",
    "failed": "failed",
    "aside": "set aside",
    "running": "at work",
    "queued": "due",
    "waiting": "waiting",
}


def standing_line(standing: FleetStanding) -> str:
    """Returns how far a run is as a whole: `run 7: done; 1,488 of 1,500 destinations done, 12 failed`."""
    run, kinds = standing.run, ("failed", "aside", "running")
    told = [f"{standing.count('done'):,} of {count(run.total, 'destination')} done"]
    told += [f"{standing.count(kind):,} {_STATES[kind]}" for kind in kinds if standing.count(kind)]
    return f"run {run.id}: {run.state.value}; {', '.join(told)}"


def standing_lines(standing: FleetStanding) -> Iterator[str]:
    run = standing.run
    yield f"run {run.id}: {visible_line(str(run.work))}, {_told(run)}"
    ended = standing.count(*_ENDED)
    rate = f", {standing.lately} within the last minute" if standing.lately and run.state is RunState.RUNNING else ""
    yield f"{ended} of {count(run.total, 'destination')} ended{rate}"
    yield ""
    width = len(str(run.total)) + 2
    shown = [state for state in _STATES if standing.count(state)] or ["waiting"]
    yield "wave  " + "".join(f"{_STATES[state]:>{max(width, len(_STATES[state]) + 2)}}" for state in shown)
    for wave in sorted({tally.wave for tally in standing.tallies}):
        of_wave = {tally.state: tally.destinations for tally in standing.tallies if tally.wave == wave}
        cells = (f"{of_wave.get(state, 0):>{max(width, len(_STATES[state]) + 2)}}" for state in shown)
        yield f"{wave:>4}  " + "".join(cells)
    yield from _failures(standing)


def _told(run: FleetRun) -> str:
    by = f"begun {moment(run.began)} by {visible_line(run.who)}"
    match run.state:
        case RunState.PAUSED:
            return f"waits behind its canaries; {by}\n  to go on: {approve_line(run.id)}"
        case RunState.STOPPED:
            return f"stopped, as more than {run.budget} failed; {by}"
        case RunState.RUNNING:
            return f"at work; {by}"
        case _:
            return f"{run.state.value}; {by}"


def _failures(standing: FleetStanding) -> Iterator[str]:
    if not standing.failures:
        return
    yield ""
    for each in standing.failures[:FEW]:
        kind = "set aside" if each.aside else "failed"
        yield f"{kind}: {visible_line(each.destination)}: {visible_line(each.error)}"
    if (more := standing.count("failed", "aside") - FEW) > 0:
        yield f"{more} more like these: see --json"


def standing_json(standing: FleetStanding) -> JsonObject:
    run = standing.run
    shown = pick(run, "id names carrier state wave waves total budget canary approved_by who began ended")
    work = pick(run.work, "verb target options")
    return {"version": VERSION, "run": shown | work | {"sartor": run.version}} | pick(
        standing, "tallies failures lately"
    )
