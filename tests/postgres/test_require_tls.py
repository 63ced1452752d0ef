"""`require_tls`: no connection without TLS, whatever a command opens; and nothing said to a server without it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from sartor import Destination, Flags, SettingsError, Unreachable, load_destination, load_settings
from sartor.api.requests import find_other, find_scratch
from sartor.postgres.connect.connect import close, connect
from sartor.postgres.target_server import find_way, url_for_others
from support.command import Command
from support.folder import Folder
from support.secured import PASSWORD, Secured

# Where a server refuses TLS, the driver leaves the transport to the garbage collector, which closes it and warns.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <(function _SelectorTransport.__del__|socket.socket):"
    "pytest.PytestUnraisableExceptionWarning",
    "ignore:unclosed:ResourceWarning",
)

IN_URL = quote(PASSWORD, safe="")
ENCRYPTED = "select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()"


def _encrypted(url: str, directory: Path) -> bool:
    """Whether a connection that requires TLS has it. Raises Unreachable."""

    async def ask() -> bool:
        settings = load_settings(Flags(db_url=(url,), require_tls=True), environ={}, directory=directory)
        connection = await connect(settings.destinations[0], application="test")
        try:
            return bool(await connection.fetchval(ENCRYPTED))
        finally:
            await close(connection)

    return asyncio.run(ask())


@contextmanager
def _refusing() -> Iterator[tuple[int, list[bytes]]]:
    """A port whose server has no TLS, and all that was sent to it."""
    heard: list[bytes] = []

    def listen(server: socket.socket) -> None:
        with suppress(OSError):  # the listener closes when the block ends
            while True:
                client, _ = server.accept()
                with closing(client), suppress(OSError):
                    client.settimeout(10)
                    heard.append(client.recv(1000))
                    client.sendall(b"N")
                    while said := client.recv(1000):
                        heard.append(said)

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=listen, args=(server,), daemon=True).start()
        yield server.getsockname()[1], heard


@pytest.mark.parametrize("mode", ["", "?sslmode=allow", "?sslmode=prefer", "?sslmode=require"])
def test_a_mode_that_allows_plain_text_is_raised(secured: Secured, tmp_path: Path, mode: str) -> None:
    """What might be plain text is TLS, without the plain text that `allow` would begin with."""
    assert _encrypted(f"postgresql://app:{IN_URL}@127.0.0.1:{secured.port}/shop{mode}", tmp_path)


def test_plain_text_asked_for(secured: Secured, tmp_path: Path) -> None:
    """`sslmode=disable` is refused before anything connects."""
    with pytest.raises(
        Unreachable, match=r"app@127\.0\.0\.1:\d+/shop.*: TLS is required, but sslmode=disable"
    ) as caught:
        _encrypted(f"postgresql://app:{IN_URL}@127.0.0.1:{secured.port}/shop?sslmode=disable", tmp_path)
    assert "sslmode=verify-full" in (caught.value.hint or "")
    assert PASSWORD not in f"{caught.value}"


def test_a_server_only_for_plain_text(secured: Secured, tmp_path: Path) -> None:
    """A server that refuses TLS for a database isn't asked without it."""
    with pytest.raises(Unreachable, match=r"no pg_hba\.conf entry"):
        _encrypted(f"postgresql://app:{IN_URL}@127.0.0.1:{secured.port}/plain", tmp_path)


@pytest.mark.parametrize("mode", ["prefer", "allow"])
def test_a_server_without_tls_hears_nothing(tmp_path: Path, mode: str) -> None:
    """A server without TLS gets the request for TLS, and neither the user's name nor the password."""
    with _refusing() as (port, heard):
        with pytest.raises(Unreachable, match="TLS is required, but the server doesn't support it") as caught:
            _encrypted(f"postgresql://app:{IN_URL}@127.0.0.1:{port}/shop?sslmode={mode}", tmp_path)
        assert "no password was sent" in (caught.value.hint or "")
        assert heard == [b"\0\0\0\x08\x04\xd2\x16\x2f"]


def test_a_socket_is_no_network(secured: Secured, tmp_path: Path) -> None:
    """Through a socket nothing leaves the computer: it is allowed, with any `sslmode`."""
    place = f"postgresql:///shop?host={secured.socket}&port={secured.port}&user=app"
    assert not _encrypted(place, tmp_path)
    assert not _encrypted(f"{place}&sslmode=disable", tmp_path)


def test_a_network_beside_a_socket(secured: Secured, tmp_path: Path) -> None:
    """Of several hosts, each that is no socket must have TLS."""
    hosts = f"host=/nonexistent,127.0.0.1 port={secured.port} dbname=shop user=app password='{PASSWORD}'"
    assert _encrypted(hosts.replace("\\", "\\\\"), tmp_path)
    with pytest.raises(Unreachable, match="TLS is required"):
        _encrypted(hosts.replace("\\", "\\\\") + " sslmode=disable", tmp_path)


