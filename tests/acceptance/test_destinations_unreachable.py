"""Databases that can't be reached: said before anything is done, with what to do about it."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.command import Command
from support.database import Database, with_name
from support.folder import Folder
from support.proxy import proxy_to
from support.roles import temporary_role
from support.servers import closed_port, silent_port, tls_port


@pytest.fixture(autouse=True)
def _pending(folder: Folder) -> None:
    folder.table("1.0.0-1700000000-a.py")


def refused(sartor: Command, url: str) -> str:
    """What `deploy` says of a database that it can't reach; `status` fails alike, and neither has a result."""
    plain = sartor("deploy", "latest", env={"SARTOR_DB_URL": url}, expect=6)
    assert plain.out == ""
    assert plain.err.count("error:") == plain.err.count("hint:") == 1
    reading = sartor("status", "--json", env={"SARTOR_DB_URL": url}, expect=6)
    error = reading.json["error"]
    assert (error["kind"], error["exit_code"]) == ("Unreachable", 6)
    assert f"error: {error['message']}\n  hint: {error['hint']}\n" == reading.err
    return plain.err


def test_a_port_where_nothing_listens(sartor: Command) -> None:
    """A server that doesn't run is named by address."""
    port = closed_port()
    said = refused(sartor, f"postgresql://app@127.0.0.1:{port}/shop")
    assert f"app@127.0.0.1:{port}/shop" in said
    assert "no server listens on this host and port" in said
    assert "check the host and the port" in said


def test_a_host_without_an_address(sartor: Command) -> None:
    """A host's name that can't be resolved is told from a server that is down."""
    said = refused(sartor, "postgresql://app@db.invalid/shop")
    assert "db.invalid" in said
    assert "the host name can't be resolved" in said


def test_a_server_that_never_answers(sartor: Command) -> None:
    """A connection has a limit, the URL's own where it gives one."""
    with silent_port() as port:
        said = refused(sartor, f"postgresql://app@127.0.0.1:{port}/shop?connect_timeout=1")
    assert "no answer within 1 s" in said
    assert "connect_timeout" in said


def test_a_silent_host_before_another(sartor: Command, database: Database) -> None:
    """`connect_timeout` is for each host: a silent one takes nothing of the next one's time."""
    parts = urlsplit(database.url)
    with silent_port() as port:
        login, _, place = parts.netloc.rpartition("@")
        url = f"postgresql://{login}@127.0.0.1:{port},127.0.0.1:{port},{place}/{database.name}?connect_timeout=1"
        sartor("deploy", "latest", env={"SARTOR_DB_URL": url})
    assert database.tables() == {"a"}


def test_a_socket_that_is_not_there(sartor: Command, tmp_path: Path) -> None:
    """A socket's folder without a server's socket is named."""
    said = refused(sartor, f"postgresql://app@/shop?host={tmp_path}")
    assert str(tmp_path) in said


def test_an_unknown_database(sartor: Command, server_url: str) -> None:
    """A database that doesn't exist is named, with the way to create it."""
    said = refused(sartor, with_name(server_url, "no_such_database"))
    assert '"no_such_database" does not exist' in said
    assert "createdb" in said


def test_a_misspelt_parameter(sartor: Command, database: Database) -> None:
    """What is nearly a parameter is told; any other is the server's to refuse, and the advice leads back to the URL."""
    told = sartor("deploy", "latest", "--db-url", f"{database.url}?sslmod=require", expect=2)
    assert "did you mean sslmode?" in told.err
    said = refused(sartor, f"{database.url}?wrok_mem=1MB")
    assert '"wrok_mem"' in said
    assert "the spelling of the parameters after the ?" in said


def test_an_unknown_role(sartor: Command, database: Database) -> None:
    """A role that doesn't exist is named."""
    said = refused(sartor, database.as_user("no_such_role"))
    assert "no_such_role" in said


@pytest.mark.parametrize("mode", ["require", "verify-full&sslrootcert=system"])
def test_a_server_without_tls(sartor: Command, database: Database, mode: str) -> None:
    """Where TLS is asked for and the server has none, nothing is sent in the clear."""
    if database.value("show ssl") == "on":
        pytest.skip("this server has TLS")
    said = refused(sartor, f"{database.url}?sslmode={mode}")
    assert "TLS failed" in said
    assert "the server doesn't support TLS" in said


def test_verification_without_a_root_certificate(sartor: Command, tmp_path: Path) -> None:
    """`verify-full` without a file of authorities says how to name one."""
    with_home = Command(tmp_path, {**sartor.environment, "HOME": str(tmp_path)})
    said = refused(with_home, "postgresql://app@127.0.0.1:1/shop?sslmode=verify-full")
    assert "the server's certificate can't be verified" in said
    assert "sslrootcert=system" in said


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_a_certificate_that_nobody_signed(sartor: Command, tmp_path: Path) -> None:
    """`verify-full` doesn't talk to a server whose certificate this machine doesn't trust."""
    with tls_port(tmp_path) as port:
        said = refused(sartor, f"postgresql://app@localhost:{port}/shop?sslmode=verify-full&sslrootcert=system")
    assert "TLS failed" in said
    assert "sslrootcert" in said


def test_a_server_that_takes_no_connections_of_this_role(sartor: Command, database: Database) -> None:
    """A database closed to connections is refused by the server, in its words."""
    database.run("create role closed_to_this login")
    try:
        server = Database(with_name(database.url, "postgres"), "postgres")
        server.run(f"revoke connect on database {database.name} from public")
        said = refused(sartor, database.as_user("closed_to_this"))
    finally:
        database.run("drop role closed_to_this")
    assert "permission denied for database" in said
    assert urlsplit(database.url).path.removeprefix("/") in said


def test_a_connection_limit(sartor: Command, database: Database) -> None:
    """A connection limit of the role or of the database is told as such, and not as the server's."""
    with temporary_role(database) as role:
        database.run(f"alter role {role.name} connection limit 0")
        assert f'run: alter role "{role.name}" connection limit N' in refused(sartor, role.url)
        database.run(
            f"alter role {role.name} connection limit -1", f"alter database {database.name} connection limit 0"
        )
        assert f'run: alter database "{database.name}" connection limit N' in refused(sartor, role.url)


def test_a_server_that_is_too_old(sartor: Command, database: Database) -> None:
    """A server that Postgres itself no longer supports is refused by its version, before anything is asked of it."""
    server = database.rows("show server_version")[0][0].split()[0]
    told = b"server_version\0"
    with proxy_to(database.url) as proxy:
        proxy.reword = lambda data: data.replace(told + server.encode(), told + b"13.9".ljust(len(server), b"0"))
        done = sartor("deploy", "latest", env={"SARTOR_DB_URL": proxy.url}, expect=6)
    assert "the server is Postgres 13;" in done.err
    assert "Sartor needs Postgres 14 or later" in done.err
    assert database.rows("select 1 from pg_tables where tablename like 'sartor%'") == []
