"""Servers that refuse: one that follows a primary and asks for passwords, one that speaks TLS with an unknown name."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sartor.embedded.cluster import Account
from sartor.embedded.server import default_directory, serve
from support.database import Database, with_name

PASSWORD = "correct-horse"  # noqa: S105 - a test's own
HBA = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
SSL_REQUEST = 8


@dataclass(frozen=True)
class Strict:
    """A standby with two databases, `filled` and `empty`; its role `app` must give PASSWORD."""

    filled: Database
    empty: Database


@contextmanager
def strict_standby(folder: Path, fill: Callable[[Database], None]) -> Iterator[Strict]:
    """A server that was a primary while `fill` was given a database, and then became a standby."""
    directory = default_directory(folder)
    with serve(directory, tcp=True, settings={"fsync": "off"}) as server:
        (directory / "data" / "pg_hba.conf").write_text(HBA)
        found = Strict(*(Database(with_name(server.url, name), name) for name in ("filled", "empty")))
        main = Database(server.url, "postgres")
        main.run(f"create role app login password '{PASSWORD}'", "create database filled", "create database empty")
        fill(found.filled)
        (directory / "data" / "standby.signal").touch()
        command = (server.bin / "pg_ctl", "restart", "-w", "-m", "fast", "-D", directory / "data")
        assert Account.of_the_server().run(*command) == 0
        assert main.value("select pg_is_in_recovery()")
        yield found


def closed_port() -> int:
    """A port of this machine where nothing listens."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield int(server.getsockname()[1])


@contextmanager
def tls_port(folder: Path) -> Iterator[int]:
    """A port that speaks Postgres's TLS handshake, with a certificate that nobody has signed. Needs `openssl`."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    subprocess.run(["openssl", *command, "-keyout", key, "-out", certificate], check=True, capture_output=True)  # noqa: S607
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=_answer, args=(server, context), daemon=True).start()
        yield int(server.getsockname()[1])


def _answer(server: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError):  # the listener closes when the test ends
        while True:
            client, _ = server.accept()
            client.settimeout(10)
            with closing(client), suppress(OSError):
                client.recv(SSL_REQUEST)
                client.sendall(b"S")
                context.wrap_socket(client, server_side=True).close()
