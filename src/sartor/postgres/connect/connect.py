"""Makes connections and closes them, and explains why one can't be made."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from typing import NamedTuple

import asyncpg

from sartor.conninfo.redaction import redact
from sartor.domain.destination import Destination
from sartor.errors import DestinationError, Locked, Unreachable, Unsupported
from sartor.log import LOG
from sartor.postgres.connect.address import Call, reach, resolve
from sartor.postgres.driver.connection import Connection
from sartor.postgres.target_server import Password, Place, Way, find_way

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The errors that the driver raises, apart from OSError."""

OLDEST_SERVER = 14
"""The oldest major version of Postgres that Sartor supports."""


class Failed(NamedTuple):
    """A place that wasn't reached, the password that was ready for it, and the error."""

    place: Place
    password: Password
    error: BaseException


async def connect(destination: Destination, *, application: str, kind: type[Connection] = Connection) -> Connection:
    """Connects to a destination, with no statement cache: scripts alter the tables that they queried.

    The places are tried in turn, each for as long as `connect_timeout` says. Raises Unreachable, Unsupported where the
    server is too old, and SettingsError where the settings don't say how to connect.
    """
    way = find_way(destination)
    failed: list[Failed] = []
    for wanted in _wanted(way):
        call = Call(way=way, application=application, kind=kind, wanted=wanted)
        for named in way.places:
            if made := await _connect_to(call, named, failed, destination):
                return await _checked(made, destination)
    raise _error(failed, destination, way.timeout) from failed[-1].error


async def _connect_to(call: Call, named: Place, failed: list[Failed], destination: Destination) -> Connection | None:
    """Connects to one of a host's addresses.

    Returns None where the next host is to be tried; `failed` then says why.
    """
    password = call.way.password(named)
    try:
        places = await resolve(call, named)
    except OSError as error:
        failed.append(Failed(named, password, error))
        return None
    for place in places:
        began = time.monotonic()
        try:
            made = await reach(call, place, password)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched) as error:
            LOG.debug("%s wasn't reached: %s", place, type(error).__name__)
            failed.append(Failed(place, password, error))
        except (ValueError, *DRIVER_ERRORS) as error:
            raise _error([Failed(place, password, error)], destination, call.way.timeout) from error
        else:
            took = (time.monotonic() - began) * 1000
            LOG.debug("[%d] connected to %s, %s, in %.1f ms", made.get_server_pid(), place, destination.label, took)
            return made
    return None


async def _checked(connection: Connection, destination: Destination) -> Connection:
    if (major := connection.get_server_version().major) < OLDEST_SERVER:
        await close(connection)
        raise Unsupported(
            f"{destination.label}: the server is Postgres {major}; Sartor needs Postgres {OLDEST_SERVER} or later"
        )
    return connection


def _wanted(way: Way) -> list[str]:
    """Returns the kinds of server to look for, in order."""
    wanted = way.keywords.get("target_session_attrs", "any")
    return ["standby", "any"] if wanted == "prefer-standby" else [wanted]


async def stay(connection: Connection) -> None:
    """Keeps the server from ending this session while it is idle. Not for a pooler's, which others use later."""
    await connection.execute("set idle_session_timeout = 0")


async def close(connection: Connection) -> None:
    """Closes a connection; cuts it where closing fails or takes longer than a second."""
    try:
        await asyncio.wait_for(connection.close(), timeout=1)
    except (TimeoutError, OSError, *DRIVER_ERRORS):
        connection.terminate()


def _error(failed: list[Failed], destination: Destination, timeout: float) -> Unreachable:
    """Makes the error that says why there is no connection, and what to do; each of several places has its reason."""
    reasons = [(each.place, *_why_not(each.error, timeout, each.password)) for each in failed]
    *_, reason, hint = reasons[-1]
    if len({place for place, *_ in reasons}) > 1:
        reason = "; ".join(f"{_shown(place)}: {why}" for place, why, _ in reasons)
    secrets = (*destination.secrets, *(each.password.text for each in failed if each.password.text))
    return Unreachable(redact(f"{destination.label}: {reason}", secrets), hint=hint)


