"""Observes a transaction between its statements: what each has locked, rewritten, scanned and changed.

The looks are queries on the same connection: only there can the uncommitted work of the transaction be seen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from sartor.domain.hazards.hazard import Lock, RehearsedStatement, together
from sartor.domain.rehearsal import Message
from sartor.footprint import footprint
from sartor.footprint.dependencies import all_bodies, bodies
from sartor.footprint.footprint import Changes, Footprint, Relations, Trace, read_footprint, read_relations
from sartor.footprint.row_losses import Known, LossCollector, RowLosses
from sartor.postgres.driver.connection import GRACE, Connection
from sartor.postgres.driver.refused import BeyondDatabase
from sartor.postgres.errors import NOT_IN_A_TRANSACTION
from sartor.postgres.journal import TOUCHED, beyond
from sartor.sql.changes import may_fork
from sartor.sql.statements import Kind, Statement


class TextPart(NamedTuple):
    """A text of several statements that a script sends in one message, and the offset at which one of them begins."""

    text: str
    start: int


LONGEST_LOOP = 20
"""The most statements of a loop's body that are noted once, however often the loop runs."""
Where = Callable[[TextPart | None], int | None]
"""Returns the line of the script that is running; of several statements sent together, the line of the one given."""
Run = Callable[[], Awaitable[Any]]


