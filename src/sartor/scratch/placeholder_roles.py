"""Creates roles of one server on another for the length of a block: scripts name them, for example in grants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sartor.domain.destination import Destination
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier

_ROLES = "select rolname::text from pg_catalog.pg_roles where rolname !~ '^pg_'"


@asynccontextmanager
async def placeholder_roles(live: Session, server: Destination, *, application: str) -> AsyncIterator[None]:
    """Gives `server` every role of the session's server within the block; the roles that it lacked can't log in.

    Those are dropped in the end, except a role on which something in another database there depends by then.
    """
    async with Session(server, application=application) as session:
        there, here = [{row[0] for row in await s.connection.fetch(_ROLES)} for s in (live, session)]
        made = []
        try:
            for name in sorted(there - here):
                await session.connection.execute(f"create role {quote_identifier(name)} nologin")
                made.append(name)
            yield
        finally:
            for name in made:
                with suppress(OSError, *DRIVER_ERRORS):
                    await session.connection.execute(f"drop role {quote_identifier(name)}")
