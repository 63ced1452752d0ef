"""A connection that notes each statement of a script, whichever method sends it."""

import functools
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

from sartor.domain.rehearsal import Message
from sartor.footprint.row_losses import Known
from sartor.footprint.statement_recorder import Recording, Run, StatementRecorder, TextPart
from sartor.postgres.driver.connection import Connection
from sartor.postgres.driver.refused import awaited
from sartor.sql.splitting import split
from sartor.sql.statements import Statement

COPIES = {
    "copy_from_query": "copy ({}) to stdout",
    "copy_from_table": "copy {} to stdout",
    "copy_to_table": "copy {} from stdin",
    "copy_records_to_table": "copy {} from stdin",
}
"""The SQL of each method that copies, with a place for its first argument."""
METHODS = ("fetch", "fetchval", "fetchrow", "fetchmany", "executemany", "copy_rows", *COPIES)
"""The methods that send one statement or copy a table; `execute`, `prepare` and `cursor` are handled apart."""
ONCE = ("fetch", "fetchval", "fetchrow")
MANY = ("fetchmany", "executemany")
"""The methods that take the parameters' values once (`ONCE`) or many times (`MANY`)."""


class RecordedConnection(Connection):
    """A connection whose statements can be observed within a block."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watcher: StatementRecorder | None = None

    @property
    def watcher(self) -> StatementRecorder | None:
        """The watcher of the next statement; None where the statement isn't a script's."""
        return None if self._watcher is None or self._watcher.busy else self._watcher

    @asynccontextmanager
    async def observed(self, watch: Recording) -> AsyncIterator[None]:
        """Notes every statement on this connection for as long as the block lasts."""
        outer, self._watcher = self._watcher, StatementRecorder(self, watch)
        watcher = self._watcher
        try:
            await watcher.begin()
            yield
            await watcher.settle()
        finally:
            self._watcher = outer

    @awaited
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - asyncpg's
        """Runs SQL as the driver's `execute` does, observed; several statements in one text run one after the other."""
        watcher, run = self.watcher, functools.partial(super().execute, timeout=timeout)
        if watcher is None:
            return str(await run(query, *args))
        watcher.sent.append(_message("fetch", query, args))
        together = [] if args else split(query)
        if len(together) < 2:
            return str(await _send(watcher, query, functools.partial(run, query, *args)))
        done = None
        for each in together:
            done = await _send(watcher, each.text, functools.partial(run, each.text), TextPart(query, each.start))
        return str(done)

    async def prepare(self, query: str, **kwargs: Any) -> Any:
        """Prepares a statement as the driver does; runs of the statement are observed as well."""
        watcher, run = self.watcher, functools.partial(super().prepare, query, **kwargs)
        if watcher is None:
            return await run()
        watcher.sent.append(None)
        return _Prepared(watcher, await watcher.prepare(query, run))

    def cursor(self, query: str, *args: Any, **kwargs: Any) -> Any:
        """Returns a cursor as the driver does, observed as well."""
        watcher, found = self.watcher, super().cursor(query, *args, **kwargs)
        if watcher is None:
            return found
        watcher.sent.append(None)
        return _Cursor(watcher, query, found)


@asynccontextmanager
async def kept_inside(connection: Connection, schema: str) -> AsyncIterator[None]:
    """Keeps what an observed connection does outside Sartor's transactions inside its database, within the block.

    Raises BeyondDatabase where a statement would change more than its database.
    """
    assert isinstance(connection, RecordedConnection)  # noqa: S101 - for the type checker
    async with connection.observed(Recording(Known({}, schema, counts=True), lambda _sent: None)):
        yield


def _observed(name: str) -> Any:
    """Returns the connection's method of this name, observed; its first argument is a statement or a table to copy."""
    original = getattr(Connection, name)

    async def observed(self: RecordedConnection, query: str, *args: Any, **kwargs: Any) -> Any:
        watcher, run = self.watcher, functools.partial(original, self, query, *args, **kwargs)
        if watcher is None:
            return await run()
        watcher.sent.append(_message(name, query, args))
        return await watcher.run(COPIES.get(name, "{}").format(query), run)

    return awaited(functools.wraps(original)(observed))


for method in METHODS:
    setattr(RecordedConnection, method, _observed(method))


class _Prepared:
    """A prepared statement of an observed connection."""

    def __init__(self, watcher: StatementRecorder, statement: Any) -> None:
        self._watcher = watcher
        self._statement = statement

    def __getattr__(self, name: str) -> Any:
        found, query = getattr(self._statement, name), self._statement.get_query()
        if name in METHODS:
            return lambda *args, **kwargs: self._watcher.run(query, functools.partial(found, *args, **kwargs))
        if name == "cursor":
            return lambda *args, **kwargs: _Cursor(self._watcher, query, found(*args, **kwargs))
        return found


class _Cursor:
    """A cursor of an observed connection; it can be awaited or iterated over."""

    def __init__(self, watcher: StatementRecorder, query: str, cursor: Any) -> None:
        self._watcher = watcher
        self._query = query
        self._cursor = cursor

    def __await__(self) -> Generator[Any, None, Any]:
        return self._open().__await__()

    async def _open(self) -> Any:
        await self._watcher.announce(self._query)
        return await self._cursor

    async def __aiter__(self) -> AsyncIterator[Any]:
        await self._watcher.announce(self._query)
        async for row in self._cursor:
            yield row


def _message(method: str, query: str, args: tuple[Any, ...]) -> Message | None:
    """Returns the message that a method sends with these arguments; None where it is more than SQL."""
    if method in ONCE:
        return Message(query, (args,) if args else ())
    match args:
        case ([_, *_] as rows,) if method in MANY:
            return Message(query, tuple(tuple(row) for row in rows))
        case _:
            return None


async def _send(watcher: StatementRecorder, query: str, run: Run, sent: TextPart | None = None) -> Any:
    statement = Statement(query)
    if statement.controls_transaction or statement.is_savepoint:
        return await watcher.control(statement, run)
    return await watcher.run(query, run, sent)
