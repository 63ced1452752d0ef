"""Makes connections and closes them, and explains why one can't be made.

The driver is called for one address at a time, with TLS or without it.
"""

import asyncio
import random
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg

from sartor.conninfo.redaction import redact
from sartor.domain.destination import Destination
from sartor.errors import DestinationError, Locked, Unreachable, Unsupported
from sartor.log import LOG
from sartor.postgres.connect import tls
from sartor.postgres.connect.keepalive import limit_silence
from sartor.postgres.driver.connection import Connection
from sartor.postgres.target_server import Password, Place, Reached, Way, find_way
from sartor.sql.quoting import quote_identifier

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The errors that the driver raises, apart from OSError."""

_PASSING = (
    ConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.TooManyConnectionsError,
)
"""The errors for which the same attempt may succeed in a few seconds."""

_IS_IT_THERE = "check the host and the port, and that the server is running"

OLDEST_SERVER = 14
"""The oldest major version of Postgres that Sartor supports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A request for a connection of the class `kind`, which is tried at each place of the way to a destination.

    `wanted` is the kind of server, as `target_session_attrs` names it.
    """

    destination: Destination
    way: Way
    application: str
    kind: type[Connection]
    wanted: str


class _Failed(NamedTuple):
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
    failed: list[_Failed] = []
    wanted = way.keywords.get("target_session_attrs", "any")
    for each in ["standby", "any"] if wanted == "prefer-standby" else [wanted]:
        call = _Call(
            destination=destination, way=way, application=destination.called(application), kind=kind, wanted=each
        )
        for named in way.places:
            if made := await _connect_to(call, named, failed):
                return made
    raise _error(failed, destination, way) from failed[-1].error


async def _connect_to(call: _Call, named: Place, failed: list[_Failed]) -> Connection | None:
    """Connects to one of a host's addresses.

    Returns None where the next host is to be tried; `failed` then says why.
    """
    password = call.way.password(named)
    try:
        places = await _resolve(call, named)
    except OSError as error:
        failed.append(_Failed(named, password, error))
        return None
    for place in places:
        began = time.monotonic()
        try:
            made = await _reach(call, place, password)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched) as error:
            LOG.debug("%s wasn't reached: %s", place, type(error).__name__)
            failed.append(_Failed(place, password, error))
        except (ValueError, *DRIVER_ERRORS) as error:
            raise _error([_Failed(place, password, error)], call.destination, call.way) from error
        else:
            took = (time.monotonic() - began) * 1000
            LOG.debug(
                "[%d] connected to %s, %s, in %.1f ms", made.get_server_pid(), place, call.destination.label, took
            )
            return made
    return None


async def _resolve(call: _Call, named: Place) -> list[Place]:
    """Returns a place for each address of a host: a silent one mustn't use up the time of the next. Raises OSError."""
    if named.is_socket:
        return [named]
    async with asyncio.timeout(call.way.timeout):
        found = await asyncio.get_running_loop().getaddrinfo(
            named.address, int(named.port), type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    if call.way.keywords.get("load_balance_hosts") == "random":
        random.shuffle(addresses)
    # Kerberos needs the name; where there is one address, the driver finds that one too.
    return [named] if len(addresses) == 1 else [named._replace(address=address) for address in addresses]


async def _reach(call: _Call, place: Place, password: Password) -> Connection:
    """Connects to a place, with TLS or without it as `sslmode` says.

    Raises as the driver does, TimeoutError, and SettingsError and Unreachable where TLS can't be had.
    """
    *first, last = tls.attempts(call.way.keywords, place)
    untrusted: ssl.SSLCertVerificationError | None = None
    async with asyncio.timeout(call.way.timeout):
        for attempt in first:
            try:
                return await _open(call, place, password, attempt)
            except (asyncpg.InvalidPasswordError, ConnectionRefusedError):
                raise
            except (asyncpg.InvalidAuthorizationSpecificationError, ConnectionError, ssl.SSLError) as error:
                # pg_hba.conf may have a line for the other kind, or the server no TLS
                LOG.debug("%s is tried %s TLS: %s", place, "with" if last else "without", error)
                untrusted = error if isinstance(error, ssl.SSLCertVerificationError) else None
                tls.remember_answer(place, error)
        try:
            return await _open(call, place, password, last)
        except asyncpg.InvalidPasswordError:
            raise
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            if untrusted is not None:
                raise untrusted from error
            raise


async def _open(call: _Call, place: Place, password: Password, attempt: tls.Encryption | None) -> Connection:
    way, keywords = call.way, call.way.keywords
    # Each argument is given, and none that the environment could fill is None.
    arguments: dict[str, Any] = {
        "host": place.address,
        "port": int(place.port),
        "user": way.user,
        "password": password.text or "",
        "database": way.database,
        "ssl": attempt or False,
        "direct_tls": keywords.get("sslnegotiation") == "direct" and attempt is not None,
        "server_settings": {**way.settings, "application_name": call.application},
        "target_session_attrs": call.wanted,
        "krbsrvname": keywords.get("krbsrvname", "postgres"),
        "gsslib": keywords.get("gsslib", "gssapi"),
        "timeout": None,
    }
    made = await asyncpg.connect(connection_class=call.kind, statement_cache_size=0, **arguments)
    assert isinstance(made, Connection)  # noqa: S101 - for the type checker
    if (major := made.get_server_version().major) < OLDEST_SERVER:
        made.terminate()
        said = f"the server is Postgres {major}; Sartor needs Postgres {OLDEST_SERVER} or later"
        raise Unsupported(f"{call.destination.label}: {said}")
    # While it waits for another session, the server mustn't end this one for being idle.
    await made.enter_fence({"idle_session_timeout": "0", **limit_silence(made.socket, keywords)})
    made.reached = Reached(way, place, password.text)
    return made


async def close(connection: Connection) -> None:
    """Closes a connection; cuts it where closing fails or takes longer than a second."""
    try:
        await asyncio.wait_for(connection.close(), timeout=1)
    except (TimeoutError, OSError, *DRIVER_ERRORS):
        connection.terminate()


def _error(failed: list[_Failed], destination: Destination, way: Way) -> Unreachable:
    """Makes the error that says why there is no connection, and what to do; each of several places has its reason."""
    reasons = [(each.place, *_why_not(each, way)) for each in failed]
    *_, reason, hint = reasons[-1]
    if len({place for place, *_ in reasons}) > 1:
        reason = "; ".join(f"{_shown(place)}: {why}" for place, why, _ in reasons)
    secrets = (*destination.secrets, *(each.password.text for each in failed if each.password.text))
    found = Unreachable(redact(f"{destination.label}: {reason}", secrets), hint=hint)
    found.may_pass = isinstance(failed[-1].error, _PASSING)
    return found


def _shown(place: Place) -> str:
    return f"{place}" + (f" ({place.address})" if place.host not in {"", place.address} else "")


def _why_not(failed: _Failed, way: Way) -> tuple[str, str]:
    match error := failed.error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return _authentication(error, failed.password)
        case asyncpg.PostgresError():
            return _refusal(error, way)
        case asyncpg.TargetServerAttributeNotMatched():
            hint = "give the address of a server that has them, or another target_session_attrs"
            return "no server has the properties that target_session_attrs requires", hint
        case ssl.SSLError():
            return tls.failure(error, way.keywords, failed.place.host or failed.place.address)
        case socket.gaierror():
            return (f"the host name can't be resolved ({error.strerror})", "check the host in the URL")
        case TimeoutError() | asyncio.TimeoutError():
            hint = "check the host, the port and the firewall; to wait longer, add `connect_timeout=30` to the URL"
            return f"no answer within {way.timeout:g} s", hint
        case ConnectionRefusedError():
            return "connection refused: no server listens on this host and port", _IS_IT_THERE
        case ConnectionError() if "SSL" in str(error) or "ssl" in str(error):
            return _without_tls(error, way)
        case OSError():
            return error.strerror or str(error) or type(error).__name__, _IS_IT_THERE
        case _:
            return (str(error) or type(error).__name__, "check the URL; see chapter 34.1.1 of the Postgres manual")


def _without_tls(error: ConnectionError, way: Way) -> tuple[str, str]:
    if way.require_tls:
        hint = (
            "turn TLS on at the server (ssl = on, and a certificate), or turn off `require_tls`; no password was sent"
        )
        return "TLS is required, but the server doesn't support it", hint
    return f"TLS failed: {error}", "the server doesn't support TLS; sslmode=prefer connects without TLS"


def _authentication(error: BaseException, password: Password) -> tuple[str, str]:
    hint = "check user and password (`destination`, PGPASSWORD, ~/.pgpass) and pg_hba.conf"
    if not isinstance(error, asyncpg.InvalidPasswordError):
        certificate = "the client certificate (sslcert and sslkey), if the server asks for one"
        return f"authentication failed ({error})", f"check the user, pg_hba.conf, and {certificate}"
    if password.text is None:
        reason = "the server asks for a password, but none is given" + (password.source and f" ({password.source})")
        return reason, "give the password in `destination`, in PGPASSWORD or in ~/.pgpass (mode 0600)"
    return f"authentication failed with the password from {password.source} ({error})", hint


def _refusal(error: asyncpg.PostgresError, way: Way) -> tuple[str, str]:
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
            # The server's functions, as its message is in its own language.
            limited = {"InitializeSessionUserId": ("role", way.user), "CheckMyDatabase": ("database", way.database)}
            kind, name = limited.get(getattr(error, "server_source_function", ""), ("", ""))
            if not kind:
                return f"too many connections ({error})", "try again later, or raise max_connections"
            wider = f"alter {kind} {quote_identifier(name)} connection limit N"
            return f"too many connections ({error})", f"try again later, or run: {wider}"
        case asyncpg.ConnectionDoesNotExistError():
            return f"the server closed the connection ({error})", tls.check_own(way.keywords)
        case asyncpg.CannotConnectNowError():
            return (f"the server doesn't accept connections now: {error}", "try again in a few seconds")
        case asyncpg.UndefinedObjectError():  # a configuration parameter: nothing else is named while connecting
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
        unreadable = isinstance(error, asyncpg.CharacterNotInRepertoireError)
        hint = "a name in the database isn't UTF-8, which SQL_ASCII allows: rename the object" if unreadable else None
        return DestinationError(f"{text} (SQLSTATE {error.sqlstate})", hint=hint)
    lost = Unreachable(f"{text}: the connection was lost", hint="run the command again when the server can be reached")
    lost.may_pass = True
    return lost