def _shown(place: Place) -> str:
    return f"{place}" + (f" ({place.address})" if place.host not in {"", place.address} else "")


def _why_not(error: BaseException, timeout: float, password: Password) -> tuple[str, str]:
    """Returns why there is no connection, and what to do about it."""
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return _authentication(error, password)
        case asyncpg.PostgresError():
            return _refusal(error)
        case asyncpg.TargetServerAttributeNotMatched():
            return (
                "no server has the properties that target_session_attrs requires",
                "give the address of a server that has them, or another target_session_attrs",
            )
        case ssl.SSLError():
            return (
                f"TLS failed: {error.reason or error}",
                "check sslmode and sslrootcert in the URL; this computer must trust the server's certificate",
            )
        case socket.gaierror():
            return (f"the host name can't be resolved ({error.strerror})", "check the host in the URL")
        case TimeoutError() | asyncio.TimeoutError():
            return (
                f"no answer within {timeout:g} s",
                "check the host, the port and the firewall; to wait longer, add `connect_timeout=30` to the URL",
            )
        case ConnectionRefusedError():
            return (
                "connection refused: no server listens on this host and port",
                "check the host and the port, and that the server is running",
            )
        case ConnectionError() if "SSL" in str(error) or "ssl" in str(error):
            return (f"TLS failed: {error}", "the server doesn't support TLS; sslmode=prefer connects without TLS")
        case OSError():
            return (
                error.strerror or str(error) or type(error).__name__,
                "check the host and the port, and that the server is running",
            )
        case _:
            return (str(error) or type(error).__name__, "check the URL; see chapter 34.1.1 of the Postgres manual")


def _authentication(error: BaseException, password: Password) -> tuple[str, str]:
    match error:
        case asyncpg.InvalidPasswordError() if password.text is None:
            return (
                "the server asks for a password, but none is given" + (password.source and f" ({password.source})"),
                "give the password in `destination`, in PGPASSWORD or in ~/.pgpass (mode 0600)",
            )
        case asyncpg.InvalidPasswordError():
            return (
                f"authentication failed with the password from {password.source} ({error})",
                "check user and password (`destination`, PGPASSWORD, ~/.pgpass) and pg_hba.conf",
            )
        case _:
            return (
                f"authentication failed ({error})",
                "check user and password (`destination`, PGPASSWORD, ~/.pgpass) and pg_hba.conf",
            )


def _refusal(error: asyncpg.PostgresError) -> tuple[str, str]:
    match error:
        case asyncpg.PostgresError() if "unsupported startup parameter" in str(error):
            name = str(error).rpartition(" ")[2].strip("\"'")
            ignore = f"ignore_startup_parameters = {name} in pgbouncer.ini"
            return (
                f"the pooler doesn't accept the parameter {name} of the URL or the environment ({error})",
                f"leave {name} out, give the address of the server instead of the pooler, or set {ignore}",
            )
        case asyncpg.InvalidCatalogNameError():
            return (f"{error}", "check the database name in the URL, or create the database: createdb NAME")
        case asyncpg.TooManyConnectionsError():
            return (f"too many connections to the server ({error})", "try again later, or raise max_connections")
        case asyncpg.CannotConnectNowError():
            return (f"the server doesn't accept connections now: {error}", "try again in a few seconds")
        case asyncpg.UndefinedObjectError() if "configuration parameter" in str(error):
            return (
                f"the server refused the connection: {error}",
                "check the spelling of the parameters after the ? in the URL",
            )
        case _:
            return (f"the server refused the connection: {error}", "ask the server's administrator")


def session_error(error: BaseException, destination: Destination) -> DestinationError:
    """Returns the error for a failed statement of the session's own: reading or making the ledger, not a script."""
    text = redact(f"{destination.label}: {error}", destination.secrets)
    if isinstance(error, asyncpg.LockNotAvailableError):
        return Locked(f"{text}: another session has locked a table that Sartor has to read or write")
    if isinstance(error, asyncpg.PostgresError) and not isinstance(error, asyncpg.PostgresConnectionError):
        return DestinationError(f"{text} (SQLSTATE {error.sqlstate})")
    return Unreachable(f"{text}: the connection was lost", hint="run the command again when the server can be reached")
