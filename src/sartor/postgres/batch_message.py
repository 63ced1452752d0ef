"""Runs many events in one message: each in its own transaction, with its claim and its record, one after another.

The server stops at the first error and skips the rest (the manual's chapter 55.2.2.1, Multiple Statements in a Simple
Query). Marks between the parts report how far it has come: the server sends an INFO at once, whatever
`client_min_messages` says, and an error alone doesn't say which statement it belongs to. Each mark costs both sides a
message (100 µs), so a COMMIT and the claim behind it share one, as does a brief script with both: which of its
statements failed is known once it is run by itself. The end of the whole message reports the last COMMIT.

What the scripts have in common (settings, the claim and the record as prepared statements) is set once, at the head of
the message, and taken back at its end; all is reset and set again behind a script that may have left something in the
session, not behind one that only makes or drops objects. A pooler lends its session: a message that fails would leave
the settings to other clients, so there each transaction sets its own.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg

from sartor.postgres.driver.connection import GRACE, Connection
from sartor.postgres.driver.fence import CLEANING, CLEARING, limit_lock_timeout
from sartor.postgres.journal import NewEvent, Phase, claim_sql, prepare_sql, record_sql
from sartor.postgres.session_settings import SessionSettings, set_for_claims
from sartor.sql.quoting import quote_comment
from sartor.sql.splitting import may_lift_lock_timeout

Told = Callable[[int, float], None]
"""Takes the number of an event of the batch that is committed, and its duration in milliseconds."""

Heard = Callable[[int, str, str], None]
"""Takes the number of an event of the batch, and the severity and the text of what the server says of its script."""

End = Callable[[], Awaitable[bool]]
"""Asks the server to end the batch's session; returns whether the server was asked."""

_END = "\n;\n"
"""The end of a script's statement, on lines of its own: that may end in a comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """An event of a batch, its settings, and its script's SQL statements, as they would be sent one by one.

    A `quiet` script leaves the session as it was, and fires no trigger; a `brief` one is quiet, and takes no time.
    """

    event: NewEvent
    settings: SessionSettings
    statements: tuple[str, ...]
    quiet: bool
    brief: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the message: of which item (an index), in which phase, which of the script's statements (an index).

    `number` is None for a brief script as a whole, with its COMMIT. `start` is the place in the message where it
    begins, in characters.
    """

    item: int
    phase: Phase
    number: int | None
    start: int
    text: str

    @property
    def commits(self) -> bool:
        return self.phase is Phase.COMMIT or self.number is None


