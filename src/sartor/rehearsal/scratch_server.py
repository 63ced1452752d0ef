"""Creates the scratch database of a rehearsal, on the first server that allows one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from sartor.domain.destination import Destination
from sartor.embedded.server import serve
from sartor.errors import BackupFailed, EmbeddedUnavailable, PrivilegeMissing, ReadOnly, RehearsalFailed
from sartor.postgres.session import Session, application_name
from sartor.scratch.database import scratch_database
from sartor.scratch.placeholder_roles import placeholder_roles


class ScratchServer(NamedTuple):
    """A scratch database, and notes on why it isn't on the server that was tried first."""

    destination: Destination
    notes: tuple[str, ...] = ()


@asynccontextmanager
async def scratch_server(
    live: Session, given: Destination | None, embedded: Path | None
) -> AsyncIterator[ScratchServer]:
    """Creates an empty database on the server of `given`, else on the session's; drops it whatever happens.

    Where the session's server doesn't allow one, it is created on the embedded server in the folder `embedded`, if that
    is given; that server is Sartor's own, and gets the roles that it lacks for the time. Raises RehearsalFailed,
    Unreachable, PrivilegeMissing, ReadOnly, BackupFailed.
    """
    application, destination = application_name("rehearse"), live.destination
    async with AsyncExitStack() as stack:
        notes: tuple[str, ...] = ()
        try:
            made = await stack.enter_async_context(scratch_database(given or destination, application=application))
        except (PrivilegeMissing, ReadOnly, BackupFailed) as error:
            if given is not None or embedded is None:
                raise
            notes = (f"rehearsed on the embedded server: {error}",)
            server = Destination.parse(_embedded(stack, embedded, error))
            await stack.enter_async_context(placeholder_roles(live, server, application=application))
            made = await stack.enter_async_context(scratch_database(server, application=application))
        yield ScratchServer(made._replace(schema=destination.schema), notes)


def _embedded(stack: AsyncExitStack, folder: Path, reason: Exception) -> str:
    try:
        return stack.enter_context(serve(folder)).url
    except EmbeddedUnavailable as error:
        raise RehearsalFailed(
            f"no server can hold a clone: {reason}; {error}",
            hint="give a server on which the role can create databases with `scratch`",
        ) from reason
