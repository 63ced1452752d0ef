"""The connection that scripts get: a real `asyncpg.Connection` that knows whose transaction it is in.

Sartor's claim is sent along with the driver's own BEGIN and its record along with COMMIT, so that they cost no round
trip, and `conn.transaction()` inside a script is a savepoint, as its author expects. This relies on no version of the
driver, so asyncpg has no upper limit: where its BEGIN isn't recognised, the claim is sent behind it.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from logging import DEBUG
from typing import Any, Self, TypeAlias

import asyncpg

from sartor.conninfo.redaction import redact
from sartor.domain.own_tables import takes_away
from sartor.domain.rows import Rows
from sartor.domain.table_names import OwnTables
from sartor.log import LOG
from sartor.postgres.driver.copy_rows import ends_with_connection, send_rows
from sartor.postgres.driver.fence import FENCE, LOCK_WAIT, SESSION_FENCE, FencedConnection, limit_lock_timeout
from sartor.postgres.driver.refused import Asked, Ended, NoTalk, TakesLedger, TransactionControl, awaited, kept, wearing
from sartor.postgres.target_server import Reached
from sartor.sql.sensitive import without_secrets
from sartor.sql.splitting import find_client_copy, may_lift_lock_timeout, split, transaction_control, waits_for_others
from sartor.sql.statements import Statement

DriverConnection: TypeAlias = "asyncpg.Connection[Any]"
"""The driver's connection, a script's or any other."""
GRACE = 1.0
"""Seconds that a ROLLBACK may take after a cancel; then the connection is cut."""
LONGEST = 2_000
"""The most characters of a statement that are logged."""
UNASKED = "another operation (2) is in progress"
"""The driver's words where the server has ended a session that was idle, and its end hasn't arrived yet."""


def _told(original: Any) -> Any:
    """Wraps a method of the driver: checks its statement, records it, and records whether it was awaited."""

    async def told(self: Connection, query: str, *args: Any, **kwargs: Any) -> Any:
        self._check_open()
        if self.pooled and not self._in_script and not self.is_in_transaction():
            async with self.fenced():
                return await told(self, query, *args, **kwargs)
        async with self._at_work(query):
            return await original(self, query, *args, **kwargs)

    return awaited(functools.wraps(original)(told))


class Connection(FencedConnection):
    """An asyncpg connection that sends Sartor's SQL with BEGIN and COMMIT, and records what it is doing.

    `statement` is the SQL under way (None between statements) and `since` when it began, in seconds of
    `time.monotonic`; `error` is the last error of a statement in the current transaction; `committing` says that COMMIT
    was sent and not answered; `confined` that the database is a scratch one, so that scripts may change nothing that
    belongs to the server; `worn` that a script changed the client's side of the session (codecs, listeners), so that
    the next script needs a new session. `asked` are the queries that were called for; a lent handle has its own. All
    else that a script does with a handle is recorded on the connection.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opening = self._borrower = ""
        self._in_script = self._over = False
        self._kept: OwnTables | None = None  # while a script runs outside a transaction
        self._lender: Connection | None = None
        self.asked: list[Asked] = []
        self.committing = self.confined = self.worn = False
        self.statement: str | None = None
        self.since = 0.0
        self.reached: Reached
        self.error: BaseException | None = None

    @property
    def socket(self) -> Any:
        return self._transport.get_extra_info("socket")  # type: ignore[attr-defined]  # the stubs don't have it

    @property
    def encrypted(self) -> bool:
        return self._transport.get_extra_info("ssl_object") is not None  # type: ignore[attr-defined]

    @asynccontextmanager
    async def script_transaction(
        self, opening: str, closing: Callable[[], str], *, longest_lock: float
    ) -> AsyncIterator[None]:
        """Runs the block in a transaction: the SQL `opening` is sent along with BEGIN, and `closing` along with COMMIT.

        `closing` is called at the block's end. `longest_lock` is the longest lock_timeout of a script, in seconds; 0
        for none.

        However it ends, the session is reset or cut. Raises the driver's errors; `committing` is then true where the
        connection broke with the answer to COMMIT outstanding, so that only the database knows how it ended.
        """
        self._opening, self.error, self.committing, self.touched = opening, None, False, True
        transaction = self.transaction()
        try:
            await self.settle()
            await transaction.start()
            if self._opening:
                # The driver has another text for BEGIN: the claim is sent now, before anything of a script runs.
                alone, self._opening = self._opening, ""
                await super().execute(alone)
            self._in_script, self.longest_lock = True, longest_lock
            yield
            self._in_script, self.longest_lock = False, 0
            await self._commit(transaction, closing())
        except BaseException:  # a cancelled script is rolled back too
            await self.undo()
            raise

    async def _commit(self, transaction: Any, closing: str) -> None:
        """Sends the record with Sartor's own COMMIT, whatever the driver's would be; then tells the driver of it."""
        self.committing = True
        try:
            with self._under_way(closing + "COMMIT;"):
                await super().execute(closing + "COMMIT;" + self.cleaning)
            self.forget_statements()
        except asyncpg.InterfaceError:
            # The driver didn't send it where a query of the script is still under way.
            self.committing = self.is_closed()
            raise
        self._over = True
        await transaction.commit()
        self.committing = self._over = False

    @asynccontextmanager
    async def script_session(self, settings: str, *, longest_lock: float, tables: OwnTables) -> AsyncIterator[None]:
        """Runs the block outside a transaction, after the SQL `settings`. However it ends, the session is reset or cut.

        `longest_lock` is as for `script_transaction`; `tables` are those that the block may not drop.
        """
        self.touched = True
        try:
            await self.execute(settings)
            await self.pin_lock_timeout()
            self._kept, self.longest_lock = tables, longest_lock
            yield
        finally:
            self.pinned = LOCK_WAIT
            await self.undo()

    def lend(self, borrower: str) -> Self:
        """Returns a handle of this connection, for the script called `borrower` until `take_back` ends it.

        What is made from the handle (cursors, statements, transactions) ends with it.
        """
        lent = copy.copy(self)
        lent.begin_lent(self, borrower)
        return lent

    def begin_lent(self, lender: Connection, borrower: str) -> None:
        self._lender, self._borrower = lender, borrower
        self.asked, self._stmts_to_close = [], set[Any]()

    def take_back(self) -> None:
        """Ends a handle: any use of it, or of something made from it, raises InterfaceError."""
        self._protocol = self._pool_release_ctr = Ended(self._borrower)
        self._transport = None

    def _check_open(self) -> None:
        if isinstance(ended := getattr(self, "_protocol", None), Ended):
            raise ended.error
        super()._check_open()  # type: ignore[misc]  # the stubs don't have it

    async def undo(self) -> None:
        """Rolls back and resets the session; cuts the connection where that fails or takes longer than GRACE."""
        self._in_script, self._kept, self._over = False, None, False
        self._opening, self.longest_lock, self._top_xact = "", 0, None
        if self.is_closed():
            return
        try:
            async with asyncio.timeout(GRACE):
                await super().execute("ROLLBACK;" + (self.cleaning if self.touched else self.clearing))
            if self.touched:
                self.forget_statements()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self.terminate()

    @awaited
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - the driver's
        """Runs SQL as asyncpg; the claim joins the driver's own BEGIN, and its COMMIT isn't sent behind Sartor's."""
        if self._over:
            return "COMMIT"
        if query == "BEGIN;" and self._opening:
            query, self._opening = query + self._opening, ""
        elif self.pooled and not self._in_script and query.upper().startswith(("BEGIN", "START TRANSACTION")):
            query += FENCE
        if not args and self._is_limited(query) and len(statements := split(query)) > 1:
            return await self._execute_limited(query, statements, timeout)
        async with self._at_work(query):
            return await super().execute(query, *args, timeout=timeout)

    async def _execute_limited(self, query: str, statements: Sequence[Statement], timeout: float | None) -> str:  # noqa: ASYNC109
        """Runs a text in one message, the limit between its statements; an error says where it is in the text."""
        between = f"\n;{limit_lock_timeout(self.longest_lock, local=True)}\n"
        async with self._at_work(query):
            try:
                return await super().execute(between.join(each.text for each in statements), timeout=timeout)
            except asyncpg.PostgresError as error:
                error.query, at = query, int(error.position or 0)  # type: ignore[attr-defined]  # the driver's own
                for each in statements:
                    if 0 < at <= len(each.text):
                        error.position = str(at + each.start)
                    at -= len(each.text) + len(between)
                raise

    async def send(self, text: str, *, cleans: bool) -> None:
        """Runs scripts in one message of Sartor's own making; the caller keeps `statement` and `since`, and logs.

        `cleans` says that the message ends with CLEANING: where it doesn't, its scripts leave nothing in the session.
        """
        before, self.touched = self.touched, True
        self.error, self.committing = None, False
        await super().execute(text if self.pooled else text + SESSION_FENCE + self.kept)
        self.touched = before
        if cleans:
            self.forget_statements()

    async def fetch_kept(self, query: str, *args: Any) -> list[Any]:
        """Runs a query of Sartor's own and keeps it prepared, as planning one over the catalogue takes longer than it.

        A script that may prepare statements is followed by the end of all; a pooler leaves them to other clients.
        """
        if self.pooled:
            return list(await self.fetch(query, *args))
        statement = await self.prepare_kept(query)
        with self._under_way(query):
            return list(await statement.fetch(*args))

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
    set_type_codec = wearing(asyncpg.Connection.set_type_codec)
    set_builtin_type_codec = wearing(asyncpg.Connection.set_builtin_type_codec)
    add_listener = wearing(asyncpg.Connection.add_listener)
    add_log_listener = wearing(asyncpg.Connection.add_log_listener)
    add_query_logger = wearing(asyncpg.Connection.add_query_logger)
    add_termination_listener = wearing(asyncpg.Connection.add_termination_listener)
    close = kept(asyncpg.Connection.close)
    terminate = kept(asyncpg.Connection.terminate)
    reset = kept(asyncpg.Connection.reset)

    async def copy_rows(self, query: str, rows: Rows) -> str:
        with self._under_way(query):
            return str(await send_rows(self, query, rows))

    def cursor(self, query: str, *args: Any, **kwargs: Any) -> Any:
        """Makes a cursor as asyncpg does. Raises TransactionControl, NoTalk where a script may not run it."""
        self._check(query)
        return super().cursor(query, *args, **kwargs)

    @asynccontextmanager
    async def _at_work(self, query: str) -> AsyncIterator[None]:
        self._check(query)
        with self._under_way(query):
            if self.pinned is None or self.is_in_transaction() or not waits_for_others(query):
                yield
            else:
                async with self.patient():
                    yield
            if self._is_limited(query):
                await self.limit_lock_timeout()

    def _is_limited(self, query: str) -> bool:
        return self.longest_lock > 0 and may_lift_lock_timeout(query)

    @contextmanager
    def _under_way(self, query: str) -> Iterator[None]:
        known = self._lender or self
        known.statement, known.since = query, time.monotonic()
        try:
            yield
        except BaseException as error:  # kept as it is, and raised again
            if isinstance(error, asyncpg.InternalClientError) and UNASKED in str(error):
                asyncpg.Connection.terminate(known)
            if not isinstance(error, asyncpg.InFailedSQLTransactionError):
                known.error = error  # that which made the transaction fail is the one to remember
            known.end_statement(error)
            raise
        known.end_statement()

    def end_statement(self, error: BaseException | None = None) -> None:
        """Logs the statement under way, if any, which ends now: without parameters, rows and secrets."""
        statement, self.statement = self.statement, None
        if statement is None or not LOG.isEnabledFor(DEBUG):
            return
        took = (time.monotonic() - self.since) * 1000
        ended = f", {getattr(error, 'sqlstate', None) or type(error).__name__}" if error else ""
        text = " ".join(redact(without_secrets(statement), [self.reached.password or ""]).split())
        shown = text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text)} characters in all)"
        LOG.debug("[%d] %.1f ms%s: %s", self.get_server_pid(), took, ended, shown)

    def _check(self, query: str) -> None:
        self._check_open()
        # Before it is sent: what a script did between its own COMMIT and ours could no longer be undone.
        if self._in_script and (control := transaction_control(query)):
            raise TransactionControl(control)
        if self._kept is not None and (what := takes_away(query, self._kept)):
            raise TakesLedger(query, what, self._kept)
        if (self._in_script or self._kept is not None) and (copy := find_client_copy(query)):
            raise NoTalk(copy)
