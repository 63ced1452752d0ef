"""Hosted platforms, by their roles: what a run does and says where nobody is a superuser.

Each is a model of what its manual says of roles: who owns the database and its schemas, who is a member of what, what
is set for a role, what a superuser of the platform has put there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

import sartor
from sartor import Note, RunEvent, SartorError
from support.database import Database, temporary_database
from support.folder import Folder

T = TypeVar("T")

ADMIN = "createrole createdb"


@dataclass(frozen=True)
class Platform:
    """The statements that make its roles, and what is in the database; {me} is the user's role, {boss} the platform's.

    `notes` is what a run says, `unproved` the error of a proof on the same server, with its hint.
    """

    roles: tuple[str, ...]
    owner: str = "{me}"
    inside: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unproved: str = ""


PLATFORMS = {
    "Supabase": Platform(
        roles=(
            "create role {boss} superuser",
            "create role {boss}_auth",
            "create role {boss}_anon",
            f"create role {{me}} login bypassrls {ADMIN} in role {{boss}}_anon",
            """alter role {me} set search_path = "$user", public, extensions""",
            "alter role {me} set statement_timeout = '2min'",
            "alter role {boss}_anon set statement_timeout = '3s'",
        ),
        inside=(
            "create schema auth authorization {boss}_auth",
            "create table auth.users (id int primary key)",
            "alter table auth.users owner to {boss}_auth",
            "grant usage on schema auth to {me}",
            "grant select, references on auth.users to {me}",
            "create schema extensions authorization {me}",
            "set role {boss}",
            "create function extensions.watch() returns event_trigger language plpgsql as 'begin notify pgrst; end'",
            "create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.watch()",
            "comment on event trigger pgrst_ddl_watch is 'reloads;\nschemas'",
            "alter default privileges for role {me} in schema public grant select on tables to {boss}_anon",
            "reset role",
        ),
        notes=("the proof leaves the event triggers out: only a superuser may create them",),
    ),
    "RDS": Platform(
        roles=(
            "create role {boss} superuser",
            f"create role {{boss}}_rds {ADMIN} in role pg_monitor, pg_signal_backend",
            f"create role {{me}} login {ADMIN} in role {{boss}}_rds",
        ),
    ),
    "Azure": Platform(
        roles=(f"create role {{boss}} {ADMIN}", f"create role {{me}} login {ADMIN} in role {{boss}}"),
        owner="{boss}",
        inside=("alter schema public owner to {boss}",),
    ),
    "Cloud SQL": Platform(
        roles=(
            f"create role {{boss}} {ADMIN}",
            f"create role {{me}} login {ADMIN} in role {{boss}}",
            "create role {boss}_agent superuser",
        ),
        owner="{boss}",
        inside=("set role {boss}_agent", "create schema google authorization {boss}_agent", "reset role"),
    ),
    "Neon": Platform(
        roles=(
            f"create role {{boss}} bypassrls {ADMIN} in role pg_read_all_data, pg_write_all_data",
            f"create role {{me}} login bypassrls {ADMIN} in role {{boss}}",
        ),
    ),
    "Heroku": Platform(
        roles=("create role {me} login connection limit 20", "create role {boss}"),
        inside=(
            "alter schema public owner to {me}",
            "create schema heroku_ext authorization {me}",
            "do $$begin execute format('alter database %I connection limit 40', current_database()); end$$",
        ),
        unproved='alter role "{me}" createdb; or give a server on which the role can create databases with `scratch`',
    ),
}


class Place:
    """A platform's database, its user's URL, and the notes of what was done there."""

    def __init__(self, database: Database, user: str, folder: Path) -> None:
        self.database, self.url, self.folder = database, database.as_user(user), str(folder)
        self.notes: list[str] = []

    def does(self, what: Callable[..., Coroutine[Any, Any, T]], *arguments: Any, **options: Any) -> T:
        """What a function of the API gives there."""

        def hear(event: RunEvent) -> None:
            if isinstance(event, Note):
                self.notes.append(event.text)

        return asyncio.run(what(self.url, *arguments, **options, observer=hear))

    def is_sound(self) -> bool:
        """Whether `verify` finds everything as it should be, and nobody to warn of."""
        found = asyncio.run(sartor.verify(self.url, self.folder))
        return found.ok and not found.writers


@contextmanager
def platform(server_url: str, model: Platform, folder: Path) -> Iterator[Place]:
    """The roles and the database, which are gone in the end."""
    with temporary_database(server_url) as database:
        names = {"me": f"{database.name}_me", "boss": f"{database.name}_boss"}
        server = Database(server_url, "postgres")
        try:
            server.run(*(statement.format(**names) for statement in model.roles))
            server.run(f"alter database {database.name} owner to {model.owner.format(**names)}")
            database.run(
                "create function nothing() returns text language sql as 'select null'", "drop function nothing"
            )
            database.run(*(statement.format(**names) for statement in model.inside))
            yield Place(database, names["me"], folder)
        finally:
            server.run(f"drop database if exists {database.name} with (force)")
            made = server.rows("select rolname::text from pg_roles where starts_with(rolname, $1)", f"{database.name}_")
            server.run(*(f"drop role {name}" for (name,) in made))


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform(server_url: str, folder: Folder, tmp_path: Path, name: str) -> None:
    """Its user deploys, verifies, rehearses, backs up, proves the backup and rolls back, without a word too many."""
    model = PLATFORMS[name]
    key = "references auth.users" if name == "Supabase" else ""
    folder.add("1.0.0-1700000000-a.py", up=f"create table a (id int {key})", down="drop table a")
    with platform(server_url, model, folder.path) as place:
        place.does(sartor.deploy, place.folder, "latest")
        assert place.is_sound()
        folder.add("1.1.0-1700000001-b.py", up="alter table a add b int", down="alter table a drop b")
        assert asyncio.run(sartor.status(place.url, place.folder)).status.pending
        rehearsed = place.does(sartor.rehearse, place.folder, "latest")
        assert rehearsed.failed is None
        place.does(sartor.deploy, place.folder, "latest")
        file = str(tmp_path / "x.dump")
        me = place.database.name + "_me"
        if model.unproved:
            with pytest.raises(SartorError) as caught:
                place.does(sartor.backup, file, prove=True)
            assert model.unproved.format(me=me) in caught.value.hint
        place.does(sartor.backup, file, prove=not model.unproved)
        place.does(sartor.rollback, place.folder, "0")
        assert place.is_sound()
        assert place.database.tables() == set()
        place.database.run("drop schema public cascade")
        place.does(sartor.deploy, place.folder, "latest")
        assert place.is_sound(), "a schema that a deploy makes anew is no drift"
        assert place.notes == [*model.notes, "schema public doesn't exist and is created"]
