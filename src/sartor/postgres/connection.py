"""The connection that scripts get: a real `asyncpg.Connection` that knows whose transaction it is in.

Sartor's claim rides on the driver's own BEGIN and its record on COMMIT, so that they cost no round trip, and
`conn.transaction()` inside a script is a savepoint, as its author expects. No version of the driver is relied on for
that: where its BEGIN isn't recognised, the claim is sent behind it.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import asyncpg

from sartor.domain import sql
from sartor.domain.client_copy import find_client_copy
from sartor.domain.rows import Rows
from sartor.postgres.asked import Asked, awaited
from sartor.postgres.fence import FENCE, SESSION_FENCE
from sartor.postgres.fenced import FencedConnection
from sartor.postgres.lent import Ended, replica
from sartor.postgres.refused import NoTalk, TransactionControl
from sartor.postgres.sending import ends_with_connection, send_rows
from sartor.postgres.unhurried import unhurried
from sartor.postgres.way import Reached

GRACE = 1.0
"""Seconds that a ROLLBACK may take after a cancel; then the connection is cut."""

CLEARING = (
    "close all; reset session authorization; reset all; unlisten *;"
    " select pg_catalog.pg_advisory_unlock_all(); discard temp; discard sequences;"
)
"""What CLEANING does, prepared statements apart."""

CLEANING = f"{CLEARING} deallocate all;"
"""What DISCARD ALL does, in a form that may stand behind COMMIT in one message (0.03 ms instead of 0.2 to 0.8).

See the manual's page on DISCARD. Behind COMMIT, because through a transaction pooler a later message would reach
another server session.
"""


def _told(original: Any) -> Any:
    """The driver's method, with its statement checked and remembered, and whether it was awaited."""

    async def told(self: Connection, query: str, *args: Any, **kwargs: Any) -> Any:
        self._check_open()
        if self.pooled and not self._guarded and not self.is_in_transaction():
            async with self.fenced():
                return await told(self, query, *args, **kwargs)
        async with self._at_work(query):
            return await original(self, query, *args, **kwargs)

    return awaited(functools.wraps(original)(told))


def _wearing(name: str) -> Any:
    """The driver's method of this name, which changes the client's side of a session."""
    original = getattr(asyncpg.Connection, name)

    @functools.wraps(original)
    def method(self: Connection, *args: Any, **kwargs: Any) -> Any:
        self._check_open()
        self.worn = (self._lender or self).worn = True
        return original(self, *args, **kwargs)

    return method


