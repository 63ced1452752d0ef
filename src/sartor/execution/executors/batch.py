"""Runs several static scripts in one message, and reports what stops such a batch as for one script.

Each script is in a transaction of its own, and a successor of what failed couldn't claim its number anyway. An error of
a COMMIT, or of the claim behind it, is settled by asking the journal. A lost lock, a claim that waits, a mistake of
syntax (which keeps the whole message from running), and what fails in a brief script are left to the way of a single
script. Where the connection is lost, the message may still be on its way, through a pooler say: what the journal
doesn't have when it is asked gets its number taken, by the event of its failure, and so can't be committed after it was
told not to be.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from logging import DEBUG

import sartor.postgres.errors as driver
from sartor.alterations.script import Place
from sartor.domain.ledger import EventKind
from sartor.domain.plan import Direction
from sartor.errors import Unreachable
from sartor.execution.outcome import Outcome, Stale, classify
from sartor.execution.retry import PARTING, RESOLVE, is_committed, raise_outcome, record
from sartor.execution.run_context import RunContext
from sartor.execution.units import Batched, Prefetch, Unit
from sartor.log import LOG
from sartor.postgres.batch_message import BatchItem, BatchMessage
from sartor.postgres.journal import NewEvent, Phase
from sartor.postgres.session_settings import SessionSettings, settings_for, shown_as

FIRST, MOST = 32, 100
"""The number of scripts in the first batch, and the most in any batch."""
SHARE = 1.0
"""Seconds that a batch should take, roughly: its length adapts."""
LONGEST = 1 << 18
"""Characters of SQL after which a batch takes no further script."""

DOUBTED = frozenset({"25006", "26000", "42501", "42704"})
"""SQLSTATEs that a script may not meet when it is run by itself.

