"""Fleets under blows: runs killed at random, two at once, a server that restarts, destinations that fail."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sartor.embedded.cluster import Account
from sartor.embedded.server import EmbeddedServer, serve
from support.campaigns import Progress, Tally, silent
from support.sessions import at_work, until
from support.struck_fleet import FAULTS, FIRST, INTERRUPTED, JOBS, LAST, SETTINGS, Ended, Fleet, FleetRun, new_fleet

FAILING = 0.05
"""The share of destinations that fail."""


def strike_fleet(
    folder: Path,
    number: int,
    kills: int,
    chance: random.Random,
    *,
    kinds: Sequence[str] = tuple(FAULTS),
    progress: Progress = silent,
) -> Tally:
    """Deploy to so many destinations on a server of the campaign's own, and kill so many runs of it.

    `kinds` are the faults that some of them have.
    """
    tally = Tally()
    directory = folder / "server"
    with serve(directory, tcp=True, settings=SETTINGS) as server, new_fleet(server.url, folder, number=number) as fleet:
        campaign = _Campaign(fleet, lambda: _restart(server, directory, chance), chance, tally, progress)
        campaign.storm(FIRST, kills // 2)
        campaign.require("the first release", FIRST, set())
        fleet.break_some(FAILING, kinds, chance)
        campaign.spend_budget()
        campaign.interrupt()
        campaign.storm(LAST, kills)
        campaign.run_alone("with faults")
        fleet.mend()
        campaign.run_both()
        campaign.run_alone("in the end")
        campaign.require("the end", LAST, set(fleet.faults))
    return tally


class _Campaign:
    """The blows on one fleet, and what was found wrong."""

    def __init__(
        self, fleet: Fleet, restart: Callable[[], None], chance: random.Random, tally: Tally, progress: Progress
    ) -> None:
        self._fleet, self._restart, self._chance = fleet, restart, chance
        self._tally, self._progress = tally, progress

    def storm(self, target: str, kills: int) -> None:
        """Two runs at a time, killed at random until there were so many kills in all; the server restarts in between.

        Then a run that nobody kills.
        """
        begun = self._tally.counts["kills"]
        middle, restarted = (begun + kills) // 2 - 1, False
        while self._tally.counts["kills"] < kills:
            runs = self._begin(target, 2)
            if not restarted and self._tally.counts["kills"] >= middle:
                time.sleep(self._moment())
                self._restart()
                self._fleet.lock()
                restarted = True
                self._tally.counts["restarts"] += 1
            for run in runs:
                self._end_or_kill(run)
            self._progress(self._tally.counts["kills"])
        (run,) = self._begin(target, 1)
        self._finish(run, "a run after the kills")

    def _begin(self, target: str, number: int, failures: str = "-") -> list[FleetRun]:
        plan = self._fleet.plan()
        runs = [FleetRun(plan, target, failures) for _ in range(number)]
        for run in runs:
            run.go()
        return runs

    def _moment(self) -> float:
        """Seconds, at random, in which a part of the fleet is worked through."""
        return self._chance.uniform(0.1, 0.3 + len(self._fleet.schemas) / 200)

    def _end_or_kill(self, run: FleetRun) -> None:
        ended = run.end(within=self._moment())
        if ended is None:
            run.kill()
            self._tally.counts["kills"] += 1
        else:
            self._judge(ended, "a run that wasn't killed")

    def _finish(self, run: FleetRun, what: str) -> Ended:
        ended = run.end()
        if ended is None:
            run.kill()
            self._tally.found(what, ["it hangs"])
            return Ended(-9)
        self._judge(ended, what)
        return ended

    def _judge(self, ended: Ended, what: str) -> None:
        """Notes what is wrong with a run that ended by itself."""
        self._tally.counts["runs that ended"] += 1
        if ended.code not in {0, INTERRUPTED}:
            self._tally.found(what, [f"exit code {ended.code}: {ended.complaint}"])

    def require(self, what: str, release: str, excused: set[str]) -> None:
        """Notes which destinations aren't at a release, and where a script ran twice."""
        fleet = self._fleet
        if short := fleet.short_of(release) - excused:
            self._tally.found(what, [f"not at {release}: {sorted(short)}"])
        self._tally.found(what, fleet.violations())

    def spend_budget(self) -> None:
        """A run that may have fewer failures than there are: it stops, with no more of them than were at work."""
        fleet, what = self._fleet, "a run with a failure budget"
        budget, before = len(fleet.faults) // 4, fleet.held()
        (run,) = self._begin(LAST, 1, str(budget))
        ended = self._finish(run, what)
        failed = len(ended.of("failed"))
        if ended.stopped != "failures" or not budget < failed <= budget + JOBS:
            self._tally.found(what, [f"stopped by {ended.stopped} with {failed} failures of {budget}"])
        self._tally.found(what, fleet.untrue(ended, before, LAST))
        self._tally.counts["failures beyond the budget"] += max(0, failed - budget)

    def interrupt(self) -> None:
        """A run alone that a signal ends: its report is true, and nothing is half done."""
        fleet, before, what = self._fleet, self._fleet.held(), "a run that was interrupted"
        (run,) = self._begin(LAST, 1)
        until(lambda: "sartor" in " ".join(at_work(fleet.database)) or run.is_over(), what="the run's first statement")
        time.sleep(self._moment() / 8)
        run.interrupt()
        ended = self._finish(run, what)
        self._tally.counts["interruptions"] += ended.code == INTERRUPTED
        self._tally.found(what, fleet.untrue(ended, before, LAST))
        self._tally.found(what, fleet.violations())

    def run_alone(self, what: str) -> None:
        """A run alone: it fails where there is a fault, and nowhere else; its report is true."""
        fleet, before = self._fleet, self._fleet.held()
        (run,) = self._begin(LAST, 1)
        ended = self._finish(run, what)
        if ended.of("failed") != set(fleet.faults) or ended.of("untouched"):
            wrong = f"failed: {sorted(ended.of('failed'))}, with a fault: {sorted(fleet.faults)}"
            self._tally.found(what, [f"{wrong}; untouched: {sorted(ended.of('untouched'))}"])
        self._tally.found(what, fleet.untrue(ended, before, LAST))

    def run_both(self) -> None:
        """Two runs at once: what both say that they did is what was done, each thing once."""
        fleet, before, what = self._fleet, self._fleet.held(), "two runs at once"
        ended = [self._finish(run, what) for run in self._begin(LAST, 2)]
        held = fleet.held()
        made = sorted((schema, each) for schema in held for each in set(held[schema]) - set(before[schema]))
        told = sorted((schema, each) for run in ended for schema, found in run.ends.items() for each in found.done)
        if made != told:
            self._tally.found(what, [f"they did {made}, and say {told}"])


def _restart(server: EmbeddedServer, directory: Path, chance: random.Random) -> None:
    """Restarts a server, in order or as if its machine had failed."""
    mode = chance.choice(["fast", "immediate"])
    command = (server.bin / "pg_ctl", "restart", "-w", "-m", mode, "-D", directory / "data")
    if code := Account.of_the_server().run(*command):
        raise RuntimeError(f"pg_ctl restart: exit code {code}")