class BatchMessage:
    """Items of one kind of event, to be sent in one message; its marks begin with `mark`.

    `committed` counts the items that are known to be committed; `took` are the milliseconds that the item under way had
    taken when the message failed.
    """

    def __init__(self, connection: Connection, items: Sequence[BatchItem], mark: str) -> None:
        self.items = items
        self.committed = 0
        self.took = 0.0
        self._connection = connection
        common = "" if connection.pooled else set_for_claims(items[0].settings)
        # In a transaction of its own: outside of one it would belong to the next BEGIN's, which would then have the
        # defaults of this one, such as its isolation level.
        self._cleaning = f"begin;{CLEARING}{connection.kept}{common}commit;"
        self._mark = f"{mark}{secrets.token_hex(6)}"
        self._marking = f"do $$begin raise info '{self._mark}'; end$$;"
        self._parts: list[_Part] = []
        self._claims: list[int] = []
        self._texts: list[str] = []
        self._length = 0
        self._at = -1
        self._since = time.monotonic()
        # `pg_stat_activity` and the log show this first, with a mark: the monitor finds the session by its beginning.
        first = quote_comment(items[0].event.about.name) if items[0].event.about else ""
        self._prepared = f"sartor_{secrets.token_hex(6)}"
        prepared = prepare_sql(items[0].event.kind, items[0].settings, self._prepared)
        self._add(f"/* {first} and {len(items) - 1} more */ {self._marking}begin;{prepared}{common}commit;")
        for number, item in enumerate(items):
            self._compose(number, item)
        # Statements that Sartor keeps prepared stay, where no script may have prepared one.
        self._cleans = connection.pooled or not all(item.quiet for item in items)
        own = f"deallocate {self._prepared}_claim;deallocate {self._prepared}_record;"
        self._add(CLEANING if self._cleans else CLEARING + own)

    @property
    def begun(self) -> bool:
        """True where the server has run any of the message; a syntax error anywhere in it prevents that."""
        return self._at >= 0

    @property
    def phase(self) -> Phase:
        """The phase that the server was last known to be in; from a COMMIT it may have reached the claim behind it."""
        return self._part.phase if self._part else Phase.CLAIM

    @property
    def statement(self) -> int | None:
        """The index of the script's statement that the server was at, or None where that isn't known, or was none."""
        return self._part.number if self._part and self._part.phase is Phase.SCRIPT else None

    @property
    def commits(self) -> bool:
        """True where the server may have committed the event under way, and gone on to the claim behind it."""
        return self._part is not None and self._part.commits

    @property
    def is_vague(self) -> bool:
        """True where an error may be of any statement of a script, or of its COMMIT."""
        return self._part is not None and self._part.number is None

    @property
    def _part(self) -> _Part | None:
        return self._parts[self._at] if 0 <= self._at < len(self._parts) else None

    async def send(self, told: Told, heard: Heard, end: End) -> None:
        """Sends the message, and calls `told` for each event once it is committed, `heard` for what the server says.

        Where sending is given up, `end` ends the session. Raises the driver's errors: an error's `query` and `position`
        are then those of the part that it belongs to. Afterwards the session is reset, or its connection is cut.
        """
        connection, marks = self._connection, asyncio.Queue[tuple[str, str] | None]()
        with connection.informing(lambda severity, text: marks.put_nowait((severity, text))):
            text, self._texts = "".join(self._texts), []
            sending = asyncio.create_task(connection.send(text, cleans=self._cleans))
            sending.add_done_callback(lambda _: marks.put_nowait(None))
            try:
                while (mark := await marks.get()) is not None:
                    self._take(mark, told, heard)
                await sending
                while self.committed < len(self.items):  # the whole message was answered
                    self.confirm(told)
            except BaseException as error:  # a cancelled run must know what was committed too
                self.took = (time.monotonic() - self._since) * 1000
                await _stop(sending, end)
                await connection.undo()
                while not marks.empty():
                    if mark := marks.get_nowait():
                        self._take(mark, told, heard)
                self._place(error)
                raise
            finally:
                connection.statement = None

    def confirm(self, told: Told) -> None:
        """Counts the event under way as committed and calls `told`; the next event's claim is under way then."""
        before, self._since = self._since, time.monotonic()
        self.committed += 1
        self._at = self._claims[self.committed] if self.committed < len(self.items) else len(self._parts)
        told(self.committed - 1, (self._since - before) * 1000)

    def _compose(self, number: int, item: BatchItem) -> None:
        self._claims.append(len(self._parts))
        event, settings, quiet, name = item.event, item.settings, item.quiet, self._prepared
        claim = claim_sql(event, settings, prepared=name, shared=not self._connection.pooled, quiet=quiet)
        self._add_part(number, Phase.CLAIM, 0, f"begin;{claim}")
        self._add(self._marking)
        record = record_sql(event, settings, prepared=name, quiet=quiet) + "commit;"
        if item.brief:
            self._add_part(number, Phase.SCRIPT, None, _END.join(item.statements))
            self._add(_END + record)
            return
        for i, statement in enumerate(item.statements):
            self._add_part(number, Phase.SCRIPT, i, statement)
            self._add(_END)
            if settings.lock_timeout and may_lift_lock_timeout(statement):
                self._add(limit_lock_timeout(settings.lock_timeout, local=True))
            self._add(self._marking)
        self._add_part(number, Phase.COMMIT, 0, record)
        if not quiet:
            self._add(self._cleaning)

    def _add_part(self, item: int, phase: Phase, number: int | None, text: str) -> None:
        self._parts.append(_Part(item, phase, number, self._length, text))
        self._add(text)

    def _add(self, text: str) -> None:
        self._texts.append(text)
        self._length += len(text)

    def _take(self, message: tuple[str, str], told: Told, heard: Heard) -> None:
        """Takes a mark: the part under way is done, and the next one begins. Passes on what isn't a mark."""
        if message[1] != self._mark:
            if (part := self._part) and part.phase is not Phase.CLAIM:
                heard(part.item, *message)
            return
        connection = self._connection
        connection.end_statement()
        if self.commits:
            self.confirm(told)
        connection.since = time.monotonic()
        if not self.begun:
            self._since = connection.since
        self._at += 1
        connection.statement = self._part.text if self._part else None

    def _place(self, error: BaseException) -> None:
        """Sets the `query` and `position` of an error from the server to those of the part under way."""
        part = self._part
        if part is None or not isinstance(error, asyncpg.PostgresError):
            return
        item, text = self.items[part.item], part.text
        if part.phase is not Phase.SCRIPT:
            # The same text as for a script by itself: an EXECUTE of a prepared name says nothing.
            text = (claim_sql if part.phase is Phase.CLAIM else record_sql)(item.event, item.settings)
        error.query = text  # type: ignore[attr-defined]  # the driver puts it there
        if error.position is not None:
            place = int(error.position) - part.start
            error.position = str(place) if part.phase is Phase.SCRIPT and 0 < place <= len(text) else None


async def _stop(sending: asyncio.Task[None], end: End) -> None:
    """Gives the message up; where the server is still working on it, `end` ends the session.

    A cancel isn't enough: where it ends only a COMMIT's wait for a standby, or a statement swallows it, the server goes
    on with the next script. A cancel is the last resort, where the server couldn't be asked.
    """
    if not sending.done() and await end():
        await asyncio.wait([sending], timeout=GRACE)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
