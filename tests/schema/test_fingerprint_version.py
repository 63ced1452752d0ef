"""The catalog version: whatever a fingerprint sees, it sees too."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import asyncpg
import pytest

from sartor.schema.fingerprint import CATALOGUES, KINDS, read_catalog_version, read_fingerprint
from support.changes import SCHEMAS, Change, Everything, changes

Look = Callable[["asyncpg.Connection[Any]"], Awaitable[str]]
CHANGES = tuple(changes())


async def version(connection: asyncpg.Connection[Any]) -> str:
    return await read_catalog_version(connection, "app", least=0)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.statements.split(";")[0].replace("\n", " ")[:90])
def test_change(everything: Everything, runner: asyncio.Runner, change: Change) -> None:
    """Where the catalog version is the same, the fingerprint of schemas is."""
    if everything.server < change.since:
        pytest.skip(f"since Postgres {change.since}")

    async def undergo(look: Look) -> tuple[str, str]:
        """What a look finds before a change and after it."""
        transaction = everything.connection.transaction()
        await transaction.start()
        try:
            await everything.connection.execute(f"set local search_path = app, public; {change.first}")
            before = await look(everything.connection)
            # A transaction of its own, as any change has that comes after a reading.
            async with everything.connection.transaction():
                await everything.connection.execute(change.statements)
            return before, await look(everything.connection)
        finally:
            await transaction.rollback()

    async def schemas(connection: asyncpg.Connection[Any]) -> str:
        return (await read_fingerprint(connection, SCHEMAS)).exact

    before, after = runner.run(undergo(version))
    assert before
    if before == after:
        before, after = runner.run(undergo(schemas))
        assert before == after


def test_it_stands_still(everything: Everything, runner: asyncio.Runner) -> None:
    """Data, statistics and a second look leave it as it is."""

    async def versions() -> set[str]:
        found = {await version(everything.connection)}
        for statement in ("insert into app.groups (name) values ('one more')", "analyze", "vacuum", "checkpoint"):
            await everything.connection.execute(statement)
            found.add(await version(everything.connection))
        await everything.connection.execute("delete from app.groups where name = 'one more'")
        return found

    found = runner.run(versions())
    assert len(found) == 1
    assert all(found)


def test_no_catalogue_is_left_out() -> None:
    """Every catalogue that the fingerprint of schemas is made from is in the version.

    Roles are in it by their names, and user mappings are a database's.
    """
    folder = files("sartor.schema").joinpath("objects")
    text = "".join(f.read_text("utf-8") for f in folder.iterdir() if f.name != "database.sql")
    named = set(re.findall(r"\b(?:from|join|,) pg_(\w+) \w+", text)) | set(re.findall(r"'pg_(\w+)'::regclass", text))
    assert len(named) > 30
    assert named - {"roles", "user_mappings"} <= set(CATALOGUES)


def test_every_kind_is_looked_for() -> None:
    """A file is left out of a fingerprint only where none of the catalogues lists anything that it selects from."""
    for kind, needs in KINDS.items():
        text = files("sartor.schema").joinpath("objects", f"{kind}.sql").read_text("utf-8")
        listed = set(re.findall(r"classid = '(\w+)'::regclass", text)) - {"pg_class"}
        assert needs is None or listed <= needs, kind
