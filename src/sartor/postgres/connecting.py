"""Making connections and closing them, and why there is none."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import asyncpg

from sartor.domain.destination import Destination, redact
from sartor.domain.errors import DestinationError, Unreachable, Unsupported
from sartor.postgres.connection import Connection

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises, apart from OSError."""

OLDEST_SERVER = 14
"""The oldest major version of Postgres that Sartor supports."""

CONNECT_TIMEOUT = 10.0
"""Seconds that a connection may take, where the URL doesn't say (`connect_timeout`)."""


async def connect(destination: Destination, *, application: str, kind: type[Connection] = Connection) -> Connection:
    """A connection with no statement cache: scripts alter the tables that they queried.

    Raises Unreachable, and Unsupported where the server is too old.
    """
    timeout = destination.connect_timeout or CONNECT_TIMEOUT
    try:
        connection: Any = await asyncpg.connect(
            destination.url,
            connection_class=kind,
            statement_cache_size=0,
            server_settings={"application_name": application},
            ssl=ssl.create_default_context() if destination.system_roots else None,
            timeout=timeout,
        )
        await connection.enter_fence()
    except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise connect_error(error, destination, timeout) from error
    except asyncpg.InternalClientError as error:
        raise connect_error(error, destination, timeout) from error
    assert isinstance(connection, Connection)  # noqa: S101 - for the type checker
    if (major := connection.get_server_version().major) < OLDEST_SERVER:
        await close(connection)
        raise Unsupported(
            f"{destination.label}: the server is Postgres {major}, and Sartor needs {OLDEST_SERVER} or later"
        )
    return connection


async def stay(connection: Connection) -> None:
    """See that the server doesn't end this session while it is idle. Not for a pooler's, which others use after it."""
    await connection.execute("set idle_session_timeout = 0")


async def close(connection: Connection) -> None:
    """Close a connection; cut it where that takes a second."""
    try:
        await asyncio.wait_for(connection.close(), timeout=1)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection.terminate()


def connect_error(error: BaseException, destination: Destination, timeout: float) -> Unreachable:
    """Why there is no connection, and what to do about it."""
    reason, hint = _why_not(error, timeout)
    return Unreachable(redact(f"{destination.label}: {reason}", destination.secrets), hint=hint)


def _why_not(error: BaseException, timeout: float) -> tuple[str, str]:
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return (
                f"the server refuses these credentials ({error})",
                "check user and password (--db-url, SARTOR_DB_URL, SARTOR_PASSWORD, ~/.pgpass) and pg_hba.conf",
            )
        case asyncpg.InvalidCatalogNameError():
            return (f"{error}", "check the database's name in the URL, or create it: createdb NAME")
        case asyncpg.TooManyConnectionsError():
            return (f"the server has no connection left ({error})", "try again, or raise max_connections")
        case asyncpg.CannotConnectNowError():
            return (f"the server isn't taking connections: {error}", "try again in a moment")
        case asyncpg.UndefinedObjectError() if "configuration parameter" in str(error):
            return (f"the server refuses: {error}", "check the spelling of what follows the ? in the URL")
        case asyncpg.PostgresError():
            return (f"the server refuses: {error}", "ask whoever runs the server")
        case asyncpg.ClientConfigurationError() if "root certificate" in str(error):
            return (
                f"TLS can't be checked: {error.args[0]}",
                "name the authority's file with sslrootcert=FILE, or trust the machine's own: sslrootcert=system",
            )
        case ssl.SSLError():
            return (
                f"TLS failed: {error.reason or error}",
                "check sslmode and sslrootcert in the URL; this machine must trust the server's certificate",
            )
        case socket.gaierror():
            return (f"the host's name can't be resolved ({error.strerror})", "check the host in the URL")
        case TimeoutError() | asyncio.TimeoutError():
            return (
                f"no answer within {timeout:g} s",
                "check host, port and firewall; `connect_timeout=30` in the URL waits longer",
            )
        case ConnectionRefusedError():
            return ("nothing listens there", "check host and port, and that the server runs")
        case ConnectionError() if "SSL" in str(error) or "ssl" in str(error):
            return (f"TLS failed: {error}", "the server has no TLS; sslmode=prefer goes without")
        case OSError():
            return (
                error.strerror or str(error) or type(error).__name__,
                "check host and port, and that the server runs",
            )
        case _:
            return (str(error) or type(error).__name__, "check the URL; the manual's chapter 34.1.1 describes it")


def session_error(error: BaseException, destination: Destination) -> DestinationError:
    """What it means that a session's own statement failed: the ledger's reading or making, not a script."""
    text = redact(f"{destination.label}: {error}", destination.secrets)
    if isinstance(error, asyncpg.PostgresError) and not isinstance(error, asyncpg.PostgresConnectionError):
        return DestinationError(f"{text} (SQLSTATE {error.sqlstate})")
    return Unreachable(f"{text}: the connection was lost", hint="run the command again once the server answers")
