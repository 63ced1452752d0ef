"""Applications that are connected to a database, as they name themselves: with their release, and what they fit.

The name of a session is all that is kept: `acme 1.4.0 (schema >=1.4,<2)` in `pg_stat_activity`, for as long as the
connection is open. Any role may give its sessions any name, so this informs people, and decides nothing.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sartor.domain.fit import Range, Side, locate, parse_range
from sartor.domain.release import Release
from sartor.errors import UsageError
from sartor.sql.quoting import LONGEST_NAME

_MARK = " (schema "


class Application(NamedTuple):
    """An application that has `sessions` in a database; `wanted` is the range of releases that it fits."""

    name: str
    release: Release
    wanted: Range
    sessions: int

    def fits(self, release: Release | None) -> bool:
        """Returns whether a schema of this release fits it."""
        return locate(release, self.wanted) is Side.WITHIN

    def __str__(self) -> str:
        sessions = "1 session" if self.sessions == 1 else f"{self.sessions} sessions"
        return f"{self.name} {self.release}, {sessions}, fits {self.wanted.text}"


def session_name(name: str, release: str, wanted: str) -> str:
    """Returns the name for an application's sessions. Raises UsageError where it can't be one."""
    found = f"{name} {release}{_MARK}{wanted.replace(' ', '')})"
    if parse_application(found, 0) is None:
        raise UsageError(
            f"{name!r}, {release!r} and {wanted!r} aren't an application, its release and the range that it fits",
            hint="give them as in: acme, 1.4.0, >=1.4,<2",
        )
    if len(found) > LONGEST_NAME or not (found.isascii() and found.isprintable()):
        raise UsageError(
            f"{found!r} can't be the name of a session, which has {LONGEST_NAME} characters of ASCII at most",
            hint="give a shorter name",
        )
    return found


def parse_application(text: str, sessions: int) -> Application | None:
    """Returns the application that a session's name tells of; None where it is another program's."""
    head, mark, wanted = text.removesuffix(")").partition(_MARK)
    name, _, release = head.rpartition(" ")
    if not (mark and name and text.endswith(")")):
        return None
    try:
        found = Release.parse(release)
        return None if found.unreleased else Application(name, found, parse_range(wanted), sessions)
    except (ValueError, UsageError):
        return None


def misfits(applications: Iterable[Application], release: Release | None) -> Iterator[str]:
    """Yields a sentence for each application that a schema of this release doesn't fit."""
    for application in applications:
        if not application.fits(release):
            has = f"release {release}" if release else "no complete release"
            yield f"connected, and not fit for {has}: {application}"
