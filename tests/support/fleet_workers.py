"""Workers under blows: killed at random, a control database that is restored from a backup, destinations that fail."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import psutil

from sartor import Destination
from sartor.domain.fleet_run import FleetRun
from sartor.embedded.server import serve
from support.campaigns import Progress, Tally, silent
from support.command import Command, finish
from support.database import Database, temporary_database
from support.fleet_queue import SCHEMA, QueuedFleet
from support.struck_fleet import FIRST, LAST, SETTINGS, Fleet, new_fleet

FAILING = 0.05
WORKERS, JOBS = 4, 2
KINDS = ("rights", "missing", "locked")
"""The faults of which a worker can be told."""
SILENCE = ("--heartbeat", "2", "--jobs", str(JOBS))
LIMITS = {"SARTOR_LOCK_BUDGET": "1s", "SARTOR_LOCK_TIMEOUT": "200ms"}


def strike_workers(folder: Path, number: int, kills: int, chance: random.Random, progress: Progress = silent) -> Tally:
    """Have four workers deploy to so many destinations, and kill so many of them; restore the control database once."""
    tally = Tally()
    with serve(folder / "server", tcp=True, settings=SETTINGS) as server:
        tools = server.bin
        with new_fleet(server.url, folder, number=number) as fleet, temporary_database(server.url) as control:
            queue = QueuedFleet(Command(folder, LIMITS), control)
            queue.upgrade()
            campaign = _Workers(fleet, queue, _Backup(control, tools, folder / "control.sql"), chance, tally, progress)
            campaign.carry(FIRST, kills // 2)
            fleet.break_some(FAILING, KINDS, chance)
            campaign.spend_budget()
            campaign.carry(LAST, kills, restore=True)
            fleet.mend()
            campaign.carry(LAST, kills)
    return tally


class _Backup:
    """A backup of a control database as of some time ago."""

    def __init__(self, control: Database, tools: Path, file: Path) -> None:
        self._control, self._tools, self._file = control, tools, file

    def take(self) -> None:
        self._run("pg_dump", "--clean", "--if-exists", f"--file={self._file}", self._control.url)

    def restore(self) -> None:
        self._run("psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={self._file}", self._control.url)

    def _run(self, program: str, *words: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        subprocess.run([self._tools / program, *words], check=True, env=environment, capture_output=True)


class _Workers:
    """The blows on the workers of one fleet, and what was found wrong."""

    def __init__(
        self,
        fleet: Fleet,
        queue: QueuedFleet,
        backup: _Backup,
        chance: random.Random,
        tally: Tally,
        progress: Progress,
    ) -> None:
        self._fleet, self._queue, self._backup = fleet, queue, backup
        self._chance, self._tally, self._progress = chance, tally, progress
        self._workers: list[subprocess.Popen[str]] = []

    def carry(self, target: str, kills: int, *, restore: bool = False) -> None:
        """A run in two waves, whose workers are killed until there were so many kills in all; judged in the end."""
        run = self._plan(target)
        self._start()
        if restore:
            self._pass(run, 0.3)
            self._backup.take()
            self._pass(run, 0.7)
            self._strike_all()
            self._backup.restore()
            self._tally.counts["restores"] += 1
            self._start()
        while self._tally.counts["kills"] < kills and self._queue.state(run) == "running":
            time.sleep(self._chance.uniform(0.2, 2))
            self._strike()
            self._start()
            self._progress(self._tally.counts["kills"])
        self._judge(run, target)

    def spend_budget(self) -> None:
        """A run that may have fewer failures than there are: no more of them than were at work come on top."""
        budget = len(self._fleet.faults) // 4
        run = self._plan(LAST, budget)
        self._start()
        self._end_workers()
        failed = self._queue.states(run)["failed"]
        if self._queue.state(run) != "stopped" or not budget < failed <= budget + WORKERS * JOBS:
            self._tally.found("a failure budget", [f"{self._queue.state(run)} with {failed} failures of {budget}"])
        self._tally.counts["failures beyond the budget"] += max(0, failed - budget)

    def _plan(self, target: str, budget: int | None = None) -> FleetRun:
        places = [Destination.parse(url, schema=schema) for url, schema, _ in self._fleet.places()]
        first = len(places) // 10
        waves = places[:first], places[first:]
        return self._queue.plan_for(*waves, target=target, budget=budget, jobs_per_server=WORKERS * JOBS)

    def _start(self) -> None:
        """Starts workers until there are four."""
        self._workers = [each for each in self._workers if each.poll() is None]
        while len(self._workers) < WORKERS:
            self._workers.append(self._queue.start(*SILENCE))

    def _pass(self, run: FleetRun, share: float) -> None:
        """Waits until this share of the destinations is done, or the run is over."""
        while (
            self._queue.states(run)["done"] < share * len(self._fleet.schemas) and self._queue.state(run) == "running"
        ):
            time.sleep(0.05)

    def _strike(self) -> None:
        """Kills a worker; its hands too, every other time."""
        victim = self._workers.pop(self._chance.randrange(len(self._workers)))
        if victim.poll() is None:
            self._kill(victim, hands=self._chance.random() < 0.5)
        victim.communicate()

    def _strike_all(self) -> None:
        for victim in self._workers:
            if victim.poll() is None:
                self._kill(victim, hands=True)
            victim.communicate()
        self._workers.clear()

    def _kill(self, victim: subprocess.Popen[str], *, hands: bool) -> None:
        for process in psutil.Process(victim.pid).children(recursive=True) if hands else []:
            process.kill()
        victim.kill()
        self._tally.counts["kills"] += 1

    def _end_workers(self) -> None:
        """Waits until the workers have seen the run's end."""
        for worker in self._workers:
            ended = finish(worker)
            if ended.code not in {0, 1, 7}:
                self._tally.found("a worker", [str(ended)])
        self._workers.clear()

    def _judge(self, run: FleetRun, target: str) -> None:
        """Notes what is wrong when a run is over: with the destinations, and with what the control database says."""
        self._end_workers()
        fleet, states, what = self._fleet, self._queue.states(run), f"the run to {target}"
        failing, total = set(fleet.faults), len(fleet.schemas)
        if self._queue.state(run) != "done" or (states["done"], states["failed"]) != (
            total - len(failing),
            len(failing),
        ):
            self._tally.found(what, [f"it is {self._queue.state(run)}: {states}, with {len(failing)} faults"])
        query = f"select schema from {SCHEMA}.fleet_destination where run = {run.id} and state = 'failed'"
        failed = {schema for (schema,) in self._queue.database.rows(query)}
        short = fleet.short_of(target)
        if not short == failed == failing:
            self._tally.found(what, [f"short {sorted(short)}, failed {sorted(failed)}, with faults {sorted(failing)}"])
        self._tally.found(what, fleet.violations())
        if jobs := self._queue.jobs():
            self._tally.found(what, [f"{jobs} jobs are left"])
