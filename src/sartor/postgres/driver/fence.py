"""The search path of Sartor's own SQL, and how it alternates with a script's.

Operators resolve by `search_path` as functions and tables do, and an exact match in any schema on it wins over a
conversion in `pg_catalog`: a role that may create in one of them can have `numeric * integer`. So each session of
Sartor's has this path from its first statement on, and a script's transaction has the script's path for the script
alone. `pg_temp`, which is searched last, isn't searched for operators and functions.

In Sartor's own transactions Postgres refuses to read what row-level security would hide from the role (`row_security`):
a ledger with hidden rows would be taken for one without them. A script has its session's setting.

A statement of Sartor's own waits for a lock for LOCK_WAIT at most: another session may hold the ledger locked, and a
command that only reads must not wait for that for ever.

A transaction pooler gives a session's settings to other clients, so there each transaction of Sartor's sets its own.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from sartor.sql.quoting import quote_literal

if TYPE_CHECKING:
    _Driver = asyncpg.Connection[asyncpg.Record]
else:
    _Driver = asyncpg.Connection

PATH = "pg_catalog, pg_temp"

LOCK_WAIT = "5s"
"""The time that a statement of Sartor's own waits for a lock where nothing else says, as the server shows it."""

FENCE = f"set local search_path = {PATH};set local row_security = off;set local lock_timeout = '{LOCK_WAIT}';"
"""The SQL that comes first in a transaction of Sartor's own."""

SESSION_FENCE = f"set search_path = {PATH};set lock_timeout = '{LOCK_WAIT}';"
"""The SQL that puts a session inside the fence; not for a pooler's."""

CLEARING = """close all; reset session authorization; reset all; unlisten *;
    select pg_catalog.pg_advisory_unlock_all(); discard temp; discard sequences;"""
"""The SQL of CLEANING, prepared statements apart."""

CLEANING = f"{CLEARING} deallocate all;"
"""The SQL that does what DISCARD ALL does (see its page), and may stand behind COMMIT in one message: 0.03 ms, not 0.2.

Through a transaction pooler a later message would reach another server session.
"""

_KEPT, _KEPT_ROWS = "sartor.path", "sartor.rows"
"""The settings that hold a script's path, and its `row_security`, while Sartor's are in their place."""

STEP_IN = f"""select pg_catalog.set_config('search_path', case when
        pg_catalog.set_config('{_KEPT}', pg_catalog.current_setting('search_path'), true) is not null
        then '{PATH}' end, true),
    pg_catalog.set_config('row_security', case when
        pg_catalog.set_config('{_KEPT_ROWS}', pg_catalog.current_setting('row_security'), true) is not null
        then 'off' end, true);"""
"""The statement that puts the fence in place of a script's path. It runs under that path, so it has no operators."""

STEP_OUT = f"""select pg_catalog.set_config('search_path', pg_catalog.current_setting('{_KEPT}'), true),
    pg_catalog.set_config('row_security', pg_catalog.current_setting('{_KEPT_ROWS}'), true);"""
"""The statement that puts the script's path back: its deferred triggers run at COMMIT.

Both are statements of their own: to describe the rows of one that is prepared, the server analyses it again after its
end.
"""


def limit_lock_timeout(seconds: float, *, local: bool) -> str:
    """Returns the SQL that lowers a lock_timeout that is longer than `seconds`, or has no end; `local` as in SET LOCAL.

    It runs under a script's path, so each operator is named with its schema.
    """
    longest = max(1, round(seconds * 1000))
    return f"""select pg_catalog.set_config('lock_timeout', case
        when setting operator(pg_catalog.=) '0' or setting::pg_catalog.int4 operator(pg_catalog.>) {longest}
        then '{longest}' else setting end, {str(local).lower()})
    from pg_catalog.pg_settings where name operator(pg_catalog.=) 'lock_timeout';"""


