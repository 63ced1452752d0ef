"""Destinations of one database share connections, and nothing of one's session is seen by the next."""

from __future__ import annotations

import asyncio
from collections import Counter

import asyncpg
import pytest

import sartor
from sartor import Destination, FleetOrder, Observer
from support.database import Database
from support.folder import Folder

LEAVINGS = (
    "set work_mem = '77MB'; set search_path = tenant_0, nowhere; set session time zone 'Asia/Tokyo'",
    "set my.note = 'of tenant_0'; set lock_timeout = '77ms'; set row_security = off",
    "create temp table users (id int) on commit preserve rows; insert into pg_temp.users values (7)",
    "create temp sequence worn_seq; select nextval('worn_seq')",
    "deallocate all; prepare sartor_kept_0 as select 1",
    "prepare worn as select 1; listen worn; select pg_advisory_lock(4711), pg_advisory_lock_shared(7, 11)",
    "declare worn cursor with hold for select 1",
)
"""What a script leaves in its session, on the server's side."""

LEAVE = "".join(f"    await conn.execute({each!r})\n" for each in LEAVINGS)
PREPARED = '    await conn.prepare("select 1", name="mine")\n'
IN_CLIENT = """    import json
    await conn.set_type_codec("json", schema="pg_catalog", encoder=json.dumps, decoder=lambda _: "worn")
    await conn.add_listener("other", print)
    conn.add_log_listener(print)
"""
WAYS = {
    "python": f"async def up(conn):\n{LEAVE}{PREPARED}",
    "outside": f"transaction = False\nasync def up(conn):\n{LEAVE}{PREPARED}",
    "client": f"async def up(conn):\n{LEAVE}{IN_CLIENT}",
    "failing": f"async def up(conn):\n{LEAVE}    raise ValueError('of tenant_0')\n",
    "failing outside": f"transaction = False\nasync def up(conn):\n{LEAVE}    await conn.execute('select 1 / 0')\n",
    "blocked": f"import asyncio\nasync def up(conn):\n{LEAVE}    await conn.execute('select pg_sleep(600)')\n",
    "sql": "-- sartor: up\n" + ";\n".join(LEAVINGS) + ";\n-- sartor: down\n",
    "failing sql": "-- sartor: up\n" + ";\n".join(LEAVINGS) + ";\nselect 1 / 0;\n-- sartor: down\n",
}
SEE = """
async def up(conn, run):
    seen = {
        "pid": await conn.fetchval("select pg_backend_pid()"),
        "path": await conn.fetchval("show search_path"),
        "role": await conn.fetchval("select current_user = session_user"),
        "memory": await conn.fetchval("show work_mem") == "77MB",
        "zone": await conn.fetchval("show time zone") == "Asia/Tokyo",
        "note": await conn.fetchval("select nullif(current_setting('my.note', true), '')"),
        "lock": await conn.fetchval("show lock_timeout") == "77ms",
        "rows": await conn.fetchval("show row_security"),
        "temporary": await conn.fetchval("select count(*) from pg_class where relpersistence = 't'"
            " and pg_table_is_visible(oid)"),
        "sequence": await conn.fetchval("select to_regclass('pg_temp.worn_seq')"),
        "prepared": await conn.fetchval("select count(*) from pg_prepared_statements where not name like '__asyncpg%'"
            " and (from_sql or name not like 'sartor_kept_%')"),
        "cursors": await conn.fetchval("select count(*) from pg_cursors where name = 'worn'"),
        "channels": await conn.fetchval("select count(*) from pg_listening_channels()"),
        "locks": await conn.fetchval("select count(*) from pg_locks where locktype = 'advisory'"
            " and pid = pg_backend_pid() and objid in (4711, 11)"),
        "json": await conn.fetchval("select '1'::json"),
    }
    await conn.execute("create table seen (name text, value text)")
    await conn.executemany("insert into seen values ($1, $2)", [(name, str(value)) for name, value in seen.items()])
"""
FRESH = {
    "role": "True",
    "memory": "False",
    "zone": "False",
    "note": "None",
    "lock": "False",
    "rows": "on",
    "temporary": "0",
    "sequence": "None",
    "prepared": "0",
    "cursors": "0",
    "channels": "0",
    "locks": "0",
    "json": "1",
}


