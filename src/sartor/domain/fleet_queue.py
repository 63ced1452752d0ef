"""The work of a queue's worker at a destination: its pace, its attempts, and how it tells of them."""

from enum import Enum
from typing import NamedTuple

from sartor.domain.fleet_run import Turn


class AttemptEnd(Enum):
    """How an attempt ended.

    `MAY_PASS` is an error that the next attempt may not have; `LOST` that the process that was at work has ended,
    `INTERRUPTED` that the worker was told to end.
    """

    DONE = "done"
    FAILED = "failed"
    MAY_PASS = "may pass"  # noqa: S105 - no password
    LOST = "lost"
    INTERRUPTED = "interrupted"


class Attempt(NamedTuple):
    """An attempt that has ended: the files of the scripts that it deployed or rolled back, and its error."""

    end: AttemptEnd
    files: tuple[str, ...] = ()
    release: str | None = None
    error: str | None = None
    hint: str = ""
    code: str | None = None
    exit_code: int = 0
    seconds: float = 0.0


class Told(NamedTuple):
    """A worker's word on a destination of a run; `again` says that the destination went back to the queue."""

    run: int
    turn: Turn
    attempt: Attempt
    again: bool = False


class Pace(NamedTuple):
    """How a worker works: the number of destinations at once, and when it is held to be dead.

    `heartbeat` is the silence, in seconds, after which others take over what a worker had: all workers have to say the
    same. `poll` is how long one waits that isn't told of anything.
    """

    jobs: int = 4
    heartbeat: float = 30.0
    poll: float = 2.0
