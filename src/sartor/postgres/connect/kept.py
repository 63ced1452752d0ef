"""Keeps connections for the next destination of the same database and user, while a fleet is worked through.

A new connection costs the server a process that knows nothing of the catalog yet: more than most deployments.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sartor.domain.destination import Destination
from sartor.postgres.connect.connect import close, connect
from sartor.postgres.connect.tls import remembering_answers
from sartor.postgres.driver.connection import Connection

MOST_USES = 200
"""The destinations for which a connection is kept: its server process remembers the tables of each that it has seen."""


class Place(NamedTuple):
    """The properties that connections have in common."""

    server: str
    url: str
    require_tls: bool
    application: str
    kind: type[Connection]


class Kept:
    """The connections that wait for their next use, the latest one last. They are of this process's event loop."""

    def __init__(self) -> None:
        self._idle: dict[str, dict[Place, list[Connection]]] = {}  # by server: there may be hundreds of each
        self._uses = WeakKeyDictionary[Connection, int]()

    def take(self, place: Place) -> Connection | None:
        """Returns a connection that waits, None where there is none for this place."""
        idle = self._idle.get(place.server, {})
        while waiting := idle.get(place):
            connection = waiting.pop()
            if not waiting:
                del idle[place]
            if not connection.is_closed():
                return connection
        return None

    async def put(self, place: Place, connection: Connection) -> None:
        """Keeps a connection; closes it instead where it is worn out."""
        self._uses[connection] = self._uses.get(connection, 0) + 1
        if self._uses[connection] >= MOST_USES:
            await close(connection)
        else:
            self._idle.setdefault(place.server, {}).setdefault(place, []).append(connection)

    async def make_room(self, server: str) -> None:
        """Closes one that waits at this server, whichever: another one is about to be opened there."""
        for place in [*self._idle.get(server, ())]:
            if connection := self.take(place):
                await close(connection)
                break

    async def close(self) -> None:
        for idle in [*self._idle.values()]:
            for place in [*idle]:
                while connection := self.take(place):
                    await close(connection)


_KEPT: ContextVar[Kept | None] = ContextVar("kept", default=None)


@contextmanager
def keeping_connections() -> Iterator[Kept]:
    """Keeps connections that sessions are done with, for others, while the block lasts; the caller closes them."""
    token = _KEPT.set(kept := Kept())
    try:
        with remembering_answers():
            yield kept
    finally:
        _KEPT.reset(token)


async def take_connection(
    destination: Destination, *, application: str, kind: type[Connection] = Connection
) -> Connection:
    """Returns a connection that is kept, else a new one. Raises as `connect`."""
    kept = _KEPT.get()
    if kept is None or destination.scratch:
        return await connect(destination, application=application, kind=kind)
    place = _place(destination, application, kind)
    if found := kept.take(place):
        return found
    await kept.make_room(place.server)
    return await connect(destination, application=application, kind=kind)


async def leave_connection(connection: Connection, destination: Destination, *, application: str) -> None:
    """Keeps a connection that is as a new one, for its next use; closes any other.

    One that is kept was reset: it holds no lock, no setting, and no temporary table of its last use.
    """
    kept = _KEPT.get()
    fit = not (connection.is_closed() or connection.worn or connection.pooled or connection.is_in_transaction())
    if kept is None or destination.scratch or not fit:
        await close(connection)
        return
    try:
        await connection.undo()
    except BaseException:  # where it is cancelled, nobody else would close it
        connection.terminate()
        raise
    if not connection.is_closed():
        await kept.put(_place(destination, application, type(connection)), connection)


def _place(destination: Destination, application: str, kind: type[Connection]) -> Place:
    return Place(destination.server, destination.url, destination.require_tls, application, kind)
