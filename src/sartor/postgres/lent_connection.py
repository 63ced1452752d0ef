"""Reads a ledger through a connection or a pool of the application's, and leaves the connection as it was.

All statements run in a transaction that is rolled back. Within a transaction of the application's it is a savepoint: no
failure aborts that one, and the settings of the fence end with the savepoint.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, runtime_checkable

import asyncpg

from sartor.domain.destination import Destination
from sartor.domain.ledger import Ledger
from sartor.domain.table_names import OwnTables
from sartor.errors import Unreachable, UsageError
from sartor.postgres.connect.connect import DRIVER_ERRORS, session_error
from sartor.postgres.connect.pooler import NO_POOLER
from sartor.postgres.driver.fence import FENCE
from sartor.postgres.facts import Facts, read_facts
from sartor.postgres.ledger import read_ledger
from sartor.postgres.session import Session

LIMIT = 10.0
"""Seconds that a pool may take to lend a connection, and that reading may take."""
GRACE = 1.0
"""Seconds that the ROLLBACK may take; then the connection is cut."""

_NAME = "sartor_fence"
_BEGIN, _END = f"begin isolation level read committed read only;{FENCE}", "rollback"
_NESTED_BEGIN, _NESTED_END = f"savepoint {_NAME};{FENCE}", f"rollback to savepoint {_NAME};release savepoint {_NAME}"


class AnyConnection(Protocol):
    """A connection of asyncpg's, or what its pool lends."""

    def is_closed(self) -> bool: ...
    def is_in_transaction(self) -> bool: ...
    def terminate(self) -> None: ...
    async def execute(self, query: str) -> Any: ...
    async def fetch(self, query: str, *args: Any) -> Any: ...
    async def fetchrow(self, query: str, *args: Any) -> Any: ...


@runtime_checkable
class AnyPool(Protocol):
    """A pool of asyncpg's."""

    def acquire(self, *, timeout: float | None = None) -> Any: ...


class _Given(Destination):
    """The place of a given connection, of which only the schema is known."""

    __slots__ = ()

    @property
    def label(self) -> str:
        return f"the given connection, schema {self.schema}"


class _Lent:
    """A given connection, as far as a session that only reads needs one."""

    pooled = False

    def __init__(self, given: AnyConnection) -> None:
        self.fetch = self.fetch_kept = given.fetch  # what is prepared by name would stay behind in it

    @asynccontextmanager
    async def fenced(self) -> AsyncIterator[None]:
        yield  # the transaction is inside the fence


async def read_ledger_by_pool(pool: AnyPool, tables: OwnTables) -> tuple[Ledger, Facts]:
    """Does as `read_ledger_by`, by a connection of a pool's. Raises Unreachable too where the pool can lend none."""
    try:
        async with pool.acquire(timeout=LIMIT) as given:
            return await read_ledger_by(given, tables)
    except TimeoutError as error:
        raise Unreachable(
            f"no connection of the pool was free within {LIMIT:g} s", hint="give the pool a larger `max_size`"
        ) from error
    except (OSError, asyncpg.PostgresError) as error:
        raise Unreachable(
            f"the pool can't connect: {error}", hint="check the pool's arguments, and that the server is running"
        ) from error
    except asyncpg.InterfaceError as error:
        raise UsageError(f"the given pool can't be used: {error}", hint="give a pool that is open") from error


async def read_ledger_by(given: AnyConnection, tables: OwnTables) -> tuple[Ledger, Facts]:
    """Reads the ledger in these tables, and what is known of the database, through a connection that was given.

    Raises what `read_ledger` raises, UsageError where the connection can't be used, and Unreachable where it breaks or
    doesn't answer.
    """
    session = Session(_Given("postgresql://", tables.schema, tables=tables.prefix), application="")
    session.connection = _Lent(given)  # type: ignore[assignment]  # all that is called of it
    with _explained(session.destination, given):
        async with asyncio.timeout(LIMIT), _set_aside(given):
            session.facts = await read_facts(session.connection, tables, NO_POOLER, whole=True)
            return await read_ledger(session), session.facts


@asynccontextmanager
async def _set_aside(given: AnyConnection) -> AsyncIterator[None]:
    """Runs the block in a transaction or savepoint that is rolled back; cuts the connection where that fails."""
    begin, end = (_NESTED_BEGIN, _NESTED_END) if given.is_in_transaction() else (_BEGIN, _END)
    try:
        await given.execute(begin)
    except (asyncpg.InterfaceError, asyncpg.PostgresError):
        raise  # nothing has begun: the connection is in use, or its transaction was aborted before
    except BaseException:  # it is cancelled, and the server may have begun
        await _end(given, end)
        raise
    try:
        yield
    finally:
        await _end(given, end)


async def _end(given: AnyConnection, end: str) -> None:
    if given.is_closed():
        return
    try:
        async with asyncio.timeout(GRACE):
            await given.execute(end)
    except BaseException:  # the application mustn't go on in this transaction
        given.terminate()
        raise


@contextmanager
def _explained(place: Destination, given: AnyConnection) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Unreachable(
            f"{place.label}: no answer within {LIMIT:g} s", hint="check the network and the server"
        ) from error
    except asyncpg.InterfaceError as error:
        if given.is_closed():
            raise session_error(error, place) from error
        raise UsageError(
            f"{place.label} can't be used: {error}", hint="give a connection that no other task is using"
        ) from error
    except (OSError, *DRIVER_ERRORS) as error:
        raise session_error(error, place) from error
