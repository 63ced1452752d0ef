"""The rows of the control database: each function is one step of a run, on an open connection.

A step may run in a transaction of the caller's. What becomes due by it is returned, so that a queue can be told in the
same transaction.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sartor import __version__
from sartor.domain.destination import Destination
from sartor.domain.fleet_run import (
    Carrier,
    FleetRun,
    FleetWork,
    Turn,
    lane,
)
from sartor.errors import RunHeld, TargetError
from sartor.fleet.control_looks import RUN, ControlLooks, run_of
from sartor.postgres.driver.connection import DriverConnection

MOST_CLAIMS = 10
"""The number of times that a destination is claimed; after that it has ended its worker too often."""

WORN = f"each of {MOST_CLAIMS} processes ended while it was at work here"
"""The error of a destination that was claimed so often."""


_Row = tuple[str, str, str, str, int, int]
"""The columns of a destination: label, URL, schema, server, lane, wave."""


class NewRun(NamedTuple):
    """A run to be made: what is done, in which waves, and the failures that it may have (None: any number).

    `name` is one by which its starters find it again; `canary` says that it pauses behind the first wave, with
    `approve` only where one of that failed.
    """

    work: FleetWork
    waves: Sequence[Sequence[Destination]]
    who: str
    name: str | None = None
    budget: int | None = None
    canary: bool = False
    approve: bool = False
    jobs_per_server: int = 4
    carrier: Carrier = Carrier.SHARDS

    def rows(self) -> list[_Row]:
        """Returns a row for each destination; one that is named twice has one."""
        found: dict[str, _Row] = {}
        for wave, destinations in enumerate(self.waves):
            for each in destinations:  # all of one together: its URL is parsed once
                label, server = each.label, each.server
                found.setdefault(label, (label, each.bare_url, each.schema, server, lane(server), wave))
        return list(found.values())


class ControlRows(ControlLooks):
    """The steps of the runs in a schema of a control database, and the looks at them."""

    async def plan(self, connection: DriverConnection, new: NewRun) -> tuple[FleetRun, bool, list[Turn]]:
        """Makes a run, or joins the one with its name or the one under way that does the same with its destinations.

        Returns the run, whether it was made, and whose turn it is now. Comes within a transaction. Raises RunHeld where
        its destinations are in another run that is under way, or the run with its name does something else.
        """
        await connection.execute("select pg_catalog.pg_advisory_xact_lock($1::int8)", self._key)
        if new.name and (named := await self._named(connection, new.name)):
            if (named.work, named.carrier) != (new.work, new.carrier):
                raise RunHeld(
                    f"run {named.id}, which is called {new.name}, does something else: {named.work}",
                    hint="give this run a name of its own",
                )
            return named, False, []
        rows = new.rows()
        holders = await connection.fetch(
            f"select {RUN} from {self._run} r where state in ('running', 'paused') and exists (select from"
            f" {self._destination} d where d.run = r.id and d.destination = any($1::text[])) order by id desc",
            [label for label, *_ in rows],
        )
        for holder in map(run_of, holders):
            if (holder.work, holder.carrier) != (new.work, new.carrier):
                raise RunHeld(
                    f"run {holder.id} has destinations of these and is {holder.state.value}: {holder.work}",
                    hint="let that run end, or cancel it",
                )
        if holders:
            return await self._join(connection, run_of(holders[0]), new.name), False, []
        made = await self._make(connection, new, rows)
        opened = await self.next_wave(connection, made)
        return await self.look(connection, made), True, opened

    async def _join(self, connection: DriverConnection, run: FleetRun, name: str | None) -> FleetRun:
        if name is None:
            return run
        await connection.execute(
            f"update {self._run} set names = names || $2::text where id = $1 and not names @> array[$2::text]",
            run.id,
            name,
        )
        return await self.look(connection, run.id)

    async def _make(self, connection: DriverConnection, new: NewRun, rows: Sequence[_Row]) -> int:
        number: int = await connection.fetchval(
            f"insert into {self._run} (names, carrier, verb, target, options, waves, total, budget, canary, who,"
            " version, jobs_per_server, approve)"
            " values ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $9, $10, $11, $12, $13) returning id",
            [new.name] if new.name else [],
            new.carrier.value,
            new.work.verb,
            new.work.target,
            json.dumps(dict(new.work.options)),
            len(new.waves),
            len(rows),
            new.budget,
            new.canary,
            new.who,
            __version__,
            new.jobs_per_server,
            new.approve,
        )
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 6
        await connection.execute(
            f"insert into {self._destination} (run, destination, url, schema, server, lane, wave) select $1, u.* from"
            " unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int4[]) u",
            number,
            *columns,
        )
        return number

    async def claim(self, connection: DriverConnection, run: int, destination: str, worker: str) -> Turn | None:
        """Claims a destination, also one that another worker had; returns it, with the number of its claims.

        Returns None where there is nothing to do there: it has ended, or the run has. A destination that was claimed
        too often ends as failed.
        """
        row = await connection.fetchrow(
            f"update {self._destination} d set state = 'running', attempts = attempts + 1, worker = $3,"
            " began = pg_catalog.clock_timestamp(), error = null"
            f" from {self._run} r where d.run = $1 and d.destination = $2 and r.id = d.run and r.state = 'running'"
            " and d.state in ('queued', 'running') returning d.destination, d.url, d.schema, d.server, d.wave,"
            " d.attempts",
            run,
            destination,
            worker,
        )
        return Turn(*row) if row else None

    async def end(
        self, connection: DriverConnection, run: int, turn: Turn, *, error: str | None = None, aside: bool = False
    ) -> list[Turn]:
        """Records how a claimed destination ended, and opens the next wave where it was the last of its own.

        Returns whose turn it is now. Comes within a transaction. What is done counts whatever was recorded before; a
        failure only where nobody has claimed the destination since.
        """
        state = "done" if error is None else "aside" if aside else "failed"
        if state == "failed":  # of two failures at once, the second one is to see the first
            await connection.execute(f"select from {self._run} where id = $1 for update", run)
        await connection.execute(
            f"update {self._destination} set state = $3, error = $4, ended = pg_catalog.clock_timestamp()"
            " where run = $1 and destination = $2 and state <> 'done'"
            " and ($3 = 'done' or state = 'running' and attempts = $5)",
            run,
            turn.destination,
            state,
            error,
            turn.attempts,
        )
        return await self.next_wave(connection, run)

    async def free(self, connection: DriverConnection, run: int, turn: Turn) -> None:
        """Puts back what was claimed and not done, as if it had never been claimed; not where others have it since."""
        await connection.execute(
            f"update {self._destination} set state = 'queued', worker = null, began = null, attempts = attempts - 1"
            " where run = $1 and destination = $2 and attempts = $3 and state = 'running'",
            run,
            turn.destination,
            turn.attempts,
        )

    async def next_wave(self, connection: DriverConnection, run: int) -> list[Turn]:
        """Opens the next wave of a run where its time has come; returns whose turn it is then."""
        rows = await connection.fetch(
            f"select destination, url, schema, server, wave, attempts from {self._schema}.fleet_next_wave($1)",
            run,
        )
        return [Turn(*row) for row in rows]

    async def approve(self, connection: DriverConnection, run: int, who: str) -> list[Turn]:
        """Lets a paused run go on behind its canaries; returns whose turn it is. Raises TargetError where it isn't."""
        found = await connection.fetchval(
            f"update {self._run} set state = 'running', approved_by = $2, approved = pg_catalog.clock_timestamp()"
            " where id = $1 and state = 'paused' returning id",
            run,
            who,
        )
        if found is None:
            state = (await self.look(connection, run)).state.value
            raise TargetError(f"run {run} doesn't wait for approval: it is {state}", hint="see `fleet_status`")
        return await self.next_wave(connection, run)

    async def cancel(self, connection: DriverConnection, run: int) -> None:
        """Ends a run: nothing new begins, and what is at work ends. Raises TargetError where it is over."""
        found = await connection.fetchval(
            f"update {self._run} set state = 'cancelled', ended = pg_catalog.clock_timestamp()"
            " where id = $1 and state in ('running', 'paused') returning id",
            run,
        )
        if found is None:
            state = (await self.look(connection, run)).state.value
            raise TargetError(f"run {run} is over: it is {state}", hint="see `fleet_status`")
