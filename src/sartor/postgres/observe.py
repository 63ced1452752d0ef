"""A connection that watches what each statement of a script does, and hands over every one as a value.

It looks at its own transaction before and after each: at its locks, at the files of the relations, at the counters of
scans and rows. The looks are statements of their own between those of the script.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import asyncpg

from sartor.domain import sql
from sartor.domain.hazard import MODES, Lock, Statement
from sartor.postgres.connection import Connection, awaited
from sartor.postgres.footprint import (
    COUNTERS,
    LOOK,
    Look,
    Relations,
    Step,
    Trace,
    builds,
    compare,
    locks_on,
    moved_files,
    names,
    read_look,
    read_relations,
    tables_of,
)

Where = Callable[[], int | None]
"""Says which line of the script is at work, while it calls."""

EMPTIES = "truncate"
"""The statement that gives a table a new file and needs no time for it."""


@dataclass(slots=True)
class Watch:
    """What is watched: the relations that were `known` before the run, in `schema`; `notes` takes the statements.

    `counts` says that there are rows to count: in an empty copy, none that were changed isn't none.
    """

    known: Relations
    schema: str
    where: Where
    counts: bool
    notes: list[Statement] = field(default_factory=list)


@dataclass(slots=True)
class _Current:
    """The statement whose doings the next look will show; the time that it has had until now, in ms."""

    query: str
    line: int | None = None
    ms: float = 0.0


class ObservedConnection(Connection):
    """A connection that can be observed for a while."""

    __slots__ = ("_before", "_current", "_files", "_looking", "_watch")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watch: Watch | None = None
        self._current: _Current | None = None
        self._looking = False
        self._before: Look = {}
        self._files: dict[int, int] = {}

    @asynccontextmanager
    async def observed(self, watch: Watch) -> AsyncIterator[None]:
        """The time in which every statement on this connection is noted."""
        with self._aside():
            relations = await read_relations(self, watch.schema)
        self._files = {oid: relation.file for oid, relation in relations.items()}
        self._watch, self._current = watch, None
        await self._begin_looking()
        try:
            yield
            await self._settle()
        finally:
            self._watch = self._current = None

    def _aside(self) -> _Aside:
        return _Aside(self)

    @property
    def _watched(self) -> bool:
        return self._watch is not None and not self._looking

    async def _begin_looking(self) -> None:
        with self._aside():
            self._before = read_look(await self.fetch(COUNTERS)) | await self._look()

    async def _look(self) -> dict[int, Trace]:
        with self._aside():
            return read_look(await self.fetch(LOOK)) if self.is_in_transaction() else {}

    async def _settle(self) -> None:
        """Note the statement under way, if there is one, with all that it has done until now."""
        current, self._current = self._current, None
        if current is None or self._watch is None:
            return
        before, known = self._before, self._watch.known
        after = await self._look()
        step = compare(before, after, known, self._files)
        # What a savepoint gave back isn't held any more; the counters of what was there before stay.
        self._before = {oid: trace._replace(modes=frozenset()) for oid, trace in before.items()} | after
        self._files |= {oid: trace.relation.file for oid, trace in after.items() if trace.relation is not None}
        modes = {oid: trace.modes for oid, trace in before.items()}
        self._note(current, step, locks_on(known, modes, modes))

    def _note(self, current: _Current, step: Step, held: tuple[Lock, ...], error: str | None = None) -> None:
        assert self._watch is not None  # noqa: S101 - for the type checker
        notes = self._watch.notes
        empties = current.query.lstrip().lower().startswith(EMPTIES)
        found = Statement(
            sql=current.query,
            line=current.line,
            locks=step.locks,
            held=held,
            rewrites=() if empties else step.rewrites,
            scans=() if empties else step.scans,
            builds=() if empties else step.builds,
            rows=step.changed if self._watch.counts or step.changed else None,
            ms=current.ms,
            error=error,
        )
        if notes and notes[-1].is_like(found):
            notes[-1] = notes[-1].joined(found)
        else:
            notes.append(found)

    async def watch(self, query: str, run: Callable[[], Awaitable[Any]], *, goes_on: bool = False) -> Any:
        """Run a statement and note it; one that `goes_on`, as a prepared one does, is noted when the next one comes."""
        assert self._watch is not None  # noqa: S101 - for the type checker
        if self._current is None or self._current.query != query:
            await self._settle()
            self._current = _Current(query)
        current, began = self._current, time.perf_counter()
        current.line = self._watch.where()
        try:
            with self._aside():
                result = await run()
        except BaseException as error:
            self._current = None
            self._note(current, _NO_STEP, (), str(error) or type(error).__name__)
            raise
        current.ms += (time.perf_counter() - began) * 1000
        if not goes_on:
            await self._settle()
        return result

    @awaited
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - asyncpg's
        """As the driver's; several statements in one text are run one after the other."""
        run: Any = functools.partial(super().execute, timeout=timeout)
        if not self._watched:
            return await run(query, *args)  # type: ignore[no-any-return]
        if sql.transaction_control(query) or _is_savepoint(query):
            await self._settle()
            result: str = await run(query, *args)
            await self._begin_looking()
            return result
        result = ""
        for text in [query] if args else [statement.text for statement in sql.split(query)] or [query]:
            result = await self.one(text, functools.partial(run, text, *args))
        return result

    async def one(self, query: str, run: Callable[[], Awaitable[Any]]) -> Any:
        """Run a statement, in a transaction of its own where the script has none: its locks are gone by its end."""
        if self.is_in_transaction():
            return await self.watch(query, run)
        try:
            async with self.transaction_aside():
                return await self.watch(query, run)
        except asyncpg.ActiveSQLTransactionError:
            assert self._watch is not None  # noqa: S101 - for the type checker
            self._watch.notes.pop()
        return await self._run_bare(query, run)

    @asynccontextmanager
    async def transaction_aside(self) -> AsyncIterator[None]:
        """A transaction that isn't the script's."""
        transaction = self.transaction()
        with self._aside():
            await transaction.start()
        await self._begin_looking()
        try:
            yield
        except BaseException:
            with self._aside():
                await transaction.rollback()
            raise
        with self._aside():
            await transaction.commit()
        self._before = {}

    async def _run_bare(self, query: str, run: Callable[[], Awaitable[Any]]) -> Any:
        """Run what refuses a transaction. Its locks are gone by its end: they are those that the manual names."""
        assert self._watch is not None  # noqa: S101 - for the type checker
        watch = self._watch
        with self._aside():
            began = time.perf_counter()
            result = await run()
            current = _Current(query, watch.where(), (time.perf_counter() - began) * 1000)
            now = await read_relations(self, watch.schema)
        built, tables = builds(now, watch.known, self._files), names(moved_files(now, self._files), watch.known)
        touched = tables or (
            *(build.table for build in built),
            *tables_of(self._files.keys() - now.keys(), watch.known),
        )
        self._files = {oid: relation.file for oid, relation in now.items()}
        locks = tuple(Lock(table, MODES[7] if tables else MODES[3]) for table in dict.fromkeys(touched))
        self._note(current, Step(locks, tables, (), built, 0), ())
        return result

    async def prepare(self, query: str, **kwargs: Any) -> Any:
        """As the driver's, with a statement that is observed as well."""
        if not self._watched:
            return await super().prepare(query, **kwargs)
        original = super().prepare
        statement = await self.watch(query, lambda: original(query, **kwargs), goes_on=True)
        return _Prepared(self, statement)

    def cursor(self, query: str, *args: Any, **kwargs: Any) -> Any:
        """As the driver's, observed as well."""
        found = super().cursor(query, *args, **kwargs)
        return _Cursor(self, query, found) if self._watched else found

    async def begin(self, query: str) -> None:
        """Take what comes until the next statement for this one's doing."""
        if self._watch is not None:
            await self._settle()
            self._current = _Current(query, self._watch.where())


