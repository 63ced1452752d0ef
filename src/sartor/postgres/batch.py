"""Many events in one message: each its own guarded transaction, and the next one's behind it.

The server stops at the first error and skips the rest (the manual's chapter 55.2.2.1, Multiple Statements in a Simple
Query). How far it has come is told by marks between the parts: an INFO is sent at once and whatever
`client_min_messages` says, and errors alone don't say which statement they are of. Each is a message of its own for
both sides, so a COMMIT and the claim behind it share one, and the end of all tells of the last COMMIT.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg

from sartor.domain.quoting import quote_comment
from sartor.postgres.connection import CLEANING, CLEARING, GRACE, Connection
from sartor.postgres.guard import NewEvent, Phase, closing, opening, preparing
from sartor.postgres.pins import Pins

Told = Callable[[int, float], None]
"""Takes the number of an event of the batch that is committed, and the milliseconds that it took."""

End = Callable[[], Awaitable[bool]]
"""Has the server end the batch's session, and says whether it was told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """An event of a batch, its settings, and the SQL of its script, as it would be sent piece by piece."""

    event: NewEvent
    pins: Pins
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the message: whose, in which phase, which of its statements, from where."""

    piece: int
    phase: Phase
    number: int
    start: int
    text: str


class Batch:
    """Pieces of one kind in one message, whose marks begin with `mark`; `kept` is the connection's.

    `committed` counts those that are known to be committed.
    """

    def __init__(self, pieces: Sequence[Piece], mark: str, kept: str) -> None:
        self.pieces = pieces
        self.committed = 0
        self._cleared = f"begin;{CLEARING}{kept}commit;"
        self._mark = f"{mark}{secrets.token_hex(6)}"
        self._marking = f"do $$begin raise info '{self._mark}'; end$$;"
        self._parts: list[_Part] = []
        self._claims: list[int] = []
        self._texts: list[str] = []
        self._length = 0
        self._at = -1
        self._since = time.monotonic()
        # What `pg_stat_activity` and the log show first, with a mark: by its beginning the lookout finds the session.
        first = quote_comment(pieces[0].event.about.name) if pieces[0].event.about else ""
        self._prepared = f"sartor_{secrets.token_hex(6)}"
        prepared = preparing(pieces[0].event.kind, pieces[0].pins, self._prepared)
        self._add(f"/* {first} and {len(pieces) - 1} more */ {self._marking}begin;{prepared}commit;")
        for number, piece in enumerate(pieces):
            self._compose(number, piece)
        self._add(CLEANING)

    @property
    def begun(self) -> bool:
        """Whether the server has run any of it: a mistake in its syntax, wherever it is, keeps it from that."""
        return self._at >= 0

    @property
    def phase(self) -> Phase:
        """What the server was last known to be at; where that is a COMMIT, it may be the claim behind it by now."""
        return self._part.phase if self._part else Phase.CLAIM

    @property
    def statement(self) -> int | None:
        """The number of the script's statement that it was at, None where that wasn't a script's."""
        return self._part.number if self._part and self._part.phase is Phase.SCRIPT else None

    @property
    def _part(self) -> _Part | None:
        return self._parts[self._at] if 0 <= self._at < len(self._parts) else None

    async def send(self, connection: Connection, told: Told, end: End) -> None:
        """Send it, and tell of each event once it is committed; where it is given up, `end` the session.

        Raises what the driver raises: an error's `query` and `position` are then those of the part that it is of. The
        session is as new afterwards, or cut.
        """
        marks: asyncio.Queue[str | None] = asyncio.Queue()
        with connection.informing(marks.put_nowait):
            text, self._texts = "".join(self._texts), []
            sending = asyncio.create_task(connection.send(text))
            sending.add_done_callback(lambda _: marks.put_nowait(None))
            try:
                while (mark := await marks.get()) is not None:
                    self._take(mark, connection, told)
                await sending
                self._end(told)
            except BaseException as error:
                await _stop(sending, end)
                await connection.undo()
                while not marks.empty():
                    if mark := marks.get_nowait():
                        self._take(mark, connection, told)
                self._place(error)
                raise
            finally:
                connection.statement = None

    def confirm(self, told: Told) -> None:
        """The event under way is known to be committed: the next one's claim is."""
        before, self._since = self._since, time.monotonic()
        self.committed += 1
        self._at = self._claims[self.committed] if self.committed < len(self.pieces) else len(self._parts)
        told(self.committed - 1, (self._since - before) * 1000)

    def _end(self, told: Told) -> None:
        """The whole message was answered."""
        while self.committed < len(self.pieces):
            self.confirm(told)

    def _compose(self, number: int, piece: Piece) -> None:
        self._claims.append(len(self._parts))
        self._add_part(number, Phase.CLAIM, 0, "begin;" + opening(piece.event, piece.pins, prepared=self._prepared))
        self._add(self._marking)
        for i, statement in enumerate(piece.statements):
            self._add_part(number, Phase.SCRIPT, i, statement)
            # On lines of its own: a statement may end in a comment.
            self._add("\n;\n")
            self._add(self._marking)
        self._add_part(number, Phase.COMMIT, 0, closing(piece.event, piece.pins, prepared=self._prepared) + "commit;")
        # A transaction of its own: what isn't in one belongs to the next BEGIN's, which would then have this one's
        # defaults, such as its level of isolation.
        self._add(self._cleared)

    def _add_part(self, piece: int, phase: Phase, number: int, text: str) -> None:
        self._parts.append(_Part(piece, phase, number, self._length, text))
        self._add(text)

    def _add(self, text: str) -> None:
        self._texts.append(text)
        self._length += len(text)

    def _take(self, message: str, connection: Connection, told: Told) -> None:
        """Take a mark: the part under way is done, and the next one begins."""
        if message != self._mark:
            return
        if self.phase is Phase.COMMIT:
            self.confirm(told)
        connection.since = time.monotonic()
        if not self.begun:
            self._since = connection.since
        self._at += 1
        connection.statement = self._part.text if self._part else None

    def _place(self, error: BaseException) -> None:
        """Make an error that is of this message one of the part under way."""
        part = self._part
        if part is None or not isinstance(error, asyncpg.PostgresError):
            return
        piece, text = self.pieces[part.piece], part.text
        if part.phase is not Phase.SCRIPT:
            # As it is for a script by itself: what is prepared under a name says nothing.
            text = (opening if part.phase is Phase.CLAIM else closing)(piece.event, piece.pins)
        error.query = text  # type: ignore[attr-defined]  # the driver puts it there
        if error.position is not None:
            place = int(error.position) - part.start
            error.position = str(place) if part.phase is Phase.SCRIPT and 0 < place <= len(text) else None


async def _stop(sending: asyncio.Task[None], end: End) -> None:
    """Give the message up; a server that is at work on it is to `end` that.

    A cancel wouldn't do: where it ends no more than a COMMIT's wait for a standby, or is swallowed by a statement, the
    server goes on with the next script. It is what is left where the server couldn't be told.
    """
    if not sending.done() and await end():
        await asyncio.wait([sending], timeout=GRACE)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
