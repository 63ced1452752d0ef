"""Turns the driver's errors into Sartor's, in one place; the cause is always kept."""

from collections.abc import Callable
from pathlib import Path

import asyncpg

from sartor.conninfo.redaction import redact
from sartor.domain.own_tables import leave
from sartor.domain.report import Failure
from sartor.domain.table_names import OwnTables
from sartor.errors import Escaped, ScriptFault, Unmet, said
from sartor.postgres.catalog import LOCKS
from sartor.postgres.driver.connection import UNASKED
from sartor.postgres.driver.refused import BeyondDatabase, NoTalk, NotAwaited, TransactionControl
from sartor.postgres.journal import BEYOND, CLOSED_CONSTRAINT, CLOSING, MARK_GONE, ROLE_LEFT, beyond
from sartor.sql.sensitive import secret_literals, without_secrets
from sartor.sql.splitting import waits_for_others
from sartor.sql.statements import Statement

ServerError = asyncpg.PostgresError
"""Any error that the server reports; it has the fields that the driver gives it, such as `sqlstate`."""
NOT_IN_A_TRANSACTION = (asyncpg.ActiveSQLTransactionError, asyncpg.InvalidTransactionTerminationError)
"""The errors of a statement that can't run, or mustn't run, in a transaction."""
INSUFFICIENT_PRIVILEGE = "42501"
"""The SQLSTATE of an action that the role has no right to."""
TOO_MANY_CONNECTIONS = "53300"
"""The SQLSTATE of a connection for which the server, the database or the role has no room."""
INVALID_CATALOG_NAME = "3D000"
"""The SQLSTATE of a connection to a database that doesn't exist."""

RETRIED = frozenset({"55P03", "40P01", "40001"})
"""The SQLSTATEs of lock not available, deadlock and serialization failure.

Another try may well succeed (the manual's appendix A).
"""

STALE = frozenset({"23505", "23502"})
"""The SQLSTATEs with which the server answers a claim where another run was first."""

UNDEFINED = frozenset({"42P01", "3F000"})
"""The SQLSTATEs of undefined table and of a schema that doesn't exist."""

_OUTSIDE, _OUTSIDE_IN_SQL = "`transaction = False`", "`-- sartor: transaction off`"
_IN_THE_WAY = frozenset({"42P01", "42809", "55006"})
"""The SQLSTATEs of undefined table, wrong object type and object in use, where they are about Sartor's own tables."""

SAVEPOINT = "wrap the statement that may fail in `async with conn.transaction():`"

FOLDER = str(Path(asyncpg.__file__).parent)


def is_the_drivers(coroutine: object) -> bool:
    """Returns whether a coroutine is the driver's own: it cancels a query in a task that it looks after itself."""
    code = getattr(coroutine, "cr_code", None)
    return code is not None and code.co_filename.startswith(FOLDER)


def unwrap(error: BaseException) -> BaseException:
    """Returns the error proper: of a group of one, which a task group makes, and of what escaped from a script."""
    while True:
        match error:
            case BaseExceptionGroup(exceptions=(only,)):
                error = only
            case Escaped(__cause__=BaseException() as cause):
                error = cause
            case _:
                return error


def sqlstate(error: BaseException) -> str | None:
    error = unwrap(error)
    return error.sqlstate if isinstance(error, asyncpg.PostgresError) else None


def is_disconnect(error: BaseException) -> bool:
    """Returns whether the connection broke: class 08, 57P01 to 57P03, 57P05, or the driver's messages for it."""
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate.startswith("08") or error.sqlstate in {"57P01", "57P02", "57P03", "57P05"}
    return isinstance(error, OSError | EOFError) or any(
        text in said(error) for text in ("connection is closed", UNASKED)
    )


