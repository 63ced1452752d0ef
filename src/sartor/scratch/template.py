"""Copies of databases that were filled once: `create database ... template` takes milliseconds.

Templates and copies are scratch databases: named, locked and commented as those, so that what a killed process leaves
is dropped by the next one that makes a scratch database.
"""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AsyncExitStack
from typing import Self

from sartor.domain.destination import Destination
from sartor.errors import BackupFailed, PrivilegeMissing
from sartor.postgres.errors import ServerError
from sartor.postgres.session import Session
from sartor.scratch.bootstrap import bootstrap
from sartor.scratch.database import (
    GIVE_SCRATCH,
    LOCK_CLASS,
    MAINTENANCE,
    PREFIX,
    drop_database,
    lock_key,
    maintenance_database,
    mark_database,
    scratch_database,
)
from sartor.sql.quoting import quote_identifier

Fill = Callable[[Destination], Awaitable[object]]
"""A function that fills an empty database."""


class CopiedDatabases:
    """The templates of one server, by a key, and copies of them; all are dropped at the end of `async with`.

    `beside` is a database of the server; it need not exist. `base` is a file of SQL that goes into each template first.
    Raises as `scratch_database` does.
    """

    def __init__(self, beside: Destination, *, application: str, base: str | None) -> None:
        self._beside, self._application, self._base = beside, application, base
        self._templates: dict[Hashable, Destination] = {}
        self._stack, self._turn = AsyncExitStack(), asyncio.Lock()

    async def __aenter__(self) -> Self:
        place = await maintenance_database(self._beside, application=self._application)
        # A session in template1 would be in the way of whoever creates a database.
        self.server = self._beside if place.database == MAINTENANCE[1] else place
        session = Session(self.server, application=self._application)
        self._session = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def copy(self, key: Hashable, fill: Fill) -> Destination:
        """Returns a new copy of the template of this key, which `fill` fills where there is none yet."""
        async with self._turn:
            if key not in self._templates:
                try:
                    self._templates[key] = await self._make(fill)
                except PrivilegeMissing as error:
                    error.hint = error.hint.removesuffix(f" or {GIVE_SCRATCH}")  # there is no other server to give
                    raise
            return await self._copy(self._templates[key])

    async def drop(self, copy: Destination) -> None:
        """Drops a copy, whoever is still connected to it."""
        async with self._turn:
            name = str(copy.database)
            await drop_database(self._session, name)
            await self._session.connection.execute(
                f"select pg_catalog.pg_advisory_unlock({LOCK_CLASS}, {lock_key(name)})"
            )

    async def _make(self, fill: Fill) -> Destination:
        async with AsyncExitStack() as making:
            made = await making.enter_async_context(scratch_database(self.server, application=self._application))
            place = made._replace(stands_for=self._beside.database or "")
            async with Session(place, application=self._application) as session:
                name = quote_identifier(str(place.database))
                await session.connection.execute(f"alter database {name} set synchronous_commit = off")
                if self._base is not None:
                    await bootstrap(session, self._base)
            await fill(place)
            await self._stack.enter_async_context(making.pop_all())
        return place

    async def _copy(self, template: Destination) -> Destination:
        session, name = self._session, f"{PREFIX}{os.getpid()}_{secrets.token_hex(8)}"
        if session.connection_lost:
            await session.renew()
        quoted, source = quote_identifier(name), quote_identifier(str(template.database))
        # Before it is created, so that no other session takes it for a leftover.
        await session.connection.execute(f"select pg_catalog.pg_advisory_lock({LOCK_CLASS}, {lock_key(name)})")
        try:
            await session.connection.execute(f"create database {quoted} template {source}")
        except ServerError as error:
            raise BackupFailed(f"database {template.database} can't be copied: {error}") from error
        await mark_database(session, name)
        await session.connection.execute(f"alter database {quoted} set synchronous_commit = off")
        return self._beside.at(name)
