"""A fleet for fault campaigns: a schema for each destination, and scripts that leave a row each time they run."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from support.command import warm
from support.database import Database, temporary_database
from support.folder import Folder
from support.servers import closed_port
from support.sessions import holding

PROGRAM = Path(__file__).with_name("fleet_once.py")
LIMIT = 1800.0
"""Seconds after which a fleet's run is held to hang."""
JOBS = 8
INTERRUPTED = 130
"""The exit code of a run that a signal ended."""

SETTINGS = {"fsync": "off", "max_connections": "200", "max_locks_per_transaction": "256"}
"""Those of a campaign's server."""

FIRST, LAST = "1.0.0", "2.0.0"
SCRIPTS = {
    "1.0.0-1-effects.sql": "create table effects (script text not null); create table busy (id int);",
    "1.0.0-2-more.sql": "create table more (id int primary key);",
    "2.0.0-3-python.py": "",
    "2.0.0-4-busy.sql": "alter table busy add column name text;",
    "2.0.0-5-last.sql": "create index on more (id);",
}
PYTHON = """
async def up(conn, run):
    names = [await conn.fetchval("select $1::text", run.schema) for _ in range(3)]
    assert set(names) == {run.schema}
    await conn.execute("insert into effects values ('3')")
"""
IDS = {FIRST: ("1-effects", "2-more"), LAST: ("1-effects", "2-more", "3-python", "4-busy", "5-last")}
"""The identities of what is deployed at a release."""

# One statement for all schemas, which differ in nothing but their names.
COUNT = """
create function count_all(out name text, out ledger text[], out events text[], out effects text[]) returns setof record
language plpgsql as $$
begin
    for name in select nspname from pg_namespace where nspname like 'tenant\\_%' order by 1 loop
        ledger := '{}'; events := '{}'; effects := '{}';
        if to_regclass(format('%I.sartor_journal', name)) is not null then
            execute format($q$select coalesce(array_agg(id order by id), '{}') from %I.sartor_ledger$q$, name)
                into ledger;
            execute format($q$select coalesce(array_agg(id order by id), '{}') from %I.sartor_journal
                where kind = 'deployed'$q$, name) into events;
        end if;
        if to_regclass(format('%I.effects', name)) is not null then
            execute format($q$select coalesce(array_agg(script order by script), '{}') from %I.effects$q$, name)
                into effects;
        end if;
        return next;
    end loop;
end $$
"""


class Fault(NamedTuple):
    """What is wrong with a destination: the error's name, and whether it is mended before the end."""

    error: str
    passes: bool = True


FAULTS = {
    "rights": Fault("PrivilegeMissing"),
    "unreachable": Fault("Unreachable", passes=False),
    "missing": Fault("Unreachable", passes=False),
    "locked": Fault("LockNotHad"),
    "edited": Fault("AlterationEdited"),
}
"""Those that a run tries to reach again cost 15 s."""
QUICK = tuple(name for name in FAULTS if name != "unreachable")


class Outcome(NamedTuple):
    """What became of a schema in a run: its end, the kind of its error, what was done, and the error's text."""

    end: str
    kind: str
    done: list[str]
    error: str


@dataclass
class Ended:
    """How a fleet's run ended: its exit code, what became of each schema, why it stopped, what it complained of."""

    code: int
    ends: dict[str, Outcome] = field(default_factory=dict)
    stopped: str | None = None
    complaint: str = ""

    def of(self, end: str) -> set[str]:
        return {schema for schema, found in self.ends.items() if found.end == end}


class FleetRun:
    """A fleet's run in a process of its own: `ready`, then `go`, then `end` or `kill`."""

    def __init__(self, plan: Path, target: str, failures: str = "-", shared: Sequence[str] = ()) -> None:
        words = (str(plan), target, str(JOBS), failures, *shared)
        self._process = warm().start(
            words, directory=Path.cwd(), environment=os.environ, program=str(PROGRAM), stdin=subprocess.PIPE
        )

    def go(self) -> None:
        """Let it begin, once everything is loaded."""
        assert self._process.stdout
        assert self._process.stdin
        line = self._process.stdout.readline()
        assert line == "ready\n", f"the run didn't start: {self._process.communicate()}"
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def end(self, within: float = LIMIT) -> Ended | None:
        """How it ends, None where it goes on for longer than `within` seconds."""
        try:
            out, error = self._process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            return None
        if self._process.returncode not in {0, INTERRUPTED}:
            return Ended(self._process.returncode, complaint=error[-3000:])
        told = json.loads(out)
        ends = {schema: Outcome(*found) for schema, *found in told["outcomes"]}
        return Ended(self._process.returncode, ends, told["stopped"], error)

    def is_over(self) -> bool:
        return self._process.poll() is not None

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.communicate()