@dataclass(slots=True)
class Recording:
    """A watch over the relations that were `known` before the run; `notes` collects the statements.

    `sent` collects what the script sent, None for what is more than SQL.
    """

    known: Known
    where: Where
    notes: list[RehearsedStatement] = field(default_factory=list)
    sent: list[Message | None] = field(default_factory=list)

    def note(
        self,
        current: Current,
        step: Changes = Changes(),  # noqa: B008 - immutable
        toll: RowLosses = RowLosses(),  # noqa: B008 - immutable
        *,
        held: tuple[Lock, ...] = (),
        error: str | None = None,
        in_doubt: bool = False,
    ) -> None:
        """Notes a statement; a run of statements that repeats the one before it, as in a loop, is noted once."""
        # It removes the rows of every table it locks, under another lock than statements that change some.
        empties = Statement(current.query).kind is Kind.TRUNCATE
        found = RehearsedStatement(
            sql=current.query,
            line=current.line,
            locks=step.locks,
            held=held,
            rewrites=step.rewrites,
            scans=step.scans,
            builds=step.builds,
            writes=tuple(lock.relation for lock in step.locks) if empties else step.writes,
            rows=step.changed if self.known.counts or step.changed else None,
            ms=current.ms,
            error=error,
            in_doubt=in_doubt,
            losses=toll.losses,
            refusals=toll.refusals,
            partitioned=step.partitioned,
        )
        self.notes.append(found)
        for length in range(1, min(LONGEST_LOOP, len(self.notes) // 2) + 1):
            earlier, again = self.notes[-2 * length : -length], self.notes[-length:]
            if all(each.is_like(other) for each, other in zip(earlier, again, strict=True)):
                self.notes[-2 * length :] = [each.joined(other) for each, other in zip(earlier, again, strict=True)]
                return


@dataclass(slots=True)
class Current:
    """The statement whose effects the next look shows; `ms` is the time that it has taken so far, in milliseconds."""

    query: str
    line: int | None = None
    ms: float = 0.0


class StatementRecorder:
    """A watcher that notes what is `sent` on one connection; `busy` while that isn't the script's."""

    def __init__(self, connection: Connection, watch: Recording) -> None:
        self.busy, self.sent = False, watch.sent
        self._has_begun = False
        self._connection = connection
        self._watch = watch
        self._current: Current | None = None
        self._refused: BeyondDatabase | None = None
        self._before: Footprint = {}
        self._files: dict[int, int] = {}
        self._collector = LossCollector(connection, watch.known)

    async def begin(self) -> None:
        """Reads the state before the next statement, where a transaction or a savepoint begins or ends."""
        async with self._looking():
            relations = await read_relations(self._connection, self._watch.known.schema)
            counters = read_footprint(await self._connection.fetch(footprint.COUNTERS))
            self._files = {oid: relation.file for oid, relation in relations.items()}
            self._before = counters | await self._look()
            await self._collector.begin()

    async def settle(self) -> None:
        """Notes the current statement, if there is one, with all that it has done so far.

        Raises BeyondDatabase where a transaction may not go on, and again where the script has caught it.
        """
        current, self._current = self._current, None
        if self._refused is not None:
            raise self._refused
        if current is not None:
            async with self._looking():
                await self._note(current)

    async def _note(self, current: Current) -> None:
        await self._keep_inside(current)
        before, known = self._before, self._watch.known.relations
        after = await self._look()
        step = footprint.changes_between(before, after, known, self._files)
        # Locks that a savepoint released aren't held any more; the counters of relations seen before stay.
        self._before = {oid: trace._replace(modes=frozenset()) for oid, trace in before.items()} | after
        dropped = [oid for oid, trace in after.items() if trace.relation is None and oid in self._files]
        bodies = await all_bodies(self._connection, current.query)
        toll = await self._collector.collect(current.query, bodies, step, before, after, dropped)
        self._files |= {oid: trace.relation.file for oid, trace in after.items() if trace.relation is not None}
        for oid in dropped:
            del self._files[oid]
        modes = {oid: trace.modes for oid, trace in before.items()}
        in_doubt = bool(step.scans) and await self._is_in_doubt(current.query, queried=step.queried)
        self._watch.note(current, step, toll, held=footprint.locks_on(known, modes, modes), in_doubt=in_doubt)

    async def announce(self, query: str) -> None:
        """Makes this the current statement: everything done until the next one counts as its effect."""
        await self._catch_up()
        await self.settle()
        self._current = Current(query, self._watch.where(None))

    async def _catch_up(self) -> None:
        """Reads the state that `control` has left unread."""
        if self._has_begun:
            self._has_begun = False
            await self.begin()

    async def control(self, statement: Statement, run: Run) -> Any:
        """Runs a statement that begins or ends a transaction or a savepoint, or says how the transaction isolates.

        What begins a transaction leaves the state unread until the next statement: SET TRANSACTION comes before any
        query.
        """
        await self.settle()
        with self._aside():
            result = await run()
        if statement.kind in {Kind.BEGIN, Kind.START} or (self._has_begun and statement.starts("set transaction")):
            self._has_begun = True
        else:
            self._has_begun = False
            await self.begin()
        return result

    async def run(self, query: str, run: Run, sent: TextPart | None = None) -> Any:
        """Runs and notes a statement, in a transaction of its own where there is none, which releases its locks."""
        if self._has_begun and (statement := Statement(query)).starts("set transaction"):
            return await self.control(statement, run)
        await self._catch_up()
        if self._connection.is_in_transaction():
            return await self.prepare(query, run, sent, goes_on=False)
        try:
            async with self._transaction():
                return await self.prepare(query, run, sent, goes_on=False)
        except NOT_IN_A_TRANSACTION:
            self._watch.notes.pop()
        if self._connection.confined and not Statement(query).stays_in_database:
            self._refuse(Current(query, self._watch.where(sent)), BeyondDatabase(query))
        return await self._run_bare(query, run, sent)

    async def prepare(self, query: str, run: Run, sent: TextPart | None = None, *, goes_on: bool = True) -> Any:
        """Runs a statement, or its first part where it `goes_on`: that part is noted with the rest."""
        await self._catch_up()
        if self._current is None or self._current.query != query:
            await self.settle()
            self._current = Current(query)
        current, began = self._current, time.perf_counter()
        current.line = self._watch.where(sent)
        try:
            with self._aside():
                result = await run()
        except BaseException as error:  # a cancelled statement is noted too
            self._current = None
            self._watch.note(current, error=str(error) or type(error).__name__)
            raise
        current.ms += (time.perf_counter() - began) * 1000
        if not goes_on:
            await self.settle()
        return result

    async def _keep_inside(self, current: Current) -> None:
        if not self._connection.confined or not self._connection.is_in_transaction():
            return
        if (touched := await self._connection.fetchval(f"select {TOUCHED}")) is not None:
            self._refuse(current, BeyondDatabase(current.query, beyond(touched)))

    def _refuse(self, current: Current, error: BeyondDatabase) -> NoReturn:
        self._refused = error
        self._watch.note(current, error=str(error))
        raise error

    async def _look(self) -> dict[int, Trace]:
        if not self._connection.is_in_transaction():
            return {}
        return read_footprint(await self._connection.fetch(footprint.LOOK, self._watch.known.schema))

    async def _is_in_doubt(self, query: str, *, queried: bool) -> bool:
        """Returns whether a statement might do something else where there are rows; `queried` as in `may_fork`."""
        return not self._watch.known.counts and may_fork(query, await bodies(self._connection, query), queried=queried)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        was, self.busy = self.busy, True
        try:
            yield
        finally:
            self.busy = was

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[None]:
        with self._aside():
            async with self._connection.fenced():
                yield

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        transaction = self._connection.transaction()
        with self._aside():
            await transaction.start()
        try:
            await self.begin()
            yield
        except BaseException as error:  # a cancelled script is rolled back too
            # A statement may pass over a cancel: then the run cuts the connection.
            with self._aside(), suppress(TimeoutError):
                async with asyncio.timeout(None if isinstance(error, Exception) else GRACE):
                    await transaction.rollback()
            raise
        with self._aside():
            await transaction.commit()
        self._before = {}

    async def _run_bare(self, query: str, run: Run, sent: TextPart | None) -> Any:
        """Runs and notes a statement that refuses a transaction."""
        began = time.perf_counter()
        with self._aside():
            result = await run()
        current = Current(query, self._watch.where(sent), (time.perf_counter() - began) * 1000)
        async with self._looking():
            now = await read_relations(self._connection, self._watch.known.schema)
            in_doubt = await self._is_in_doubt(query, queried=True)  # whether it has queried rows can't be seen here
            toll = await self._toll_of_bare(query, now)
        step = footprint.changes_of_bare(query, now, self._watch.known.relations, self._files)
        self._files = {oid: relation.file for oid, relation in now.items()}
        self._watch.note(current, step, toll, in_doubt=in_doubt)
        return result

    async def _toll_of_bare(self, query: str, now: Relations) -> RowLosses:
        known, collector = self._watch.known.relations, self._collector
        built = {now[oid].table for oid in now.keys() - self._files.keys() if now[oid].table is not None}
        oids = (
            list(known)
            if Statement(query).runs_code  # it may have ended transactions itself: anything may have changed
            else [oid for oid in built if oid is not None and oid in known]
        )
        found = await collector.changed(query, oids, [known[oid].name for oid in oids])
        dropped = collector.dropped(self._files.keys() - now.keys())
        emptied = await collector.said(query, await all_bodies(self._connection, query), now, {}, {})
        # Rows that an index holds can't be refused where it is built again.
        refused = () if Statement(query).kind is Kind.REINDEX else found.refusals
        return RowLosses(together((*dropped, *found.losses, *emptied)), refused)