Another try may succeed; or the error comes from the statements that the batch has between its scripts. A read-only
transaction refuses those with an error of its own, and a script may have set a role that may not use PL/pgSQL, or
dropped PL/pgSQL, or what the batch had prepared.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Units that run in one message: that message, and the number `seq` of its first event."""

    units: tuple[Unit, ...]
    message: BatchMessage
    seq: int


class BatchExecutor:
    """Puts the units of a plan into batches, as long as those succeed: of `count` units at most, which adapts."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self.count = FIRST
        settings = run.session.connection.get_settings()
        # With standard_conforming_strings off, a backslash escapes a quote, and a script's strings would have to be
        # read in another way; without an encoding the server counts an error's place in bytes through the message.
        readable = settings.standard_conforming_strings == "on" and settings.server_encoding != "SQL_ASCII"
        self._possible = run.limits.batch and readable
        # In a scratch database the record looks for what the script has changed in the server; an event trigger runs
        # whatever its function does.
        self._may_be_quiet = not run.session.destination.scratch and not run.session.facts.event_triggers
        self._is_logged = LOG.isEnabledFor(DEBUG)  # the log has the time of each statement
        self._alone = 0
        self._message: BatchMessage | None = None
        self._following: Batch | None = None

    def choose(self, prefetch: Prefetch) -> Batch | None:
        """Returns the next batch, or None where the first is to be run by itself."""
        following, self._following = self._following, None
        if self._alone or not self._possible:
            self._alone = max(0, self._alone - 1)
            return None
        seq = self._run.head + 1
        if following and following.seq == seq and following.units[0] is prefetch.loaded[0]:
            return following
        return self._compose(prefetch, seq)

    def look_further(self, prefetch: Prefetch, batch: Batch) -> None:
        """Composes the batch after `batch` while the server works on that."""
        left = len(batch.units) - batch.message.committed
        self._following = self._compose(islice(prefetch.loaded, left, None), self._run.head + left + 1)

    def _compose(self, units: Iterable[Unit], seq: int) -> Batch | None:
        """Returns the first of these units as a batch whose first event has the number `seq`.

        Returns None where the first isn't fit for a batch, or none is left.
        """
        found: list[Unit] = []
        items: list[BatchItem] = []
        length, run, connection = 0, self._run, self._run.session.connection
        settings = settings_for(run.session, run.limits, "")
        for unit in islice(units, self.count):
            batched = unit.batched
            if length > LONGEST or batched is None or (found and unit.kind is not found[0].kind):
                break
            found.append(unit)
            items.append(self._item(seq + len(items), unit, batched, settings))
            length += sum(map(len, batched.statements))
        if not found:
            return None
        message = BatchMessage(connection, items, f"sartor{run.tag}")
        return Batch(tuple(found), message, seq)

    async def execute(self, batch: Batch, committed: Callable[[int, float], None]) -> None:
        """Runs a batch; calls `committed` for each unit with its number and its duration in milliseconds.

        Where it returns without having reported a unit, that one is to be run by itself. Raises as
        `retry.run_in_transaction`: an error is that of the first unit that wasn't reported.
        """
        run, units = self._run, batch.units
        self._message = message = batch.message

        def told(number: int, took: float) -> None:
            run.head += 1
            committed(number, took)
            if number + 1 < len(units):
                run.follow(units[number + 1].about.name)

        began = time.monotonic()
        run.follow(units[0].about.name)

        def heard(number: int, severity: str, text: str) -> None:
            run.hear(units[number].about.name, severity, text)

        try:
            await message.send(told, heard, run.monitor.terminate)
        except BaseException as error:  # noqa: BLE001 - a cancelled run must know what was committed too
            await self._settle(message, error, told)
            if message.committed < len(units):
                run.forget(units[message.committed].about.name)
        else:
            self._adapt(time.monotonic() - began)

    def locate(self, unit: Unit, error: BaseException) -> Place | None:
        """Returns the place in the file of the error with which a unit stopped the last batch."""
        number = self._message.statement if self._message else None
        if number is None or unit.statements is None:
            return None
        return unit.about.file, unit.statements[number].line_of(error)

    def _item(self, seq: int, unit: Unit, batched: Batched, settings: SessionSettings) -> BatchItem:
        name, down = unit.about.name, unit.down
        self._may_be_quiet = self._may_be_quiet and not batched.alarming
        quiet = self._may_be_quiet and batched.quiet
        return BatchItem(
            event=NewEvent(seq=seq, kind=unit.kind, about=unit.about, down=down),
            settings=settings._replace(application=shown_as(self._run.session, self._run.mark(name, seq))),
            statements=batched.statements,
            quiet=quiet,
            brief=quiet and batched.brief and not self._is_logged,
        )

    def _adapt(self, took: float) -> None:
        if took < SHARE / 2:
            self.count = min(MOST, self.count * 2)
        elif took > SHARE * 2:
            self.count = max(1, self.count // 2)

    async def _settle(self, message: BatchMessage, error: BaseException, told: Callable[[int, float], None]) -> None:
        """Finds out how a failed batch ended. Raises unless the rest of it can be tried again."""
        session, phase, lost = self._run.session, message.phase, self._run.session.connection_lost
        # The driver drops what still comes of a message that was given up, marks included.
        if lost or not isinstance(error, Exception):
            await self._find_out(message, error, told)
        elif message.commits and await self._is_committed(message, RESOLVE):
            message.confirm(told)
        outcome = classify(error, message.phase, connection_lost=lost)
        in_doubt = outcome is Outcome.LOST and (phase is Phase.COMMIT or message.committed == len(message.items))
        if outcome in {Outcome.INTERRUPTED, Outcome.STALE, Outcome.LOST} and not in_doubt:
            raise_outcome(outcome, error, session)
        known = message.begun and not message.is_vague
        if outcome is Outcome.SCRIPT and known and driver.sqlstate(error) not in DOUBTED:
            raise error
        if message.begun or in_doubt:
            self._alone = 1
        else:
            # Most likely a syntax error somewhere in it: the script that has it is found when it is run by itself.
            self._possible = False
        if session.connection_lost:
            await session.renew()

    async def _find_out(self, message: BatchMessage, error: BaseException, told: Callable[[int, float], None]) -> None:
        """Asks the database which scripts of a batch are committed although no mark has reported it."""
        lost, interrupted = self._run.session.connection_lost, not isinstance(error, Exception)
        if lost and not interrupted:
            await self._run.monitor.terminate()
        with suppress(*([Unreachable] if interrupted and not message.commits else [])):
            while message.committed < len(message.items):
                committed = await self._is_committed(message, PARTING if interrupted else RESOLVE)
                if not committed and lost and not interrupted:
                    committed = await self._is_overtaken(message)
                if not committed:
                    return
                message.confirm(told)

    async def _is_overtaken(self, message: BatchMessage) -> bool:
        """Returns whether the first uncommitted event is committed by now, by a message that was still on its way.

        Where it isn't, it never will be: its number is taken by the record of its failure.
        """
        event = message.items[message.committed].event
        direction = Direction.ROLLBACK if event.kind is EventKind.ROLLED_BACK else Direction.DEPLOY
        facts = {"direction": direction.value, "message": "the connection was lost", "sqlstate": None, "line": None}
        try:
            await record(self._run, EventKind.FAILED, event.about, facts, took=message.took)
        except Stale:
            return await self._is_committed(message, RESOLVE)
        return False

    async def _is_committed(self, message: BatchMessage, within: float) -> bool:
        item = message.items[message.committed]
        # Its COMMIT is in the same message: the server may be there by now, whatever it last reported.
        about = "" if item.event.about is None else f" while {item.event.about.name} was running"
        lost = "lost at COMMIT" if message.phase is Phase.COMMIT else f"lost{about}"
        return await is_committed(self._run.session, item.event, item.settings, within=within, lost=lost)
