"""A database with something of each kind, and what `changes.sql` lists: kinds of change to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from sartor import Fingerprint, Scope
from sartor.domain.drift import find_differences, unified
from sartor.schema.fingerprint import read_fingerprint

HERE = Path(__file__).parent
EVERYTHING = (HERE / "everything.sql").read_text("utf-8")
"""SQL that makes schema `app`, with something of each kind in it."""
SCHEMAS = ("app", "more", "public")


class Verdict(Enum):
    """Which hashes see a change."""

    SEES = "sees"
    NOTES = "notes"
    BLIND = "blind"


class Change(NamedTuple):
    """`statements` of one kind of change; `about` is the label of an object that they change, or why it isn't seen.

    `first` makes what they are to change; `since` is the oldest server that knows them.
    """

    statements: str
    verdict: Verdict
    about: str
    first: str
    since: int


def changes() -> Iterator[Change]:
    """All of them, in the file's order."""
    for block in (HERE / "changes.sql").read_text("utf-8").split("\n\n"):
        said = dict(re.findall(r"^-- (sees|notes|blind|first|since): (.*)$", block, re.MULTILINE))
        statements = re.sub(r"^--.*\n?", "", block, flags=re.MULTILINE).strip()
        if statements:
            verdict = next(v for v in Verdict if v.value in said)
            first, since = said.get("first", ""), int(said.get("since", 0))
            yield Change(statements, verdict, said[verdict.value], first, since)


class Everything:
    """A database with something of each kind; nothing that a change does to it stays."""

    def __init__(self, connection: asyncpg.Connection[Any], url: str) -> None:
        self.connection = connection
        self.url = url
        self.server = connection.get_server_version().major
        self._untouched: dict[Scope, Fingerprint] = {}

    async def look(self, scope: Scope = Scope.DATABASE) -> Fingerprint:
        """How it is now."""
        return await read_fingerprint(self.connection, SCHEMAS, scope=scope)

    async def undergo(self, statements: str) -> tuple[Fingerprint, Fingerprint]:
        """How it was, and how it is after the statements."""
        return (await self.undergo_scopes(statements))[Scope.DATABASE]

    async def undergo_scopes(
        self, statements: str, *, first: str = "", scopes: Iterable[Scope] = (Scope.DATABASE,)
    ) -> dict[Scope, tuple[Fingerprint, Fingerprint]]:
        """How it was after the `first` statements, and how it is after the others, in each of these scopes."""
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            await self.connection.execute(f"set local search_path = app, public; {first}")
            before = {scope: await self.look(scope) if first else await self._untouched_once(scope) for scope in scopes}
            await self.connection.execute(statements)
            return {scope: (was, await self.look(scope)) for scope, was in before.items()}
        finally:
            await transaction.rollback()

    async def _untouched_once(self, scope: Scope) -> Fingerprint:
        if scope not in self._untouched:
            self._untouched[scope] = await self.look(scope)
        return self._untouched[scope]


async def look(url: str, *schemas: str, scope: Scope = Scope.DATABASE) -> Fingerprint:
    """The fingerprint of a database."""
    connection = await asyncpg.connect(url, statement_cache_size=0)
    try:
        return await read_fingerprint(connection, schemas or SCHEMAS, scope=scope)
    finally:
        await connection.close()


def lines(before: Fingerprint, after: Fingerprint) -> list[str]:
    """How two fingerprints differ, for an assertion to show."""
    return list(unified(find_differences(before, after)))
