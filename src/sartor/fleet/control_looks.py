"""Looks at the runs in a control database, on an open connection; none of them changes anything."""

import json
from collections.abc import Mapping
from typing import Any

from sartor.domain.fleet_run import (
    Carrier,
    FailedDestination,
    FleetRun,
    FleetWork,
    RunDestination,
    RunState,
    Shard,
    Tally,
    Turn,
)
from sartor.errors import TargetError
from sartor.postgres.driver.connection import DriverConnection
from sartor.postgres.lock_monitor import lock_key
from sartor.sql.quoting import quote_identifier

RUN = """id, names, carrier, verb, target, options::text as options, state, wave, waves, total, budget, canary,
    jobs_per_server, approved_by, who, version, began, ended"""
"""The columns of a run, as `run_of` takes them."""


class ControlLooks:
    """The queries about the runs in a schema of a control database."""

    def __init__(self, schema: str) -> None:
        self._schema = quote_identifier(schema)
        self._key = lock_key(schema, "fleet")
        self._run, self._destination = f"{self._schema}.fleet_run", f"{self._schema}.fleet_destination"

    async def look(self, connection: DriverConnection, run: int) -> FleetRun:
        """Returns a run. Raises TargetError where there is none of that number."""
        row = await connection.fetchrow(f"select {RUN} from {self._run} where id = $1", run)
        if row is None:
            raise TargetError(f"there is no run {run} in the control database", hint="see `fleet_status`")
        return run_of(row)

    async def find(self, connection: DriverConnection, text: str | None) -> FleetRun:
        """Returns the run of a number or a name; the newest one for None. Raises TargetError where there is none."""
        if text is None:
            row = await connection.fetchrow(f"select {RUN} from {self._run} order by id desc limit 1")
            if row is None:
                raise TargetError("the control database has no run", hint="begin a run over a fleet")
            return run_of(row)
        if found := await self._named(connection, text):
            return found
        if text.isascii() and text.isdigit() and len(text) < 19:
            return await self.look(connection, int(text))
        raise TargetError(f"there is no run called {text!r}", hint="see `fleet_status`")

    async def open_runs(self, connection: DriverConnection, carrier: Carrier) -> list[FleetRun]:
        """Returns the runs that are under way, the oldest first."""
        rows = await connection.fetch(
            f"select {RUN} from {self._run} where state in ('running', 'paused') and carrier = $1 order by id",
            carrier.value,
        )
        return [run_of(row) for row in rows]

    async def turns(
        self, connection: DriverConnection, run: int, shard: Shard, *, worker: str | None = None
    ) -> list[Turn]:
        """Returns those of a part whose turn it is, and those that an earlier process of this `worker` had claimed.

        So are those that a shard of another number of shards had: none of these will come back for them.
        """
        rows = await connection.fetch(
            "select destination, url, schema, server, wave, attempts from"
            f" {self._destination} where run = $1 and lane % $2 = $3"
            " and (state = 'queued' or state = 'running' and (worker = $4 or worker like 'shard %'"
            " and worker not like '%/' || $2::int4)) order by wave, destination",
            run,
            shard.of,
            shard.part,
            worker,
        )
        return [Turn(*row) for row in rows]

    async def tallies(self, connection: DriverConnection, run: int) -> list[Tally]:
        """Returns how many destinations of each wave are in each state."""
        rows = await connection.fetch(
            f"select wave, state, pg_catalog.count(*)::int4 from {self._destination} where run = $1 group by 1, 2"
            " order by 1, 2",
            run,
        )
        return [Tally(*row) for row in rows]

    async def lately(self, connection: DriverConnection, run: int) -> int:
        """Returns how many destinations ended within the last minute."""
        number: int = await connection.fetchval(
            f"select pg_catalog.count(*)::int4 from {self._destination} where run = $1"
            " and ended > pg_catalog.clock_timestamp() - interval '1 minute'",
            run,
        )
        return number

    async def part(self, connection: DriverConnection, run: int, shard: Shard) -> list[RunDestination]:
        """Returns the destinations of a part, as they are now."""
        rows = await connection.fetch(
            f"select destination, wave, state, attempts, coalesce(error, '') from {self._destination}"
            " where run = $1 and lane % $2 = $3 order by wave, destination",
            run,
            shard.of,
            shard.part,
        )
        return [RunDestination(*row) for row in rows]

    async def failures(self, connection: DriverConnection, run: int, most: int) -> list[FailedDestination]:
        """Returns the destinations that failed or were set aside, those that ended first, `most` of them at most."""
        rows = await connection.fetch(
            f"select destination, wave, attempts, coalesce(error, ''), state = 'aside' from {self._destination}"
            " where run = $1 and state in ('failed', 'aside') order by ended, destination limit $2",
            run,
            most,
        )
        return [FailedDestination(*row) for row in rows]

    async def _named(self, connection: DriverConnection, name: str) -> FleetRun | None:
        row = await connection.fetchrow(
            f"select {RUN} from {self._run} where names @> array[$1::text] order by id desc limit 1", name
        )
        return run_of(row) if row else None


def run_of(row: Mapping[str, Any]) -> FleetRun:
    fields = dict(row)
    work = FleetWork(fields.pop("verb"), fields.pop("target"), json.loads(fields.pop("options")))
    return FleetRun(
        **{
            **fields,
            "names": tuple(fields["names"]),
            "carrier": Carrier(fields["carrier"]),
            "state": RunState(fields["state"]),
            "work": work,
        }
    )
