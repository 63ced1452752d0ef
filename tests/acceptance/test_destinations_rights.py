"""Rights that are missing: found before anything is done, with the GRANT that mends it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from support.command import Command, Finished
from support.database import Database
from support.folder import Folder
from support.roles import Role, temporary_role


@pytest.fixture
def role(database: Database) -> Iterator[Role]:
    """A role without rights on the test's database."""
    with temporary_role(database) as found:
        yield found


@pytest.fixture
def limited(sartor: Command, role: Role, folder: Folder) -> Command:
    """The command as that role; two alterations are shipped."""
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.1.0-1700000001-b.py")
    return Command(sartor.directory, {"SARTOR_DB_URL": role.url})


def grants(done: Finished) -> str:
    """The SQL in the hint."""
    found = re.search(r"hint: (?:as the owner, run: )?(grant .*;)$", done.err, re.MULTILINE)
    assert found, done.err
    return found[1]


def state(database: Database) -> tuple[object, ...]:
    """What a run might have changed: the relations, the schemas and the journal's length."""
    query = "select relname::text from pg_class where relnamespace::regnamespace::text not like 'pg_%' order by 1"
    schemas = database.rows("select nspname::text from pg_namespace where nspname not like 'pg_%' order by 1")
    journal = database.value("select to_regclass('sartor_journal') is not null")
    return (database.rows(query), schemas, database.rows("select seq from sartor_journal") if journal else None)


def mended(limited: Command, database: Database, *arguments: str) -> Finished:
    """Refused with nothing changed, and done once the owner has run the GRANT that was printed."""
    before = state(database)
    done = limited(*arguments, expect=6)
    assert state(database) == before
    assert done.out == ""
    database.run(grants(done))
    return limited(*arguments)


def test_a_schema_without_create(limited: Command, database: Database, role: Role) -> None:
    """A role that may not create in the schema is told by name, before the ledger is made."""
    done = limited("deploy", "latest", expect=6)
    assert f"role {role.name} lacks the rights to deploy to schema public of database {database.name}" in done.err
    mended(limited, database, "deploy", "latest")
    assert database.tables() == {"a", "b"}


def test_a_schema_that_is_not_there(limited: Command, database: Database) -> None:
    """Where the schema must be made first, the right to make it is what is missing."""
    mended(limited, database, "deploy", "latest", "--schema", "tenant")
    assert database.tables("tenant") == {"a", "b"}


def test_a_ledger_that_may_not_be_written(limited: Command, sartor: Command, database: Database, role: Role) -> None:
    """A ledger that another role made is to be opened: all of its tables at once."""
    sartor("deploy", "1.0.0")
    database.run(f"grant usage, create on schema public to {role.name}")
    mended(limited, database, "deploy", "latest")
    assert database.tables() == {"a", "b"}


@pytest.mark.parametrize(
    ("table", "missing"), [("sartor_ledger", "delete"), ("sartor_journal", "update"), ("sartor_journal", "select")]
)
def test_each_right_counts(
    limited: Command, sartor: Command, database: Database, role: Role, table: str, missing: str
) -> None:
    """One right too few is found before a script runs, and not by it."""
    sartor("deploy", "1.0.0")
    database.run(
        f"grant usage, create on schema public to {role.name}",
        f"grant select, insert, update, delete on sartor_ledger, sartor_journal to {role.name}",
        f"revoke {missing} on {table} from {role.name}",
    )
    done = limited("deploy", "latest", expect=6)
    assert "grant" in grants(done)
    assert database.tables() == {"a"}


def test_a_ledger_that_may_not_be_read(limited: Command, sartor: Command, database: Database, role: Role) -> None:
    """`status` and `history` name the GRANT that lets them read."""
    sartor("deploy", "1.0.0")
    database.run(f"revoke usage on schema public from public, {role.name}")
    assert "1 deployed" in mended(limited, database, "status").out
    assert "1.0.0-1700000000-a.py" in limited("history").out


def test_a_quoted_name(sartor: Command, folder: Folder, database: Database) -> None:
    """The GRANT is right for names that need quotes."""
    folder.table("1.0.0-1700000000-a.py")
    name = f'Odd "{database.name}" role'
    quoted = name.replace('"', '""')
    database.run(f'create role "{quoted}" login', "revoke create on schema public from public")
    try:
        env = {"SARTOR_USER": name}
        done = sartor("deploy", "latest", "--schema", "My Shop", env=env, expect=6)
        database.run(grants(done))
        sartor("deploy", "latest", "--schema", "My Shop", env=env)
        assert database.tables("My Shop") == {"a"}
    finally:
        database.run(f'drop owned by "{quoted}" cascade', f'drop role "{quoted}"')


def test_a_member_that_does_not_inherit(limited: Command, database: Database, role: Role) -> None:
    """A member of the owner that doesn't inherit its rights is told to act as it, by SQL that it may run itself."""
    with temporary_role(database) as owner:
        database.run(
            f"alter role {role.name} noinherit",
            f"grant {owner.name} to {role.name}",
            f"alter schema public owner to {owner.name}",
        )
        before = state(database)
        done = limited("deploy", "latest", expect=6)
        assert state(database) == before
        found = re.search(r"hint: act as the owner: (alter role .*;)$", done.err, re.MULTILINE)
        assert found, done.err
        Database(role.url, database.name).run(found[1])
        limited("deploy", "latest")
        assert database.value("select tableowner::text from pg_tables where tablename = 'a'") == owner.name
        database.run(f"reassign owned by {owner.name} to current_user")