class FencedConnection(_Driver):
    """The driver's connection, with Sartor's own SQL inside the fence: the session's, or each transaction's.

    `pooled` says that a pooler is in between, so that others use the session as well, and all but a script's SQL is
    fenced transaction by transaction; `pinned` is the lock_timeout that doesn't apply to statements that wait for
    others by their nature, `longest_lock` the longest that a script may set, in seconds (0: any); `kept` is the SQL
    that sets a session's further settings again after a RESET ALL, where the session is Sartor's alone; `touched` says
    that a script may have left something in the session since it was last reset.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fenced = self._unsettled = self.pooled = self.touched = False
        self._statements: dict[str, Any] = {}  # Sartor's own that are prepared, by their text
        self._numbers = itertools.count()
        self.pinned: str | None = None
        self.longest_lock = 0.0
        self.kept = ""

    @property
    def cleaning(self) -> str:
        """The SQL behind a script's transaction: resets the session; if no pooler's, puts it inside the fence again."""
        return CLEANING if self.pooled else CLEANING + SESSION_FENCE + self.kept

    @property
    def clearing(self) -> str:
        """The SQL that resets the session where no script could prepare a statement: it keeps Sartor's own."""
        return self.cleaning if self.pooled else CLEARING + SESSION_FENCE + self.kept

    async def prepare_kept(self, query: str) -> Any:
        """Returns a query of Sartor's own as a prepared statement, which the session keeps until CLEANING."""
        if (statement := self._statements.get(query)) is None:
            # The driver prepares a statement without a name again at each call. No name is used twice: the server may
            # have one whose answer nobody waited for, and the driver ends a statement once nothing refers to it.
            statement = await self.prepare(query, name=f"sartor_kept_{next(self._numbers)}")
            self._statements[query] = statement
        return statement

    def forget_statements(self) -> None:
        """Takes note of CLEANING, which has ended all prepared statements: the driver needn't close them."""
        self.touched = False
        self._statements.clear()
        self._stmts_to_close.clear()  # type: ignore[attr-defined]  # the stubs don't have it

    async def enter_fence(self, also: Mapping[str, str]) -> None:
        """Puts the session inside the fence, or finds that a pooler is in between. Comes before any other statement.

        `also` are further settings of a session that is Sartor's alone.
        """
        settings = {"search_path": PATH, "lock_timeout": LOCK_WAIT, **also}
        chosen = ", ".join(f"pg_catalog.set_config('{name}', '{value}', false)" for name, value in settings.items())
        # Where a pooler is in between, the server process isn't the one that the driver was told of: no row, no change.
        alone = f"pg_catalog.pg_backend_pid() operator(pg_catalog.=) {self.get_server_pid()}"
        try:
            self.pooled = await super().execute(f"select {chosen} where {alone}") == "SELECT 0"
        except BaseException:  # where it is cancelled, the fence may stand in part
            self.terminate()
            raise
        if not self.pooled:
            self.pinned, self.kept = LOCK_WAIT, "".join(f"set {name} = {value};" for name, value in also.items())

    @asynccontextmanager
    async def fenced(self) -> AsyncIterator[None]:
        """Runs the block's SQL inside the fence: it isn't that of the script that has the connection."""
        if self._fenced:
            yield
            return
        await self.settle()
        begin, end, undo = f"begin;{FENCE}", "commit", "rollback"
        if self.is_in_transaction():
            begin, end, undo = STEP_IN, STEP_OUT, STEP_OUT
        else:
            self._unsettled = True
        await super().execute(begin)
        self._unsettled, self._fenced = False, True
        try:
            yield
        except BaseException:  # a cancelled block leaves the fence too
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                await super().execute(undo)
            raise
        else:
            await super().execute(end)
        finally:
            self._fenced = False

    async def settle(self) -> None:
        """Ends a transaction of the fence that may have begun after its caller had stopped waiting for it."""
        if self._unsettled:
            await super().execute("rollback")
            self._unsettled = False

    async def pin_lock_timeout(self) -> None:
        self.pinned = await self._lock_timeout()

    @asynccontextmanager
    async def patient(self) -> AsyncIterator[None]:
        """Switches lock_timeout off for the block: a statement outside a transaction that waits by its nature.

        A lock_timeout that the script itself has set is kept.
        """
        if (pinned := self.pinned) is None or await self._lock_timeout() != pinned:
            yield
            return
        await super().execute("set lock_timeout = 0")
        failed: asyncpg.PostgresError | None = None
        try:
            yield
        except asyncpg.PostgresError as error:
            failed = error
        if not self.is_closed():
            await super().execute(f"set lock_timeout = {quote_literal(pinned)}")
        if failed is not None:
            raise failed

    async def limit_lock_timeout(self) -> None:
        """Lowers a lock_timeout that a script has lifted above `longest_lock`: others would queue behind its waits."""
        await super().execute(limit_lock_timeout(self.longest_lock, local=self.is_in_transaction()))

    @contextmanager
    def informing(self, listener: Callable[[str, str], None]) -> Iterator[None]:
        """Passes the server's messages to `listener` while the block runs: the severity, in English, and the text.

        That no transaction is in progress isn't passed on: a driver's COMMIT may come behind Sartor's own.
        """

        def hear(_connection: object, message: Any) -> None:
            if message.sqlstate != asyncpg.NoActiveSQLTransactionError.sqlstate:
                listener(message.severity_en, message.message)

        super().add_log_listener(hear)
        try:
            yield
        finally:
            super().remove_log_listener(hear)

    async def _lock_timeout(self) -> str:
        return str(await super().fetchval("show lock_timeout"))

    async def _introspect_types(self, *args: Any, **kwargs: Any) -> Any:
        """Calls asyncpg's method inside the fence: its SQL has operators and functions without their schema."""
        async with self.fenced():
            return await super()._introspect_types(*args, **kwargs)  # type: ignore[misc]  # not in the stubs

    async def _introspect_type(self, *args: Any, **kwargs: Any) -> Any:
        async with self.fenced():
            return await super()._introspect_type(*args, **kwargs)  # type: ignore[misc]  # not in the stubs