async def _wave(destinations: list[Destination], folders: list[Folder]) -> Counter[str]:
    """Deploys a folder to each destination, one after the other; the first one's run is cancelled when it sleeps."""
    catalogues = dict(zip(destinations, [sartor.list_alterations(folder.path) for folder in folders], strict=True))

    async def deploy(destination: Destination, observer: Observer) -> sartor.Report:
        catalogue = catalogues[destination]
        run = asyncio.ensure_future(sartor.deploy(destination, catalogue, observer=observer))
        watch = asyncio.ensure_future(_cancel(run, destination)) if destination is destinations[0] else None
        try:
            return await run
        except asyncio.CancelledError as error:
            raise sartor.Interrupted("cancelled") from error
        finally:
            if watch:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)

    report = await sartor.run_fleet(destinations, deploy, FleetOrder(jobs=1))
    return Counter(outcome.end.value for outcome in report.outcomes)


async def _cancel(run: asyncio.Future[sartor.Report], destination: Destination) -> None:
    connection = await asyncpg.connect(destination.url)
    try:
        while not await connection.fetchval(  # noqa: ASYNC110 - the server is asked until it is so
            "select count(*) from pg_stat_activity where query like '%pg_sleep(600)'"
            " and pid <> pg_backend_pid() and state = 'active'"
        ):
            await asyncio.sleep(0.01)
        run.cancel()
    finally:
        await connection.close()


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_a_session_reaches_the_next_destination(way: str, database: Database, folder: Folder) -> None:
    """Whatever a script leaves in its session, and however it ends, the next destination's scripts find a fresh one."""
    leaving, seeing = Folder(folder.path / "leaving"), Folder(folder.path / "seeing")
    leaving.write(f"1.0.0-1700000000-leaves.{'sql' if 'sql' in way else 'py'}", WAYS[way])
    seeing.write("1.0.0-1700000000-sees.py", SEE)
    places = [Destination.parse(database.url, schema=f"tenant_{at}") for at in range(4)]
    ends = asyncio.run(_wave(places, [leaving, seeing, leaving if way in {"python", "sql"} else seeing, seeing]))
    is_failing = way == "blocked" or way.startswith("failing")
    assert ends == ({"done": 3, "failed": 1} if is_failing else {"done": 4})
    pids = set[str]()
    for at in (1, 3):
        seen = dict(database.rows(f"select name, value from tenant_{at}.seen"))
        pids.add(seen.pop("pid"))
        assert seen == {"path": f"tenant_{at}, public", **FRESH}
    if way in {"python", "outside", "sql"}:
        assert len(pids) == 1, "the connection wasn't kept, so that this test proves nothing"


def test_a_role_that_sessions_act_as_is_that_of_each_destination(database: Database, folder: Folder) -> None:
    """Where the login's settings have it act as another role, each script at each destination acts as that one."""
    owner, login = f"owner_{database.name}", f"login_{database.name}"
    own = f"grant create on database {database.name} to {owner}"
    acts = f"alter role {login} in database {database.name} set role = {owner}"
    database.run(f"create role {owner}", f"create role {login} login", f"grant {owner} to {login}", own, acts)
    for at, name in enumerate(("users", "bills", "notes")):
        folder.write(
            f"1.0.0-170000000{at}-{name}.py",
            f"async def up(conn, run):\n    run.log('made')\n    await conn.execute('create table {name} ()')\n",
        )
    try:
        places = [Destination.parse(database.as_user(login), schema=f"tenant_{at}") for at in range(3)]
        ends = asyncio.run(_wave(places, [folder] * 3))
        assert ends == {"done": 3}
        owners = "select relowner::regrole::text, count(*) from pg_class where relname in ('users', 'bills', 'notes')"
        assert database.rows(f"{owners} group by 1") == [(owner, 9)]
    finally:
        database.run(f"drop owned by {owner}, {login} cascade", f"drop role {owner}, {login}")
