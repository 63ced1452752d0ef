"""Every error that Sartor raises, with what to do about it and its exit code (a class has its parent's).

An error's text says what and why; `hint` says what to do, in the words of the Python API: the command line has its own.
Neither ever holds a password.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from sartor.domain.baseline import Baseline
    from sartor.domain.release import Release
    from sartor.domain.report import Blocker, Failure, Report


NOT_HAD = frozenset({"55P03", "40P01"})
"""SQLSTATEs of lock not available, and of deadlock (the manual's appendix A), where no further try is made."""


class SartorError(Exception):
    """The root of Sartor's errors: `str(error)` is the reason, `hint` what to do ("" where the reason says it).

    `code` names the kind of error for a program: the class's name, as in `--json`. `about` are the identities of the
    alterations that it is about, where they are known. `report` says what had been done when the error ended a run;
    None where no run had begun.
    """

    code: ClassVar[str] = "SartorError"
    exit_code: ClassVar[int] = 1
    hint: str = ""
    report: Report | None = None

    def __init_subclass__(cls) -> None:
        cls.code = cls.__name__

    def __init__(self, message: str, *, hint: str | None = None, about: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.about = tuple(about)
        if hint is not None:
            self.hint = hint


class UsageError(SartorError):
    """The caller asks for something impossible."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is missing, malformed or contradicts another."""


class CatalogueError(UsageError):
    """A folder or package of alterations can't be read as one."""


class TargetError(UsageError):
    """The target isn't a version, `latest` or `next`, or can't be reached from here."""


class SchemaMissing(UsageError):
    """The destination's schema doesn't exist, and what is called doesn't create it."""


class RefusedError(UsageError):
    """An action that would destroy data isn't confirmed, or the settings forbid it."""


class SchemaNotEmpty(RefusedError):
    """A first deployment to a schema that holds objects already, which the settings forbid; nothing was run."""


class ScriptError(SartorError):
    """A script can't be loaded, or lacks the function that the plan needs; `line` is that of its file, where known."""

    hint = "fix the script; no alteration was run"

    def __init__(self, message: str, *, hint: str | None = None, line: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.line = line


class AlterationFailed(SartorError):
    """A script ran and failed; `failure` says whether anything of it stayed. What the run did before it stays."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.name}: {failure.message}", about=[failure.id] if failure.id else ())
        self.failure = failure


class LockNotHad(AlterationFailed):
    """A script failed because it didn't get a lock in time."""

    exit_code = 5


def alteration_failed(failure: Failure) -> AlterationFailed:
    """Returns the error for a failure. Want of a lock, which is no mistake, is distinguished by its exit code."""
    return (LockNotHad if failure.sqlstate in NOT_HAD else AlterationFailed)(failure)


class ObserverFailed(SartorError):
    """The application's observer raised an error, which is the cause; the run itself went on, and ended well.

    `result` is what the function would have returned; `report` is the same where that is a run's report.
    """

    def __init__(self, message: str, *, result: object) -> None:
        super().__init__(message)
        self.result = result


class HazardFound(SartorError):
    """A rehearsed alteration is a worse hazard to a live database than was allowed."""


class Unproved(SartorError):
    """A rollback was seen to fail, or was never seen to work."""


class SnapshotRefused(SartorError):
    """A snapshot wouldn't make what the alterations make for which it is to stand."""

    hint = "give the rows values of their own, or go without a snapshot of this release"


class ReleaseRefused(SartorError):
    """A release can't be cut: an alteration has mistakes, isn't proved, or is a worse hazard than was allowed."""


class ReleaseContradicted(ReleaseRefused):
    """A release can't be cut, as files contradict the manifest: a released one was edited, renamed or removed."""

    exit_code = 4


class PlanError(SartorError):
    """The files on disk contradict the ledger."""

    exit_code = 4


class AlterationEdited(PlanError):
    """A deployed or released alteration's file no longer matches its checksum."""


class AlterationMissing(PlanError):
    """A deployed or released alteration isn't among the files."""


class AlterationSquashed(PlanError):
    """Alterations are pending whose files were removed, as a snapshot stands for them, and it can't be used here."""


class OutOfOrder(PlanError):
    """An alteration is late, and `strict_order` forbids that."""

    hint = "leave `strict_order` out, or give the alteration a later timestamp"


class LineageMismatch(PlanError):
    """An alteration is deployed under another lineage's name."""


class VerificationFailed(PlanError):
    """A database isn't what it should be: edited, missing or drifted."""


class SchemaDiffers(PlanError):
    """A baseline's database isn't what its alterations make; nothing was recorded. `found` has the differences."""

    hint = "change the schema, or record it as it is with `accept_differences`"

    def __init__(self, message: str, *, found: Baseline) -> None:
        super().__init__(message)
        self.found = found


class LedgerUnsound(SartorError):
    """The ledger in the database isn't as Sartor makes it, or its parts contradict each other."""

    exit_code = 4


class SchemaUnfit(SartorError):
    """The schema doesn't fit the application.

    `release` is that of the database, None where no release is complete; `wanted` are those that the application fits,
    as it gave them.
    """

    exit_code = 4

    def __init__(
        self, message: str, *, release: Release | None, wanted: str, hint: str, about: Iterable[str] = ()
    ) -> None:
        super().__init__(message, hint=hint, about=about)
        self.release = release
        self.wanted = wanted


class NothingDeployed(SchemaUnfit):
    """The schema has no ledger: nothing was ever deployed there."""

    exit_code = 3


class SchemaTooOld(SchemaUnfit):
    """The database's release is below those that the application fits."""

    exit_code = 3


class SchemaTooNew(SchemaUnfit):
    """The database's release is above those that the application fits."""


class SchemaPending(SchemaUnfit):
    """Alterations that the application ships aren't deployed, or not completely; `about` has their identities."""

    exit_code = 3


class SchemaEdited(SchemaUnfit):
    """A deployed alteration isn't the one that the application ships under its name."""


class RunHeld(SartorError):
    """Another run holds the destination, and held it for as long as `limits.wait` allows.

    `blockers` are the sessions that are in the way, as far as they are known.
    """

    exit_code = 5

    def __init__(self, message: str, *, hint: str | None = None, blockers: tuple[Blocker, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.blockers = blockers


class DestinationError(SartorError):
    """The database can't be reached, or refuses what a run needs."""

    exit_code = 6


class Unreachable(DestinationError):
    """No connection: network, TLS, credentials, or no such database.

    `may_pass` is True where the same attempt may succeed in a few seconds: the connection was lost or refused, or the
    server had none left.
    """

    may_pass: bool = False


class Locked(DestinationError):
    """A statement of Sartor's own didn't get a lock in time."""

    exit_code = 5
    hint = (
        "try again; to see which sessions hold locks: select pid, usename, state, query from"
        " pg_stat_activity where pid in (select pid from pg_locks where mode ="
        " 'AccessExclusiveLock'); to end one: select pg_terminate_backend(PID);"
    )


class Unsupported(DestinationError):
    """The server is older than Sartor supports."""

    hint = (
        "upgrade the server: Sartor supports the versions that Postgres supports"
        " (https://www.postgresql.org/support/versioning)"
    )


class PrivilegeMissing(DestinationError):
    """The role lacks a right; the hint holds the GRANT."""


class ReadOnly(DestinationError):
    """The database is a standby, or the database or the role is set to read only."""


class LedgerTooNew(DestinationError):
    """The ledger was written by a newer Sartor."""

    hint = "install that version of Sartor or a later one; commands that only read, such as `status`, still work"


class PoolerRefused(DestinationError):
    """A script that runs outside a transaction was given a transaction pooler."""

    hint = "give the address of the server in `destination`, not of the pooler"


class ControlLost(DestinationError):
    """The control database of a run over a fleet went away and didn't come back; the run goes on where it was."""

    exit_code = 8
    hint = "start it again when the control database can be reached: it joins its run"


class EmbeddedUnavailable(DestinationError):
    """The embedded server isn't installed, or can't run here."""

    hint = "give another directory"


class QueueMissing(DestinationError):
    """The control database of a fleet lacks the tables of the queue, or has those of another version."""

    hint = "make its tables with `fleet upgrade`"


class BackupFailed(DestinationError):
    """No backup could be taken, or one isn't whole or can't be restored.

    No partial file and no partial restore is left.
    """


class PsqlUnavailable(DestinationError):
    """`psql` isn't on this computer, or can't make this connection."""


class RehearsalFailed(DestinationError):
    """No clone could be made to rehearse on; the destination is unchanged."""


class FleetStopped(SartorError):
    """A run over a fleet ended before its end: it had more failures than it may have, or was cancelled."""

    exit_code = 7
    hint = "see what failed: `fleet_status`; another run, by another name, does the rest"


class Interrupted(SartorError):
    """SIGINT or SIGTERM ended the run."""

    exit_code = 130


class ScriptFault(Exception):
    """A fault of a script that ended without an error; no SartorError, as the run reports it as a failure.

    `place` is the file and line that it comes from, where known; `advice` what to write instead.
    """

    def __init__(self, message: str, *, place: tuple[str, int] | None = None, advice: str | None = None) -> None:
        super().__init__(message)
        self.place = place
        self.advice = advice


class Unmet(Exception):
    """A condition of a script isn't met, or gives no answer; no SartorError, as the run reports it as a failure.

    `condition` is the condition in its author's words; `place` the file and line where it stands.
    """

    def __init__(self, message: str, *, condition: str, place: tuple[str, int] | None = None) -> None:
        super().__init__(message)
        self.condition = condition
        self.place = place


class Escaped(Exception):
    """A script raised what would pass for the end of the run, as `sys.exit` does; that is the cause of this error."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the error and its causes, the first cause last: a broken connection hides why it broke."""
    seen: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and not any(found is each for each in seen):  # `raise a from b` can make a cycle
        seen.append(found)
        yield found
        found = found.__cause__ or found.__context__


class BrokenInto(BaseException):
    """A signal interrupted a script that blocks the event loop, at any place in it; it isn't an error of the script."""


LONGEST = 10_000
"""The most characters of a script's error that are reported: they all go to the journal, and to its readers."""


def said(error: object) -> str:
    """Returns the text of any error; it may have none that can be read, or characters that can't be written."""
    try:
        text = str(error)
    except BrokenInto:
        raise
    except BaseException as fault:  # noqa: BLE001 - an error of a script's own may be made in any way
        return f"(no text: {type(fault).__name__})"
    # `str.encode` unbound: the text's class may be the script's own as well.
    plain = str.encode(text, "utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]} ... (truncated; {len(plain)} characters)"