class Fleet:
    """Schemas of a database; `faults` are those of the destinations that have one, as long as they have it.

    `servers` is the number of names by which the one server is reached.
    """

    def __init__(self, database: Database, folder: Path, number: int) -> None:
        self.database = database
        self.schemas = tuple(f"tenant_{n:04}" for n in range(number))
        self.faults: dict[str, str] = {}
        self.servers = 1
        self._folder = folder
        self._role = f"limited_{database.name}"
        self._lock = ExitStack()
        _write(Folder(folder / "alterations"))

    def prepare(self) -> None:
        """Makes the schemas, and a role without a right."""
        self.database.run(COUNT, f"create role {self._role} login")
        for schemas in _parts(self.schemas, 200):
            self.database.run(";".join(f"create schema {each}" for each in schemas))

    def drop_role(self) -> None:
        self._lock.close()
        self.database.run(f"drop owned by {self._role}", f"drop role {self._role}")

    def break_some(self, share: float, kinds: Sequence[str], chance: random.Random) -> None:
        """Gives this share of the destinations a fault, the kinds in turn."""
        number = max(len(kinds), round(len(self.schemas) * share))
        chosen = chance.sample(self.schemas, number)
        self.faults = {each: kinds[n % len(kinds)] for n, each in enumerate(chosen)}
        edited = self._folder / "edited"
        shutil.copytree(self._folder / "alterations", edited)
        file = edited / "1.0.0-2-more.sql"
        file.write_text(file.read_text("utf-8") + "-- edited\n", "utf-8")
        self.lock()

    def lock(self) -> None:
        """Locks a table of those destinations of which one is locked, as another session."""
        self._lock.close()
        names = [f"{schema}.busy" for schema, fault in self.faults.items() if fault == "locked"]
        if names:
            statements = "begin", f"lock table {', '.join(names)} in access exclusive mode"
            self._lock.enter_context(holding(self.database.url, *statements))

    def mend(self) -> None:
        """Ends the faults that pass."""
        self._lock.close()
        self.faults = {schema: fault for schema, fault in self.faults.items() if not FAULTS[fault].passes}

    def places(self) -> list[tuple[str, str, str]]:
        """The URL, schema and folder of alterations of each destination, as they are now."""
        good = self.database.url
        bad = {
            "rights": (self.database.as_user(self._role), "alterations"),
            "unreachable": (f"postgresql://postgres@127.0.0.1:{closed_port()}/{self.database.name}", "alterations"),
            "missing": (f"{good}_too", "alterations"),
            "edited": (good, "edited"),
        }
        found = ((schema, *bad.get(self.faults.get(schema, ""), (good, "alterations"))) for schema in self.schemas)
        return [
            (_under_name(url, n % self.servers), schema, str(self._folder / folder))
            for n, (schema, url, folder) in enumerate(found)
        ]

    def plan(self) -> Path:
        """Writes the plan of a run."""
        file = self._folder / "plan.json"
        file.write_text(json.dumps(self.places()), "utf-8")
        return file

    def held(self) -> dict[str, list[str]]:
        """What each schema's ledger holds."""
        return {name: ledger for name, ledger, *_ in self.database.rows("select * from count_all()")}

    def violations(self) -> list[str]:
        """Where a script ran twice or half, or ledger, journal and effects don't agree."""
        wrong = []
        for name, ledger, events, effects in self.database.rows("select * from count_all()"):
            done = [each.partition("-")[0] for each in ledger]
            if ledger != events or done != effects:
                wrong.append(f"{name}: ledger {ledger}, journal {events}, effects {effects}")
        return wrong

    def short_of(self, release: str) -> set[str]:
        """The destinations that aren't at a release."""
        return {schema for schema, ledger in self.held().items() if tuple(ledger) != IDS[release]}

    def untrue(self, ended: Ended, before: dict[str, list[str]], target: str) -> list[str]:
        """Where the report of the only run since `before` isn't what the ledgers say."""
        held, wrong = self.held(), []
        if set(ended.ends) != set(self.schemas):
            wrong.append(f"the report has {len(ended.ends)} of {len(self.schemas)} destinations")
        for schema, found in ended.ends.items():
            made, fault = sorted(set(held[schema]) - set(before[schema])), self.faults.get(schema)
            complete = tuple(held[schema]) == IDS[target]
            fits = {"done": complete, "failed": not complete, "untouched": not made}
            if sorted(found.done) != made or not fits[found.end]:
                wrong.append(f"{schema}: {found}, but the ledger has {made} more: {held[schema]}")
            cut_short = found.kind == "NoneType" and ended.code == INTERRUPTED
            if found.end == "failed" and not cut_short and (fault is None or found.kind != FAULTS[fault].error):
                wrong.append(f"{schema}: {found}, but its fault is {fault}")
        return wrong


def _under_name(url: str, number: int) -> str:
    """The URL by another name of the server; the same for number 0."""
    parts = urlsplit(url)
    user, port = parts.username, parts.port
    where = parts._replace(netloc=f"{user}@server{number}.example.com:{port}", query=f"hostaddr={parts.hostname}")
    return urlunsplit(where) if number else url


def _write(folder: Folder) -> None:
    for name, text in SCRIPTS.items():
        number = name.split("-")[1]
        up = PYTHON if name.endswith(".py") else f"-- sartor: up\n{text}\ninsert into effects values ('{number}');\n"
        folder.write(name, up)


def _parts(schemas: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    yield from (schemas[at : at + size] for at in range(0, len(schemas), size))


@contextmanager
def new_fleet(server_url: str, directory: Path, *, number: int) -> Iterator[Fleet]:
    """A fleet of so many destinations, in a new database."""
    with temporary_database(server_url) as database:
        fleet = Fleet(database, directory, number)
        fleet.prepare()
        try:
            yield fleet
        finally:
            fleet.drop_role()
