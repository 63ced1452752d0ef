"""The report at the end of a fleet's run: how many stand where, what failed for which reason, and what took long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import nlargest
from typing import NamedTuple

from sartor.domain.fleet import End, Stopped
from sartor.domain.fleet_progress import Blocked, Ending, Progress

SLOWEST = 5
FAILED, PENDING = 1, 3
"""The exit codes of a script that failed, and of something left to do."""


class WaveSummary(NamedTuple):
    """The numbers of a wave's destinations by their end; `number` counts the waves from 0."""

    number: int
    done: int
    failed: int
    untouched: int
    seconds: float


class Group(NamedTuple):
    """The destinations that failed for one reason; `text` is the first one's."""

    text: str
    labels: tuple[str, ...]


class Blocking(NamedTuple):
    """A session for which destinations waited, with their labels."""

    who: str
    labels: tuple[str, ...]


class Summary(NamedTuple):
    """A fleet's end in numbers: `changes` are the alterations done, `changed` the destinations done that had any."""

    done: int
    failed: int
    untouched: int
    changes: int
    changed: int
    waves: tuple[WaveSummary, ...]
    waves_in_all: int
    groups: tuple[Group, ...]
    slowest: tuple[Ending, ...]
    retried: tuple[Ending, ...]
    blocked: tuple[Blocked, ...]
    stopped: Stopped | None
    seconds: float
    codes: frozenset[int] = frozenset()
    """The exit codes of the errors that ended destinations."""

    @property
    def exit_code(self) -> int:
        """The exit code of the run: 1 where a script failed, else the highest of those of the errors."""
        if FAILED in self.codes:
            return FAILED
        return max(self.codes, default=PENDING if self.untouched else 0)

    @property
    def total(self) -> int:
        return self.done + self.failed + self.untouched

    @property
    def is_complete(self) -> bool:
        return self.done == self.total


def summarize(progress: Progress, stopped: Stopped | None, seconds: float) -> Summary:
    """Returns the summary of a run that has ended."""
    endings = progress.endings
    return Summary(
        done=progress.done,
        failed=progress.failed,
        untouched=progress.remaining,
        changes=sum(each.changes or 0 for each in endings),
        changed=sum(bool(each.changes) and each.end is End.DONE for each in endings),
        waves=_waves(progress),
        waves_in_all=progress.waves_in_all,
        groups=_groups(endings),
        slowest=tuple(nlargest(SLOWEST, filter(_worked, endings), key=lambda each: each.seconds)),
        retried=tuple(sorted((e for e in endings if e.attempts > 1), key=lambda each: -each.attempts)),
        blocked=tuple(progress.blocked.values()),
        stopped=stopped,
        seconds=seconds,
        codes=frozenset(each.exit_code for each in endings if each.end is End.FAILED),
    )


def _worked(ending: Ending) -> bool:
    """Returns whether anything was tried at a destination: not where nothing was to be done, nor was it reached."""
    return bool(ending.changes) or (ending.changes is None) is (ending.end is End.DONE)


def blocking(blocked: Sequence[Blocked]) -> list[Blocking]:
    """Returns the sessions that were in the way, the one that held up most destinations first."""
    held: dict[tuple[object, ...], tuple[str, list[str]]] = {}
    for each in blocked:
        for blocker in each.blockers:
            who = (blocker.pid, blocker.application, blocker.user, blocker.client)
            held.setdefault(who, (str(blocker), []))[1].append(each.label)
    found = [Blocking(text, tuple(labels)) for text, labels in held.values()]
    return sorted(found, key=lambda each: -len(each.labels))


def _groups(endings: Sequence[Ending]) -> tuple[Group, ...]:
    found: dict[tuple[object, ...], tuple[str, list[str]]] = {}
    for each in endings:
        if each.reason is not None:
            found.setdefault(each.reason.key, (each.reason.text, []))[1].append(each.label)
    groups = [Group(text, tuple(labels)) for text, labels in found.values()]
    return tuple(sorted(groups, key=lambda each: -len(each.labels)))


def _waves(progress: Progress) -> tuple[WaveSummary, ...]:
    counted = Counter((each.wave, each.end) for each in progress.endings)
    waves = []
    for wave in progress.waves:
        done, failed = (counted[wave.number, end] for end in (End.DONE, End.FAILED))
        untouched = max(0, wave.destinations - done - failed)
        waves.append(WaveSummary(wave.number, done, failed, untouched, wave.ended - wave.begun))
    return tuple(waves)
