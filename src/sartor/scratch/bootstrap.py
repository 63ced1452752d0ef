"""Puts into a scratch database what alterations stand on there: extensions, roles, a platform's schemas."""

from sartor.alterations.files import file_blocks
from sartor.alterations.script import Fragment
from sartor.alterations.sql_file import read_statements
from sartor.conninfo.redaction import redact
from sartor.domain.visible import visible
from sartor.errors import CatalogueError, ScriptError, SettingsError
from sartor.postgres.connect.connect import close, connect
from sartor.postgres.driver.connection import Connection
from sartor.postgres.errors import ServerError
from sartor.postgres.session import Session

_THERE = frozenset({"42710", "42P06"})
"""SQLSTATEs: a role, an extension or another object exists; so does a schema."""
_UNKNOWN = "42704"
"""The SQLSTATE with which a server before 17 refuses `transaction_timeout`, which newer versions of `pg_dump` set."""

_SESSION = """
reset all; set statement_timeout = 0; set default_transaction_read_only = off;
set client_connection_check_interval = '1s'
"""
"""Whatever is set for the role, but with its search_path; where Sartor is killed, the server notices."""


async def bootstrap(session: Session, file: str) -> None:
    """Runs a file of SQL in the session's database, such as `pg_dump` and `pg_dumpall --globals-only` write it.

    A role, an extension or a schema that exists is kept as it is. Raises SettingsError, which names the line, where the
    file can't be read, has another command of psql's, has an error, or leaves a transaction open.
    """
    try:
        fragments = read_statements(file, file, file_blocks(file))
    except ScriptError as error:
        hint = "write it as SQL: `pg_dump` without --create, and `pg_dumpall --globals-only`, write nothing else"
        raise SettingsError(f"scratch-bootstrap: {error}", hint=hint) from error
    except CatalogueError as error:
        raise SettingsError(f"scratch-bootstrap: {error}") from error
    # Not the session's own connection, in which nothing may change what outlasts the database, as roles do.
    connection = await connect(session.destination, application=session.application)
    try:
        await connection.execute(_SESSION)
        begun = 0
        for fragment in fragments:
            if wrong := await _run(connection, fragment):
                raise SettingsError(redact(f"scratch-bootstrap: {file}, {wrong}", session.secrets))
            begun = (begun or fragment.line) if connection.is_in_transaction() else 0
    finally:
        await close(connection)
    if begun:
        reason = f"line {begun}: the transaction that begins here isn't committed"
        raise SettingsError(f"scratch-bootstrap: {file}, {reason}", hint="end the file with `commit;`")
    await session.learn()
    if session.facts.ledger_exists:
        hint = "leave them out: pg_dump --exclude-table='*.sartor_*'"
        raise SettingsError(f"scratch-bootstrap: {file} has Sartor's own tables", hint=hint)


async def _run(connection: Connection, fragment: Fragment) -> str | None:
    """Runs a statement; returns what is wrong with which line, None also for what exists already."""
    try:
        if fragment.rows is None:
            await connection.execute(fragment.text)
        else:
            await connection.copy_rows(fragment.text, fragment.rows)
    except ServerError as error:
        newer = error.sqlstate == _UNKNOWN and "transaction_timeout" in str(error)
        if not (newer or error.sqlstate in _THERE) or connection.is_in_transaction():
            return f"line {fragment.line_of(error)}: {visible(str(error))} (SQLSTATE {error.sqlstate})"
    return None
