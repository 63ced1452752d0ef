"""Puts into a scratch database what alterations stand on there: extensions, roles, a platform's schemas."""

from __future__ import annotations

import re
from pathlib import Path

from sartor.archive.child_process import ProgramFailed
from sartor.archive.tools import find_tools
from sartor.conninfo.redaction import redact
from sartor.domain.visible import visible
from sartor.errors import SettingsError
from sartor.postgres.session import Session

_LINE = re.compile(r"psql:.+?:(?P<line>\d+): (?P<said>.+)")
_OF_SERVER = re.compile(r"(?:(?P<severity>[^:]+):\s+)?(?P<code>(?=[A-Z]*\d)[0-9A-Z]{5}): (?P<message>.+)")
_OF_PSQL = "error: "
"""What psql's own errors begin with: a file or a command that it doesn't find."""
_MILD = frozenset({"DEBUG", "LOG", "INFO", "NOTICE", "WARNING"})
_THERE = frozenset({"42710", "42P06"})
"""SQLSTATEs: a role, an extension or another object exists; so does a schema."""
_NEWER = re.compile(r"42704: .*\Wtransaction_timeout\W")
"""Matches the error of a server before 17 of a setting that newer versions of `pg_dump` write."""
_CONNECTS = re.compile(rb"^\s*\\c(?:onnect)?\b", re.MULTILINE)


async def bootstrap(session: Session, file: str) -> None:
    r"""Runs a file of SQL in the session's database by `psql`, which reads all that `pg_dump` writes.

    A role or a schema that exists is kept as it is. Raises SettingsError for a file that can't be read, has a
    `\connect`, which would leave the scratch database, or has an error; BackupFailed where there is no `psql`.
    """
    _require_fit(file)
    tools = find_tools(session.facts.server_version, encrypted=session.connection.encrypted)[0]
    given = ("--no-psqlrc", "--quiet", "--set=VERBOSITY=verbose", "--output=/dev/null", f"--file={file}")
    try:
        async with tools.started("psql", *given, session=session, most=None) as psql:
            await psql.end()
            complaints = psql.complaints
    except ProgramFailed as error:
        raise SettingsError(redact(f"scratch-bootstrap: {file}: {error}", session.secrets)) from error
    if wrong := next(filter(None, map(_wrong, complaints)), None):
        raise SettingsError(redact(f"scratch-bootstrap: {file}, {wrong}", session.secrets))
    await session.learn()
    if session.facts.ledger_exists:
        hint = "leave them out: pg_dump --exclude-table='*.sartor_*'"
        raise SettingsError(f"scratch-bootstrap: {file} has Sartor's own tables", hint=hint)


def _wrong(complaint: str) -> str | None:
    """Returns what is wrong with which line of the file; None for a notice, a warning, and what exists already."""
    if (found := _LINE.match(complaint)) is None:
        return None
    where, said = f"line {found['line']}", found["said"]
    if said.startswith(_OF_PSQL):
        return f"{where}: {visible(said.removeprefix(_OF_PSQL))}"
    error = _OF_SERVER.match(said)
    # The severity is in the server's language; the classes of success and of warnings are the same in all.
    if error is None or error["severity"] in _MILD or error["code"].startswith(("00", "01")):
        return None
    if error["code"] in _THERE or _NEWER.search(said):
        return None
    return f"{where}: {visible(error['message'])} (SQLSTATE {error['code']})"


def _require_fit(file: str) -> None:
    try:
        text = Path(file).read_bytes()
    except OSError as error:
        raise SettingsError(f"scratch-bootstrap: {file} can't be read: {error.strerror}") from error
    if _CONNECTS.search(text):
        hint = "remove the line; `pg_dump` writes none without --create"
        raise SettingsError(f"scratch-bootstrap: {file} has \\connect, which leaves the scratch database", hint=hint)
