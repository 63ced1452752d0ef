"""Connects to one place: its addresses, TLS and plain text in turn, one call of the driver each."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from dataclasses import dataclass
from typing import Any

import asyncpg

from sartor.postgres.connect import tls
from sartor.postgres.connect.keepalive import limit_silence, server_limits
from sartor.postgres.driver.connection import Connection
from sartor.postgres.target_server import Password, Place, Reached, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request for a connection of the class `kind`, which is tried at each place of the way.

    `wanted` is the kind of server, as `target_session_attrs` names it.
    """

    way: Way
    application: str
    kind: type[Connection]
    wanted: str


async def resolve(call: Call, named: Place) -> list[Place]:
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


async def reach(call: Call, place: Place, password: Password) -> Connection:
    """Connects to a place, with TLS or without it as `sslmode` says.

    Raises as the driver does, TimeoutError, and SettingsError and Unreachable where TLS can't be had.
    """
    *first, last = tls.attempts(call.way.keywords, host=place.host, address=place.address)
    async with asyncio.timeout(call.way.timeout):
        for attempt in first:
            try:
                return await _open(call, place, password, attempt)
            except (asyncpg.InvalidPasswordError, ConnectionRefusedError):
                raise
            except (asyncpg.InvalidAuthorizationSpecificationError, ConnectionError, ssl.SSLError):
                continue  # pg_hba.conf may have a line for the other kind, or the server no TLS
        return await _open(call, place, password, last)


async def _open(call: Call, place: Place, password: Password, attempt: tls.Encryption | None) -> Connection:
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
    limit_silence(made.socket, keywords)
    await made.enter_fence(server_limits(made.socket, keywords))
    made.reached = Reached(way, place, password.text)
    return made
