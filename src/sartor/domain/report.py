"""Reports: the events of a run while it goes on, and its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from sartor.domain.alteration import Alteration
from sartor.domain.plan import Direction, Plan
from sartor.domain.release import Release
from sartor.domain.visible import visible_line

if TYPE_CHECKING:
    from sartor.domain.backup import Backup
    from sartor.domain.proof import Proof


class Failure(NamedTuple):
    """The facts about why a script failed, each None where it isn't known.

    `name` is the file's name, `id` the alteration's identity (None for a seed module or a hook). `position` counts
    characters of `statement` from 0; `line` counts lines of `file` from 1.
    """

    name: str
    id: str | None
    message: str
    advice: str | None = None
    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    statement: str | None = None
    position: int | None = None
    file: str | None = None
    line: int | None = None
    rolled_back: bool = True
    """True where nothing of the script stayed; what ran outside a transaction stays."""
    in_doubt: bool = False
    """True where something of it may have stayed: it may have ended in another transaction than it began in."""
    beyond: bool = False
    """True where it was stopped as it would have changed server-wide objects from a scratch database."""
    condition: str | None = None
    """What the script requires or ensures, in its author's words, where that isn't so or couldn't be asked."""


class Done(NamedTuple):
    """An alteration that this run deployed or rolled back, the milliseconds that it took, and what it noted."""

    alteration: Alteration
    duration_ms: float
    notes: tuple[str, ...] = ()
    kept: bool = False
    """True where it was undone by the down that the ledger keeps, in place of a file."""


class Said(NamedTuple):
    """The server's NOTICE, WARNING or INFO while a script ran; `script` is the name of its file."""

    script: str
    severity: str
    text: str


class Report(NamedTuple):
    """The outcome of one run on one destination."""

    direction: Direction
    target: Release | None
    done: tuple[Done, ...] = ()
    failed: Failure | None = None
    remaining: tuple[Alteration, ...] = ()
    """The alterations of the plan that this run didn't do, the failed one first."""
    elsewhere: tuple[Alteration, ...] = ()
    """The alterations that another run did while this one went on."""
    plan: Plan | None = None
    backup: Backup | None = None
    """The backup that was taken before the run, where it was asked for."""
    before: Release | None = None
    """The release that the database had reached before the run."""
    said: tuple[Said, ...] = ()
    """The messages that the server sent while the scripts ran."""
    snapshot: Release | None = None
    """The release that this run built from its snapshot; of its alterations, each has an equal share of the time."""
    hooks_failed: tuple[Failure, ...] = ()
    """The failures of hooks behind what is committed, which stop nothing."""


class Blocker(NamedTuple):
    """A session that holds a lock for which another one waits. Hidden facts (another role's) are None."""

    pid: int
    user: str | None
    application: str | None
    client: str | None
    state: str | None
    seconds: float | None
    """The seconds for which its transaction (or, without one, its state) has lasted."""
    query: str | None
    holds: str | None
    """The lock that it holds on what is waited for: `AccessShareLock on users`."""

    def __str__(self) -> str:
        who = f"{self.application or 'a session without a name'}, user {self.user or 'hidden'}, pid {self.pid}"
        lasted = "" if self.seconds is None else f" for {self.seconds:.0f} s"
        facts = [
            visible_line(f"{who} from {self.client}" if self.client else who),
            (self.state or "state hidden") + lasted,
            self.holds and f"holds {self.holds}",
            self.query and f"query: {' '.join(self.query.split())[:120]}",
        ]
        return ", ".join(filter(None, facts))


class Planned(NamedTuple):
    """The run begins with this plan; reported again where another run made it stale."""

    plan: Plan


class Started(NamedTuple):
    """An alteration begins."""

    alteration: Alteration
    direction: Direction


class Finished(NamedTuple):
    """An alteration is committed."""

    alteration: Alteration
    direction: Direction
    duration_ms: float


class FromSnapshot(NamedTuple):
    """A release was built from its snapshot, in place of this number of alterations; all of it is committed."""

    release: Release
    alterations: int
    duration_ms: float


class Waiting(NamedTuple):
    """The run waits for another session: for a lock, or for another run.

    `left` is what remains of the budget, in seconds; None where there is no limit, as for CONCURRENTLY. `script` is the
    name of the file that waits, None where it is the run.
    """

    reason: str
    blockers: tuple[Blocker, ...]
    left: float | None
    script: str | None = None


class Note(NamedTuple):
    """Something worth knowing that doesn't stop the run."""

    text: str


class Copying(NamedTuple):
    """A backup is being taken or restored: `what`, the seconds that it has lasted, and the bytes copied so far."""

    what: str
    seconds: int
    bytes: int


class BackedUp(NamedTuple):
    """A backup was taken; `duration_ms` is the time that it took, in milliseconds."""

    backup: Backup
    duration_ms: float


class Judging(NamedTuple):
    """The given number of alterations is going to be proved."""

    number: int


class Judged(NamedTuple):
    """An alteration's proof has ended, whatever its result."""

    proof: Proof


RunEvent = Planned | Started | Finished | FromSnapshot | Waiting | Said | Note | Copying | BackedUp | Judging | Judged


class Observer(Protocol):
    """A receiver of a run's events, as they happen; the library itself never prints.

    It is called with one event at a time, always on the thread of the event loop that the run is in. It should return
    soon: the run waits for it, holding its locks. What it raises neither ends the run nor counts as a script's error:
    the run goes on and reports further events, the logger `sartor` gets the first error at once, and the function
    raises ObserverFailed when the run has ended well. Where the run fails, its own error is raised, with a note of the
    observer's. To end a run, cancel it.
    """

    def __call__(self, event: RunEvent, /) -> None: ...


def only(observer: Observer, *kinds: type) -> Observer:
    """Returns an observer that passes on the events of these kinds: of a run on another database than the user's."""

    def listen(event: RunEvent) -> None:
        if isinstance(event, kinds):
            observer(event)

    return listen
