"""Runs several straight scripts in one message, and reports what stops such a batch as for one script.

A script that lost a lock, and anything else that the batch can't settle, is left to be run by itself: there is one way
to try again.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import sartor.postgres.errors as driver
from sartor.alterations.script import Script
from sartor.domain.ledger import EventKind, State
from sartor.domain.plan import Direction, Step
from sartor.errors import Unreachable
from sartor.execution.ahead import Ahead
from sartor.execution.attempt import PARTING, RESOLVE, Stale, find_loss, find_outcome
from sartor.execution.turn import Turn
from sartor.postgres.batch import Batch, Piece
from sartor.postgres.guard import NewEvent, Phase

FIRST, MOST = 16, 100
"""The number of scripts in the first batch, and the most in any batch."""
SHARE = 1.0
"""Seconds that a batch should take, roughly: its length adapts."""
LONGEST = 1 << 18
"""Characters of SQL after which a batch takes no further script."""

DOUBTED = driver.RETRIED | {"25006", "26000", "42501", "42704"}
"""SQLSTATEs that a script may not meet when it is run by itself.

Another try may succeed; or the error comes from the statements that the batch has between its scripts. A read-only
transaction refuses those with an error of its own, and a script may have set a role that may not use PL/pgSQL, or
dropped PL/pgSQL, or what the batch had prepared.
"""

KINDS = {Direction.DEPLOY: EventKind.DEPLOYED, Direction.ROLLBACK: EventKind.ROLLED_BACK}


@dataclass(frozen=True, slots=True)
class Together:
    """Scripts to be run together: their batch, and the number `seq` of its first event."""

    scripts: tuple[Script, ...]
    batch: Batch
    seq: int


class Fuser:
    """Puts the scripts of a plan into batches, as long as those succeed: of `count` scripts at most, which adapts."""

    def __init__(self, turn: Turn, direction: Direction) -> None:
        self._turn = turn
        self._direction = direction
        self.count = FIRST
        settings = turn.session.connection.get_settings()
        # With standard_conforming_strings off, a backslash escapes a quote, and a script's strings would have to be
        # read in another way; without an encoding the server counts an error's place in bytes through the message.
        readable = settings.standard_conforming_strings == "on" and settings.server_encoding != "SQL_ASCII"
        self._possible = turn.limits.fuse and readable
        self._alone = 0
        self._batch: Batch | None = None
        self._following: Together | None = None

    def choose(self, ahead: Ahead) -> Together | None:
        """Returns the next scripts to be run together, or None where the first is to be run by itself."""
        following, self._following = self._following, None
        if self._alone or not self._possible:
            self._alone = max(0, self._alone - 1)
            return None
        seq = self._turn.head + 1
        if following and following.seq == seq and following.scripts[0] is next(ahead.loaded())[1]:
            return following
        return self._compose(ahead, seq)

    def look_further(self, ahead: Ahead, together: Together) -> None:
        """Composes the batch after `together` while the server works on that."""
        left = len(together.scripts) - together.batch.committed
        self._following = self._compose(islice(ahead.loaded(), left, None), self._turn.head + left + 1)

    def _compose(self, steps: Iterable[tuple[Step, Script]], seq: int) -> Together | None:
        """Returns the first of these steps' scripts as a batch whose first event has the number `seq`.

        Returns None where the first script isn't fit for a batch, or no step is left.
        """
        found, length = [], 0
        for step, script in islice(steps, self.count):
            if length > LONGEST or not self._is_fit(step, script):
                break
            found.append(script)
            length += sum(len(fragment.text) for fragment in script.fragments[self._direction])
        if not found:
            return None
        pieces, turn = [self._piece(number, script) for number, script in enumerate(found, seq)], self._turn
        return Together(tuple(found), Batch(pieces, f"sartor{turn.tag}", turn.session.connection.kept), seq)

    def _is_fit(self, step: Step, script: Script) -> bool:
        complete = step.entry is None or step.entry.state is State.DEPLOYED
        return complete and script.is_fusible(self._direction)

    async def run(self, together: Together, committed: Callable[[int, float], None]) -> None:
        """Runs these scripts; calls `committed` for each with its number and its duration in milliseconds.

        Where it returns without having reported a script, that script is to be run by itself. Raises as
        `attempt.happen`: an error is that of the first script that wasn't reported.
        """
        turn, scripts = self._turn, together.scripts
        self._batch = batch = together.batch

        def told(number: int, took: float) -> None:
            turn.head += 1
            committed(number, took)
            if number + 1 < len(scripts):
                turn.attend(scripts[number + 1].alteration.name)

        began = time.monotonic()
        turn.attend(scripts[0].alteration.name)
        try:
            await batch.send(turn.session.connection, told, turn.lookout.terminate)
        except BaseException as error:  # noqa: BLE001 - a cancelled run must know what was committed too
            await self._settle(batch, error, told)
        else:
            self._adapt(time.monotonic() - began)

    def located(self, script: Script) -> Script:
        """Returns the script that stopped the last batch, with a `locate` that knows which of its statements did."""
        number = self._batch.statement if self._batch else None
        if number is None:
            return dataclasses.replace(script, locate=lambda _error: None)
        fragment, file = script.fragments[self._direction][number], script.alteration.file
        return dataclasses.replace(script, locate=lambda error: (file, fragment.line_of(error)))

    def _piece(self, seq: int, script: Script) -> Piece:
        return Piece(
            event=NewEvent(seq=seq, kind=KINDS[self._direction], about=script.alteration),
            pins=self._turn.pins(self._turn.mark(script.alteration.name, seq)),
            statements=tuple(fragment.text for fragment in script.fragments[self._direction]),
        )

    def _adapt(self, took: float) -> None:
        if took < SHARE / 2:
            self.count = min(MOST, self.count * 2)
        elif took > SHARE * 2:
            self.count = max(1, self.count // 2)

    async def _settle(self, batch: Batch, error: BaseException, told: Callable[[int, float], None]) -> None:
        """Finds out how a failed batch ended. Raises unless the rest of it can be tried again."""
        session, phase, state = self._turn.session, batch.phase, driver.sqlstate(error)
        lost = find_loss(session, error) if session.connection_lost else None
        # The driver drops what still comes of a message that was given up, marks included.
        if session.connection_lost or not isinstance(error, Exception):
            await self._find_out(batch, error, told)
        elif phase is Phase.COMMIT and await self._is_committed(batch, RESOLVE):
            batch.confirm(told)
        if not isinstance(error, Exception):
            raise error
        if batch.phase is Phase.CLAIM and state in driver.STALE:
            raise Stale from error
        if lost is not None and phase is not Phase.COMMIT and batch.committed < len(batch.pieces):
            raise lost from error
        if lost is None and not batch.begun:
            # Most likely a syntax error somewhere in it: the script that has it is found when its turn comes.
            self._possible = False
        elif lost is not None or batch.phase is Phase.CLAIM or state in DOUBTED:
            self._alone = 1
        else:
            raise error
        if session.connection_lost:
            await session.renew()

    async def _find_out(self, batch: Batch, error: BaseException, told: Callable[[int, float], None]) -> None:
        """Asks the database which scripts of a batch are committed although no mark has reported it."""
        lost, interrupted = self._turn.session.connection_lost, not isinstance(error, Exception)
        if lost and not interrupted:
            await self._turn.lookout.terminate()
        with suppress(*([Unreachable] if interrupted and batch.phase is not Phase.COMMIT else [])):
            while batch.committed < len(batch.pieces):
                committed = await self._is_committed(batch, PARTING if interrupted else RESOLVE)
                if not committed and lost and not interrupted:
                    committed = await self._is_overtaken(batch)
                if not committed:
                    return
                batch.confirm(told)

    async def _is_overtaken(self, batch: Batch) -> bool:
        """Returns whether the first uncommitted event is committed by now, by a message that was still on its way.

        Where it isn't, it never will be: its number is taken by the record of its failure.
        """
        facts = {"message": "the connection was lost", "sqlstate": None, "line": None}
        try:
            about = batch.pieces[batch.committed].event.about
            await self._turn.record(EventKind.FAILED, about, direction=self._direction.value, **facts)
        except Stale:
            return await self._is_committed(batch, RESOLVE)
        return False

    async def _is_committed(self, batch: Batch, within: float) -> bool:
        """Asks the database whether the first event that isn't known to be committed is committed."""
        piece = batch.pieces[batch.committed]
        # Its COMMIT is in the same message: the server may be there by now, whatever it last reported.
        about = "" if piece.event.about is None else f" while {piece.event.about.name} was at work"
        lost = "lost at COMMIT" if batch.phase is Phase.COMMIT else f"lost{about}"
        return await find_outcome(self._turn.session, piece.event, piece.pins, within=within, lost=lost)
