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

_ERROR = re.compile(r"psql:.+?:(?P<line>\d+): (?:[^:]+:\s+)?(?P<code>(?=[A-Z]*\d)[0-9A-Z]{5}): (?P<message>.+)")
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
        async with tools.started("psql", *given, session=session) as psql:
            await psql.end()
            complaints = psql.complaints
    except ProgramFailed as error:
        raise SettingsError(redact(f"scratch-bootstrap: {file}: {error}", session.secrets)) from error
    for found in filter(None, map(_ERROR.match, complaints)):
        if found["code"] not in _THERE and not _NEWER.search(found[0]):
            what = f"{visible(found['message'])} (SQLSTATE {found['code']})"
            raise SettingsError(redact(f"scratch-bootstrap: {file}, line {found['line']}: {what}", session.secrets))
    await session.learn()
    if session.facts.ledger_exists:
        hint = "leave them out: pg_dump --exclude-table='*.sartor_*'"
        raise SettingsError(f"scratch-bootstrap: {file} has Sartor's own tables", hint=hint)


def _require_fit(file: str) -> None:
    try:
        text = Path(file).read_bytes()
    except OSError as error:
        raise SettingsError(f"scratch-bootstrap: {file} can't be read: {error.strerror}") from error
    if _CONNECTS.search(text):
        hint = "remove the line; `pg_dump` writes none without --create"
        raise SettingsError(f"scratch-bootstrap: {file} has \\connect, which leaves the scratch database", hint=hint)