class _Aside:
    """The time in which a connection's statements are the observer's, or were noted already."""

    def __init__(self, connection: ObservedConnection) -> None:
        self._connection = connection
        self._was = False

    def __enter__(self) -> None:
        self._was, self._connection._looking = self._connection._looking, True  # noqa: SLF001

    def __exit__(self, *_: object) -> None:
        self._connection._looking = self._was  # noqa: SLF001


class _Prepared:
    """A prepared statement of an observed connection."""

    def __init__(self, connection: ObservedConnection, statement: Any) -> None:
        self._connection = connection
        self._statement = statement

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._statement, name)
        query = self._statement.get_query()
        if name in {"fetch", "fetchval", "fetchrow", "fetchmany", "executemany"}:
            return lambda *args, **kwargs: self._connection.one(query, lambda: found(*args, **kwargs))
        if name == "cursor":
            return lambda *args, **kwargs: _Cursor(self._connection, query, found(*args, **kwargs))
        return found


class _Cursor:
    """A cursor of an observed connection: to be awaited or iterated over."""

    def __init__(self, connection: ObservedConnection, query: str, cursor: Any) -> None:
        self._connection = connection
        self._query = query
        self._cursor = cursor

    def __await__(self) -> Generator[Any, None, Any]:
        return self._open().__await__()

    async def _open(self) -> Any:
        await self._connection.begin(self._query)
        return await self._cursor

    async def __aiter__(self) -> AsyncIterator[Any]:
        await self._connection.begin(self._query)
        async for row in self._cursor:
            yield row


def _observed(name: str) -> Any:
    """The connection's method of this name, observed. Its first argument is its statement, or the table it copies."""
    original = getattr(Connection, name)

    async def observed(self: ObservedConnection, query: str, *args: Any, **kwargs: Any) -> Any:
        def run() -> Awaitable[Any]:
            return original(self, query, *args, **kwargs)  # type: ignore[no-any-return]

        if not self._watched:
            return await run()
        return await self.one(_as_sql(name, query), run)

    return awaited(functools.wraps(original)(observed))


def _as_sql(method: str, query: str) -> str:
    match method:
        case "copy_to_table" | "copy_records_to_table":
            return f"copy {query} from stdin"
        case "copy_from_table":
            return f"copy {query} to stdout"
        case "copy_from_query":
            return f"copy ({query}) to stdout"
        case _:
            return query


for each in (
    "fetch",
    "fetchval",
    "fetchrow",
    "fetchmany",
    "executemany",
    "copy_from_query",
    "copy_from_table",
    "copy_to_table",
    "copy_records_to_table",
):
    setattr(ObservedConnection, each, _observed(each))

_NO_STEP = Step((), (), (), (), 0)


def _is_savepoint(query: str) -> bool:
    return query.lstrip().lower().startswith(("savepoint", "release", "rollback"))


def line_in(file: str) -> int | None:
    """The line of `file` that is at work now, counted from 1; None where it isn't part of what is."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - a traceback's frame, before there is one
    while frame is not None:
        if frame.f_code.co_filename == file:
            return frame.f_lineno
        frame = frame.f_back
    return None
