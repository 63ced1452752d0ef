"""Parameters of TLS that `psql` has since Postgres 16 and 17: the one beside the tests' server may be older."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from sartor import Destination, Unreachable
from sartor.postgres.connect.connect import close, connect
from support.secured import PASSWORD, Secured

ENCRYPTED = "select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()"


async def _encrypted(url: str) -> bool:
    connection = await connect(Destination.parse(url)._replace(settled=True), application="test")
    try:
        return bool(await connection.fetchval(ENCRYPTED))
    finally:
        await close(connection)


def test_the_authorities_of_the_system(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sslrootcert=system` trusts the authorities that OpenSSL knows, and then the host's name is checked."""
    place = f"port={secured.port} user=app dbname=encrypted sslrootcert=system password='{PASSWORD}'".replace(
        "\\", r"\\"
    )
    with pytest.raises(Unreachable, match="isn't signed by an authority of this computer"):
        asyncio.run(_encrypted(f"host=localhost {place}"))
    monkeypatch.setenv("SSL_CERT_FILE", str(secured.certificates / "ca.crt"))
    assert asyncio.run(_encrypted(f"host=localhost {place}"))
    with pytest.raises(Unreachable, match=r"isn't for 127\.0\.0\.1, as sslmode=verify-full requires"):
        asyncio.run(_encrypted(f"host=127.0.0.1 {place}"))


def test_no_certificate_is_sent(secured: Secured) -> None:
    """`sslcertmode=disable` sends no certificate, although there is one."""
    files = f"sslcert={secured.certificates}/client.crt sslkey={secured.certificates}/client.key sslmode=require"
    place = f"host=127.0.0.1 port={secured.port} user=app dbname=certified {files}"
    assert asyncio.run(_encrypted(place))
    with pytest.raises(Unreachable, match="certificate"):
        asyncio.run(_encrypted(f"{place} sslcertmode=disable"))


def test_tls_from_the_first_byte(secured: Secured) -> None:
    """`sslnegotiation=direct` begins with TLS, without Postgres's request for it, and names the protocol (ALPN)."""
    spoken: list[str | None] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spoken.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        back, forth = await asyncio.open_connection("127.0.0.1", secured.port)
        await asyncio.gather(_pass_on(reader, forth), _pass_on(back, writer))

    async def ask() -> bool:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(secured.certificates / "server.crt", secured.certificates / "server.key")
        context.set_alpn_protocols(["postgresql"])
        async with await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            files = f"sslmode=verify-full sslrootcert={secured.certificates}/ca.crt sslnegotiation=direct"
            return await _encrypted(f"host=localhost hostaddr=127.0.0.1 port={port} user=app dbname=open {files}")

    assert not asyncio.run(ask())  # behind the relay: the server itself sees none
    assert spoken == ["postgresql"]


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(10_000):
        writer.write(said)
        await writer.drain()
    writer.close()
