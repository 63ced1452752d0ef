"""Parts of a fleet's run under blows: processes that share a control database, killed at random and started again."""

from __future__ import annotations

import random
from pathlib import Path

from sartor.embedded.server import serve
from support.campaigns import Progress, Tally, silent
from support.database import temporary_database
from support.struck_fleet import FIRST, LAST, SETTINGS, Fleet, FleetRun, new_fleet

PARTS, SERVERS = 4, 16
FAILING = 0.05
KINDS = ("rights", "missing", "locked", "edited")


def strike_shards(folder: Path, number: int, kills: int, chance: random.Random, progress: Progress = silent) -> Tally:
    """Have four processes do a run's parts, and kill so many of them; the next one of the part goes on."""
    tally = Tally()
    with (
        serve(folder / "server", tcp=True, settings=SETTINGS) as server,
        new_fleet(server.url, folder, number=number) as fleet,
        temporary_database(server.url) as control,
    ):
        fleet.servers = SERVERS
        for target, most in ((FIRST, kills // 2), (LAST, kills)):
            if target == LAST:
                fleet.break_some(FAILING, KINDS, chance)
            _carry(fleet, control.url, target, most, chance, tally, progress)
            if tally.violations:
                break
            states = "select state, count(*) from sartor_fleet.fleet_destination d where run = (select max(id) from"
            found = dict(control.rows(f"{states} sartor_fleet.fleet_run) group by 1"))
            expected = {"done": number - len(fleet.faults), "failed": len(fleet.faults)}
            if found != {state: count for state, count in expected.items() if count}:
                tally.found(f"the control database, {target}", [f"{found}, but it should be {expected}"])
            if (short := fleet.short_of(target)) != set(fleet.faults):
                tally.found(target, [f"short: {sorted(short)}, with faults: {sorted(fleet.faults)}"])
            tally.found(target, fleet.violations())
    return tally


def _carry(
    fleet: Fleet, control: str, target: str, kills: int, chance: random.Random, tally: Tally, progress: Progress
) -> None:
    """All parts of a run to its end; some of their processes are killed until there were so many kills in all."""
    plan = fleet.plan()
    at_work: dict[int, FleetRun] = {}
    for part in range(PARTS):
        at_work[part] = _start(plan, target, control, part)
    failed: set[str] = set()
    while at_work:
        part = chance.choice(sorted(at_work))
        spared = tally.counts["kills"] >= kills
        ended = at_work[part].end() if spared else at_work[part].end(within=chance.uniform(0, 1.5))
        if ended is None:
            at_work.pop(part).kill()
            tally.counts["kills"] += 1
            at_work[part] = _start(plan, target, control, part)
        else:
            del at_work[part]
            tally.counts["parts that ended"] += 1
            failed |= ended.of("failed")
            tally.found(f"part {part}", [f"exit code {ended.code}: {ended.complaint}"] if ended.code else [])
        progress(tally.counts["kills"])
    if failed != set(fleet.faults):
        tally.found(target, [f"told as failed: {sorted(failed)}, with faults: {sorted(fleet.faults)}"])


def _start(plan: Path, target: str, control: str, part: int) -> FleetRun:
    run = FleetRun(plan, target, shared=(control, f"to {target}", f"{part}/{PARTS}"))
    run.go()
    return run