class Connection(FencedConnection):
    """An asyncpg connection with guarded transactions and a memory of what it is doing.

    `statement` is the SQL under way (None between statements) and `since` when it began, in seconds of
    `time.monotonic`; `error` is the last error that a statement of the present transaction met; `committing` says that
    COMMIT was sent and not answered; `confined` that the database is a scratch one, so that scripts may change nothing
    that belongs to the server; `worn` that a script changed the client's side of the session (codecs, listeners), so
    that the next script needs a new one. `asked` are the queries that were called for; of a handle that was lent, its
    own. All else that a script does with a handle is known of the connection.
    """

    __slots__ = (
        "_borrower",
        "_closing",
        "_guarded",
        "_lender",
        "_opening",
        "_over",
        "asked",
        "committing",
        "confined",
        "error",
        "reached",
        "since",
        "statement",
        "worn",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opening = self._closing = ""
        self._guarded = self._over = False
        self._lender: Connection | None = None
        self._borrower = ""
        self.asked: list[Asked] = []
        self.committing = False
        self.confined = False
        self.worn = False
        self.statement: str | None = None
        self.since = 0.0
        self.reached: Reached
        self.error: BaseException | None = None

    @property
    def socket(self) -> Any:
        """The socket, for its options."""
        return self._transport.get_extra_info("socket")  # type: ignore[attr-defined]  # the stubs don't have it

    @property
    def encrypted(self) -> bool:
        """Whether it speaks TLS."""
        return self._transport.get_extra_info("ssl_object") is not None  # type: ignore[attr-defined]

    @property
    def _cleaning(self) -> str:
        """The SQL behind a script's transaction: the session is as new, and inside the fence."""
        return CLEANING if self.pooled else CLEANING + SESSION_FENCE + self.kept

    @asynccontextmanager
    async def guarded(self, opening: str, closing: str) -> AsyncIterator[None]:
        """A transaction with the SQL `opening` sent along with its BEGIN, and `closing` along with its COMMIT.

        Whatever way it ends, the session is as new. Raises what the driver raises; `committing` is then true where
        the connection broke with the answer to COMMIT outstanding, so that only the database knows how it ended.
        """
        self._opening, self._closing = opening, closing
        self.error, self.committing = None, False
        transaction = self.transaction()
        try:
            await self.settle()
            await transaction.start()
            if self._opening:
                # A driver with another text for BEGIN: nothing of a script runs before its claim.
                alone, self._opening = self._opening, ""
                await super().execute(alone)
            self._guarded = True
            yield
            self._guarded = False
            await self._commit(transaction)
        except BaseException:
            await self.undo()
            raise
        finally:
            self._guarded, self._opening, self._closing = False, "", ""

    async def _commit(self, transaction: Any) -> None:
        """Send the record with a COMMIT of our own, whatever the driver's would be; and let the driver know of it."""
        closing, self._closing = self._closing, ""
        self.committing = True
        try:
            await super().execute(closing + "COMMIT;" + self._cleaning)
        except asyncpg.InterfaceError:
            # The driver didn't send it where a query of the script is still under way.
            self.committing = self.is_closed()
            raise
        self._over = True
        await transaction.commit()
        self.committing = self._over = False

    def lend(self, borrower: str) -> Self:
        """A handle of this connection, for the script called `borrower` until `take_back` ends it.

        It is as good as the connection itself, and what comes of it (cursors, statements, transactions) ends with it.
        """
        lent = replica(self)
        lent.begin_lent(self, borrower)
        return lent

    def begin_lent(self, lender: Connection, borrower: str) -> None:
        """Be a handle from now on."""
        self._lender, self._borrower = lender, borrower
        self.asked, self._closing, self._stmts_to_close = [], "", set[Any]()

    def take_back(self) -> None:
        """End a handle: whoever keeps it, or something that came of it, is told so by HandleEnded."""
        self._protocol = self._pool_release_ctr = Ended(self._borrower)
        self._transport = None

    def _check_open(self) -> None:
        if isinstance(ended := getattr(self, "_protocol", None), Ended):
            raise ended.error
        super()._check_open()  # type: ignore[misc]  # the stubs don't have it

    async def undo(self) -> None:
        """Roll back and make the session as new, or cut the connection, which does both as well."""
        self._guarded, self._over, self._top_xact = False, False, None
        if self.is_closed():
            return
        try:
            async with asyncio.timeout(GRACE):
                await super().execute("ROLLBACK;" + self._cleaning)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self.terminate()

    @awaited
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - the driver's
        """As asyncpg's; the claim joins the driver's own BEGIN here, and its COMMIT isn't sent behind ours."""
        if self._over:
            return "COMMIT"
        if query == "BEGIN;" and self._opening:
            query, self._opening = query + self._opening, ""
        elif self.pooled and not self._guarded and query.upper().startswith(("BEGIN", "START TRANSACTION")):
            query += FENCE
        async with self._at_work(query):
            return await super().execute(query, *args, timeout=timeout)

    async def send(self, text: str) -> None:
        """Run SQL of Sartor's own making in one message; `statement` and `since` are the caller's to keep."""
        self.error, self.committing = None, False
        await super().execute(text if self.pooled else text + SESSION_FENCE + self.kept)

    @contextmanager
    def informing(self, listener: Callable[[str], None]) -> Iterator[None]:
        """The time in which the server's INFO messages are told to `listener`."""

        def hear(_connection: object, message: Any) -> None:
            if message.severity_en == "INFO":
                listener(message.message)

        super().add_log_listener(hear)
        try:
            yield
        finally:
            super().remove_log_listener(hear)

    fetch = _told(asyncpg.Connection.fetch)
    fetchval = _told(asyncpg.Connection.fetchval)
    fetchrow = _told(asyncpg.Connection.fetchrow)
    fetchmany = _told(asyncpg.Connection.fetchmany)
    executemany = _told(asyncpg.Connection.executemany)
    prepare = _told(asyncpg.Connection.prepare)
    copy_from_query = _told(asyncpg.Connection.copy_from_query)
    copy_from_table = _told(asyncpg.Connection.copy_from_table)
    copy_to_table = _told(ends_with_connection(asyncpg.Connection.copy_to_table))
    copy_records_to_table = _told(ends_with_connection(asyncpg.Connection.copy_records_to_table))
    set_type_codec = _wearing("set_type_codec")
    set_builtin_type_codec = _wearing("set_builtin_type_codec")
    add_listener = _wearing("add_listener")
    add_log_listener = _wearing("add_log_listener")
    add_query_logger = _wearing("add_query_logger")
    add_termination_listener = _wearing("add_termination_listener")

    async def copy_rows(self, query: str, rows: Rows) -> str:
        """Run `copy ... from stdin` with the rows of a file, block by block."""
        with self._under_way(query):
            return str(await send_rows(self, query, rows))

    async def close(self, **kwargs: Any) -> None:
        """As asyncpg's; not for a script, whose connection isn't its own."""
        self._keep("conn.close()")
        await super().close(**kwargs)

    def terminate(self) -> None:
        """As asyncpg's; not for a script."""
        self._keep("conn.terminate()")
        super().terminate()

    async def reset(self, **kwargs: Any) -> None:
        """As asyncpg's; not for a script."""
        self._keep("conn.reset()")
        await super().reset(**kwargs)

    def _keep(self, call: str) -> None:
        if self._guarded:
            raise TransactionControl(call)

    def cursor(self, query: str, *args: Any, **kwargs: Any) -> Any:
        """As asyncpg's."""
        self._check(query)
        return super().cursor(query, *args, **kwargs)

    @asynccontextmanager
    async def _at_work(self, query: str) -> AsyncIterator[None]:
        with self.running(query):
            async with unhurried(self, query, self.pinned):
                yield

    @contextmanager
    def running(self, query: str) -> Iterator[None]:
        """The time in which `query` runs. Raises TransactionControl, NoTalk where it isn't a script's to run."""
        self._check(query)
        with self._under_way(query):
            yield

    @contextmanager
    def _under_way(self, query: str) -> Iterator[None]:
        known = self._lender or self
        known.statement, known.since = query, time.monotonic()
        try:
            yield
        except asyncpg.InFailedSQLTransactionError:
            raise  # the error that made the transaction fail is the one to remember
        except BaseException as error:
            known.error = error
            raise
        finally:
            known.statement = None

    def _check(self, query: str) -> None:
        self._check_open()
        # Before it is sent: what a script did between its own COMMIT and ours could no longer be undone.
        if self._guarded and (control := sql.transaction_control(query)):
            raise TransactionControl(control)
        if copy := find_client_copy(query):
            raise NoTalk(copy)
