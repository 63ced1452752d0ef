"""A fleet whose destinations are schemas of one database, and the queue in the same database that carries its runs."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Sequence

from sartor import Destination
from sartor.api.queue import upgrade_queue
from sartor.domain.fleet_run import Carrier, FleetRun, FleetWork
from sartor.fleet.carrier import enqueuing
from sartor.fleet.control import Control
from sartor.fleet.control_rows import NewRun
from support.command import Command, Finished
from support.database import Database

SCHEMA = "sartor_fleet"


class QueuedFleet:
    """A fleet of schemas `t000` and so on; the control tables may be in another database."""

    def __init__(self, sartor: Command, database: Database, control: Database | None = None) -> None:
        self._sartor = sartor
        self.database = database
        self.tables = control or database
        self.url = f"{self.tables.url}?schema={SCHEMA}"
        self.control = Destination.parse(self.url)

    def upgrade(self) -> None:
        asyncio.run(upgrade_queue(self.control))

    def destinations(self, number: int) -> list[Destination]:
        return [Destination.parse(self.database.url, schema=f"t{each:03}") for each in range(number)]

    def plan(self, *sizes: int, verb: str = "deploy", target: str | None = None, **more: object) -> FleetRun:
        """Makes a run with waves of these sizes."""
        left, waves = self.destinations(sum(sizes)), []
        for size in sizes:
            waves.append(left[:size])
            del left[:size]
        return self.plan_for(*waves, verb=verb, target=target, **more)

    def plan_for(
        self, *waves: list[Destination], verb: str = "deploy", target: str | None = None, **more: object
    ) -> FleetRun:
        """Makes a run with these waves."""
        given = {"work": FleetWork(verb, target), "waves": waves, "who": "me", "carrier": Carrier.QUEUE, **more}

        async def go() -> FleetRun:
            async with Control(self.control, opened=enqueuing(SCHEMA)) as control:
                return (await control.plan(NewRun(**given)))[0]  # type: ignore[arg-type]

        return asyncio.run(go())

    def arguments(self, *more: str) -> Sequence[str]:
        return ("fleet", "worker", "--control", self.url, *more)

    def work(self, *more: str, expect: int | None = 0) -> Finished:
        """Runs one worker to its end."""
        return self._sartor.run(*self.arguments("--poll", "1", *more), env={"SARTOR_DB_URL": ""}, expect=expect)

    def start(self, *more: str, own_group: bool = False) -> subprocess.Popen[str]:
        """Starts a worker, and doesn't wait for it."""
        arguments = self.arguments("--poll", "1", *more)
        return self._sartor.launch(*arguments, env={"SARTOR_DB_URL": ""}, own_group=own_group, installed=True)

    def states(self, run: FleetRun) -> Counter[str]:
        """The number of destinations in each state."""
        rows = self.tables.rows(f"select state from {SCHEMA}.fleet_destination where run = {run.id}")
        return Counter(state for (state,) in rows)

    def state(self, run: FleetRun) -> str:
        return str(self.tables.value(f"select state from {SCHEMA}.fleet_run where id = {run.id}"))

    def jobs(self) -> int:
        return int(self.tables.value(f"select count(*) from {SCHEMA}.fleet_queue"))