def failure(
    error: BaseException,
    *,
    name: str,
    alteration_id: str | None,
    file: str,
    locate: Callable[[BaseException], tuple[str, int] | None],
    hidden: BaseException | None = None,
    overtime: str,
    tables: OwnTables,
) -> Failure:
    """Returns the facts of a script's failure, with the advice `overtime` where a statement took too long.

    `hidden` is the last error that the script met and didn't raise.
    """
    error = unwrap(error)
    message, advice = _explained(error)
    if isinstance(error, asyncpg.QueryCanceledError):
        advice = _cancelled(error, overtime)
    if sqlstate(error) in _IN_THE_WAY and any(name in message for name in tables.names):
        advice = leave(tables)
    if sqlstate(error) == "25P02" and hidden is not None and sqlstate(hidden) not in {None, "25P02"}:
        error, message = hidden, _explained(hidden)[0]
        advice = f"the script caught this error and went on, but Postgres has aborted the transaction: {SAVEPOINT}"
    place = (error.place if isinstance(error, NotAwaited | ScriptFault | Unmet) else None) or locate(error)
    server = next((e for e in (error, error.__cause__) if isinstance(e, asyncpg.PostgresError)), None)
    query: str | None = getattr(server or error, "query", None)
    statement = error.statement if isinstance(error, TransactionControl | NoTalk) else query
    if advice and name.endswith(".sql"):
        advice = advice.replace(_OUTSIDE, _OUTSIDE_IN_SQL)
    beyond = isinstance(error, BeyondDatabase) or _is_marked(error, BEYOND)

    def told(text: str | None) -> str | None:
        return text and redact(without_secrets(text), set(secret_literals(statement or "")))

    return Failure(
        name=name,
        id=alteration_id,
        message=told(message if server in {None, error} else f"{message}: {server}") or "",
        advice=advice,
        sqlstate=None if beyond else sqlstate(server or error),  # that of the check itself would say nothing
        detail=told(server.detail) if server else None,
        hint=told(server.hint) if server else None,
        context=told(server.context) if server else None,
        statement=None if not statement or "sartor.token" in statement else without_secrets(statement),
        position=int(server.position) - 1 if server and server.position else None,
        file=place[0] if place else file,
        line=place[1] if place else None,
        rolled_back=not _is_lost(error),
        in_doubt=_is_lost(error),
        beyond=beyond,
        condition=error.condition if isinstance(error, Unmet) else None,
    )


def _cancelled(error: asyncpg.QueryCanceledError, overtime: str) -> str | None:
    """Returns the advice for a cancelled statement; another session's cancel has the same SQLSTATE, but other words."""
    text = said(error)
    if "user request" in text:
        return None
    return overtime if "statement timeout" in text else f"{overtime}, or another session cancelled it"


def _is_lost(error: BaseException) -> bool:
    """Returns whether the record found another transaction than the one that the claim had begun.

    How that one ended isn't known.
    """
    claimed = isinstance(error, asyncpg.DivisionByZeroError) and CLOSING in (getattr(error, "query", "") or "")
    return claimed or _is_marked(error, MARK_GONE)


def _is_marked(error: BaseException, mark: str) -> bool:
    return isinstance(error, asyncpg.PostgresError) and mark in str(error)


def _marked(text: str, mark: str) -> str:
    return text.partition(mark)[2].rstrip('"')


