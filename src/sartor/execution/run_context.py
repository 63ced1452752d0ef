"""The context of a run: its session, limits and monitor, the run lock, and what a script may know of it."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sartor.postgres.errors as driver
from sartor.alterations.script import Locate
from sartor.conninfo.redaction import redact
from sartor.domain.destination import Limits
from sartor.domain.plan import Direction
from sartor.domain.release import Release
from sartor.domain.report import Failure, Note, Observer, Said
from sartor.domain.source import Run
from sartor.errors import NOT_HAD, RunHeld
from sartor.execution.monitor import Monitor, advise_on_blockers, describe_blockers
from sartor.postgres.lock_monitor import LockMonitor
from sartor.postgres.session import Session, application_name

MOST_SAID = 100
"""The number of the server's messages that are reported of one script, and of the notes that are kept of it."""


class RunContext:
    """A session at work. `head` is the number of the journal's last event that this run knows of.

    `tag` is a text unique to this run, by which the server's session is found; `target` the release that a plan is to
    reach. `created_ledger` is True where this run has made the ledger, so that nothing can be in it, `begun_outside`
    where the script under way has begun its work outside a transaction.
    """

    def __init__(self, session: Session, locks: LockMonitor, *, limits: Limits, observer: Observer) -> None:
        self.session = session
        self.limits = limits = limits.at(session.destination)
        self.observer = observer
        self.head = 0
        self.target: Release | None = None
        self.waited = self.created_ledger = self.begun_outside = False
        self._locks = locks
        # Process numbers repeat among containers: a random text tells this session from others.
        self.tag = f" {secrets.token_hex(4)}."
        self.monitor = Monitor(locks, observer, mark=self.tag, lock_budget=limits.lock_budget)
        self._said: dict[str, list[Said]] = {}
        self._notes: list[tuple[str, str]] = []

    async def acquire_lock(self) -> None:
        """Takes the run lock; `waited` is true afterwards where another run had it. Raises RunHeld, naming that run."""
        deadline = time.monotonic() + self.limits.wait
        while not await self._locks.try_lock():
            holders = await self._locks.holders()
            held = RunHeld(
                f"another run is in progress in schema {self.session.schema}: {describe_blockers(holders)}",
                hint="wait for that run, increase `limits.wait`, or end its session: select"
                f" pg_terminate_backend({holders[0].pid if holders else 'PID'});",
                blockers=holders,
            )
            await self.monitor.wait("another run", deadline, held)
            self.waited = True

    def mark(self, script: str, seq: int) -> str:
        """Returns the session's name in `pg_stat_activity` while it runs `script` for the event numbered `seq`."""
        return f"{self.session.destination.tables} {script}"[:46] + f"{self.tag}{seq}"

    def follow(self, script: str) -> None:
        self.monitor.follow(self.session.connection, script)

    def hear(self, script: str, severity: str, text: str) -> None:
        """Reports what the server says while `script` runs: the first MOST_SAID messages."""
        heard = self._said.setdefault(script, [])
        if len(heard) > MOST_SAID:
            return
        if len(heard) == MOST_SAID:
            severity, text = "NOTICE", "further messages of the server aren't shown"
        heard.append(Said(script=script, severity=severity, text=text))
        self.observer(heard[-1])

    def forget(self, script: str, *, keep: int = 0) -> None:
        """Forgets what the server said of a script that is rolled back, and begins again; of its notes keeps a few."""
        self._said.pop(script, None)
        del self._notes[keep:]

    def warnings(self, script: str) -> list[str]:
        """Returns the server's warnings of a script, without passwords, and forgets them."""
        said = self._said.pop(script, ())
        return [redact(each.text, self.session.secrets) for each in said if each.severity == "WARNING"]

    def notes(self, script: str) -> list[str]:
        """Returns what was noted in the work under way; of several scripts' notes, those of others with their name."""
        return [text if name == script else f"{name}: {text}" for name, text in self._notes]

    def for_script(self, script: str, direction: Direction = Direction.DEPLOY, *, rehearsal: bool | None = None) -> Run:
        """Returns what a script is told of its run; `rehearsal` is None where the destination shows it."""
        facts, destination = self.session.facts, self.session.destination
        database = destination.stands_for or facts.database
        return Run(
            database=database,
            schema=self.session.schema,
            user=facts.user,
            server_version=facts.server_version,
            destination=destination.at(database).label,
            direction=direction,
            target=self.target,
            rehearsal=destination.scratch if rehearsal is None else rehearsal,
            log=lambda text: self.observer(Note(text=f"{script}: {text}")),
            note=lambda text: self._note(script, text),
        )

    def _note(self, script: str, text: str) -> None:
        kept = str(text).encode(errors="replace").decode().replace("\0", "?")
        if len(self._notes) <= MOST_SAID:
            full = len(self._notes) == MOST_SAID
            kept = "further notes aren't kept" if full else redact(kept, self.session.secrets)
            self._notes.append((script, kept))
        self.observer(Note(text=f"{script}: {text}"))

    def failure(
        self, error: BaseException, *, name: str, alteration_id: str | None, file: str, locate: Locate
    ) -> Failure:
        hidden = None if self.session.connection_lost else self.session.connection.error
        found = driver.failure(
            error,
            name=name,
            alteration_id=alteration_id,
            file=file,
            locate=locate,
            hidden=hidden,
            overtime=self.limits.overtime,
            tables=self.session.tables,
        )
        if self.monitor.blockers and found.sqlstate in NOT_HAD:
            advice = advise_on_blockers(self.monitor.blockers, self.session.facts.role)
            found = found._replace(advice=advice)
        return found


@asynccontextmanager
async def locked_run(session: Session, verb: str, *, limits: Limits, observer: Observer) -> AsyncIterator[RunContext]:
    """Makes this run the only one at work on the session's destination while the block lasts. Raises RunHeld.

    Through a pooler there is no lock to hold: runs are then kept apart script by script, by the journal's key.
    """
    async with LockMonitor(session.destination, application=application_name(verb), alone=session.facts.alone) as locks:
        run = RunContext(session, locks, limits=limits, observer=observer)
        if locks.missing:
            why = f"continuing with one connection, because a second one isn't available ({locks.missing})"
            lacks = "the run lock isn't held and blocking sessions aren't reported; the journal still keeps runs apart"
            observer(Note(text=f"{why}: {lacks}"))
        async with run.monitor.during():
            if not session.facts.pooled:
                await run.acquire_lock()
            yield run