def test_an_authority_is_used(secured: Secured, tmp_path: Path) -> None:
    """TLS that is required checks the server's certificate where an authority is named, as `sslmode=require` does."""
    url = f"postgresql://app:{IN_URL}@127.0.0.1:{secured.port}/shop?sslrootcert={secured.certificates}"
    assert _encrypted(f"{url}/ca.crt", tmp_path)
    with pytest.raises(Unreachable, match="isn't signed by an authority"):
        _encrypted(f"{url}/other.crt", tmp_path)


def test_where_it_comes_from(tmp_path: Path) -> None:
    """It is a setting like others: the flag, the variable, the file, in this order, for each destination."""
    given = {"SARTOR_DB_URL": "postgresql://a/x", "SARTOR_DB_URL.1": "postgresql://b/x"}

    def required(flag: bool | None = None, **environ: str) -> set[bool]:
        found = load_settings(Flags(require_tls=flag), environ={**given, **environ}, directory=tmp_path)
        return {each.require_tls for each in found.destinations}

    assert required() == {False}
    (tmp_path / "sartor.toml").write_text("require-tls = true\n")
    assert required() == {True}
    assert load_destination("postgresql://c/x", environ={}, directory=tmp_path).require_tls
    assert required(SARTOR_REQUIRE_TLS="no") == {False}
    assert required(flag=True, SARTOR_REQUIRE_TLS="no") == {True}
    with pytest.raises(SettingsError, match="'perhaps' is neither true nor false"):
        required(SARTOR_REQUIRE_TLS="perhaps")


def test_another_server_of_the_command_too() -> None:
    """A scratch database's server must have TLS where that of the destination must."""
    place = load_destination("postgresql://a/x", environ={})._replace(require_tls=True)
    other = load_destination("postgresql://b/x", environ={})
    for found in (find_scratch(other, place), find_scratch("postgresql://b/x", place), find_other(other, place)):
        assert found is not None
        assert found.require_tls
        assert found.at("y").require_tls


def test_commands(sartor: Command, folder: Folder, secured: Secured, tmp_path: Path) -> None:
    """Commands run encrypted, tools of Postgres too; without TLS they exit with 6 and say what to do."""
    folder.table("1.0.0-1700000000-a.py")
    psql: list[str | Path] = [secured.bin / "psql", "-qXh", secured.socket, "-p", str(secured.port)]
    grants = "grant create on schema public to app; alter role app createdb"
    subprocess.run([*psql, "-U", "postgres", "-d", "shop", "-c", grants], check=True)
    url, dump = f"postgresql://app:{IN_URL}@127.0.0.1:{secured.port}/shop", str(tmp_path / "x.dump")
    plain, there = f"{url}?sslmode=disable", {"SARTOR_DB_URL": url}
    elsewhere = ("--scratch-url", plain, "--require-tls")
    try:
        for words in (("rehearse", "latest"), ("prove", "--all")):
            assert "TLS is required" in sartor(*words, *elsewhere, env=there, expect=6).err
        sartor("deploy", "latest", "--require-tls", env=there)
        sartor.run("db", "backup", dump, "--require-tls", env=there)
        refused = sartor.run("db", "restore", dump, "--into", plain, "--require-tls", expect=6)
        assert "TLS is required" in refused.err
        asked = ("-XAtc", ENCRYPTED, "-c", r"\! echo $PGSSLMODE")
        assert sartor.run("db", "psql", "--require-tls", "--", *asked, env=there).out == "t\nrequire\n"
        refused = sartor("status", "--json", env={"SARTOR_DB_URL": plain, "SARTOR_REQUIRE_TLS": "1"}, expect=6)
        assert refused.json["error"]["kind"] == "Unreachable"
        assert "TLS is required, but sslmode=disable connects without it" in refused.err
        assert "leave require-tls out (--require-tls, SARTOR_REQUIRE_TLS, the settings file)" in refused.err
    finally:
        sartor("rollback", "0", env=there)


def test_a_program_that_connects_by_itself(secured: Secured) -> None:
    """Another program's URL requires TLS, too, except through a socket."""
    place = load_destination("postgresql://app@db/x?sslmode=allow", environ={})
    assert url_for_others(place) == place.url
    assert Destination.parse(url_for_others(place._replace(require_tls=True))).keywords["sslmode"] == "require"
    verified = load_destination("postgresql://app@db/x?sslmode=verify-full", environ={})._replace(require_tls=True)
    assert url_for_others(verified) == verified.url
    local = load_destination(f"postgresql:///x?host={secured.socket}", environ={})._replace(require_tls=True)
    assert Destination.parse(url_for_others(local)).keywords["sslmode"] == "prefer"


def test_tools_without_tls_may_use_a_socket(secured: Secured) -> None:
    """Through a socket `sslmode` stays as it is: the embedded server's tools, which have no TLS, refuse `require`."""
    place = load_destination(f"postgresql:///shop?host={secured.socket}&port={secured.port}&user=app", environ={})
    assert "sslmode" not in find_way(place._replace(require_tls=True)).keywords