def _explained(error: BaseException) -> tuple[str, str | None]:
    """Returns what happened, and what to change in the script; None where the error shows no known mistake."""
    text = said(error.args[0] if isinstance(error, asyncpg.PostgresError) and error.args else error)
    named = f"{type(error).__name__}: {text}" if text else type(error).__name__
    match error:
        case TransactionControl():
            what = error.statement if error.statement.endswith("()") else error.statement.split()[0].upper()
            advice = (
                "remove the statement: Sartor runs each script and its ledger row in one transaction; for a savepoint"
                f" use `async with conn.transaction():`; to run outside a transaction write {_OUTSIDE}"
            )
            return f"the script runs {what} in Sartor's transaction", advice
        case ScriptFault():
            return text, error.advice
        case NotAwaited():
            return text, "write `await` before the call"
        case NoTalk() if error.from_client:
            rows = "use `conn.copy_to_table` or `conn.copy_records_to_table`"
            return text, f"{rows}; in a `.sql` alteration the data follow the COPY"
        case NoTalk():
            return text, "use `conn.copy_from_table` or `conn.copy_from_query`"
        case BeyondDatabase() | Unmet():
            return text, None
        case asyncpg.PostgresError():
            return _explained_of_server(error, text)
        case BaseExceptionGroup():
            return f"{named}: {'; '.join(_explained(unwrap(each))[0] for each in error.exceptions)}", None
        case asyncpg.InterfaceError() if "another operation is in progress" in text:
            advice = (
                "another query of the script is still running: `await` every query; a connection runs one at a time"
            )
            return named, advice
        case _:
            return named, None


def _explained_of_server(error: asyncpg.PostgresError, text: str) -> tuple[str, str | None]:
    match error:
        case asyncpg.PostgresError() if MARK_GONE in text:
            gone = "Sartor's mark on the transaction is gone: the script reset all settings, or ended the transaction"
            return gone, (
                "reset settings by name: RESET ALL and DISCARD also remove the mark, and then the script is rolled"
                " back; if the script ended the transaction itself, check which of its changes were committed"
            )
        case asyncpg.PostgresError() if ROLE_LEFT in text:
            advice = (
                "end the script with `reset role`; otherwise Sartor would record it, and run the next one, as that role"
            )
            return f"the script left the role set to {_marked(text, ROLE_LEFT)}", advice
        case asyncpg.PostgresError() if BEYOND in text:
            return beyond(_marked(text, BEYOND)), None
        case asyncpg.ForeignKeyViolationError() if str(error.constraint_name).endswith(CLOSED_CONSTRAINT):
            return (
                "the script caused Sartor's deferred constraint to be checked before COMMIT",
                "SET CONSTRAINTS ALL also affects Sartor's constraint: name the constraints instead of ALL",
            )
        case _:
            return text, _advice(error)


def _advice(error: asyncpg.PostgresError) -> str | None:
    match error:
        case asyncpg.DivisionByZeroError() if _is_lost(error):
            return "the script ended its transaction itself; its later changes may be committed"
        case asyncpg.InFailedSQLTransactionError():
            return f"the script caught an error and went on, but Postgres has aborted the transaction: {SAVEPOINT}"
        case asyncpg.DuplicateTableError() | asyncpg.UndefinedObjectError() if waits_for_others(
            getattr(error, "query", None) or ""
        ):
            return (
                "an interrupted run may have executed this statement already: with `if not exists` or `if exists`"
                " the script can run again"
            )
        case asyncpg.ActiveSQLTransactionError() if Statement(getattr(error, "query", None) or "").starts("set"):
            return (
                "Sartor has begun the script's transaction, and written to it: a script that needs another isolation"
                f" level runs outside it, with {_OUTSIDE}, and begins one of its own"
            )
        case asyncpg.ActiveSQLTransactionError():
            return f"this statement can't run inside a transaction: add {_OUTSIDE} to the script"
        case asyncpg.OutOfMemoryError() if LOCKS in str(error.hint):
            return (
                f"the server has no room for more locks: double {LOCKS} (`show {LOCKS}` tells its value; 128 if that is"
                " 64) and restart the server, or split the script"
            )
        case asyncpg.LockNotAvailableError():
            return (
                "the lock wasn't available in time; try again when there is less traffic, or with a longer"
                " `limits.lock_budget`"
            )
        case asyncpg.InsufficientPrivilegeError():
            owner = "the role that deploys must own the objects that the script alters, or inherit from their owner"
            return f"{owner}; a member that doesn't inherit can act as the owner: alter role MEMBER set role = OWNER"
        case _:
            return None
