"""`pg_dump` and its like: they get where the session is, as the session does, or aren't used."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from sartor.archive import tools
from sartor.embedded.server import binaries
from sartor.errors import BackupFailed
from support.command import Command
from support.folder import Folder
from support.secured import PASSWORD, Secured

KEY_PASSWORD = "k3y's \\ pa=ss #x"  # noqa: S105 - a test's own, and awkward in every file
TLS = "sslmode=verify-ca&sslrootcert={root}/ca.crt&sslcert={root}/client.crt&sslkey={key}"


@pytest.fixture
def locked_key(secured: Secured, tmp_path: Path) -> Path:
    """The client's key, with a password."""
    key = tmp_path / "locked.key"
    locked = ["-passout", f"pass:{KEY_PASSWORD}", "-aes256"]
    command: list[str | Path] = ["openssl", "pkey", "-in", secured.certificates / "client.key", "-out", key, *locked]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o600)
    return key


def test_a_key_with_a_password(
    sartor: Command, folder: Folder, secured: Secured, locked_key: Path, tmp_path: Path
) -> None:
    """A backup is taken and restored where the key of the client's certificate has a password; no argument holds it."""
    psql: list[str | Path] = [
        secured.bin / "psql",
        "-qX",
        "-h",
        secured.socket,
        "-p",
        str(secured.port),
        "-U",
        "postgres",
    ]
    grants = "grant create on schema public to app; alter role app createdb"
    subprocess.run([*psql, "-d", "certified", "-c", grants], check=True)
    given = TLS.format(root=secured.certificates, key=locked_key)
    url = f"postgresql://app@127.0.0.1:{secured.port}/certified?{given}"
    folder.table("1.0.0-1700000000-a.py")
    there = {"SARTOR_DB_URL": f"{url}&sslpassword={quote(KEY_PASSWORD, safe='')}"}
    try:
        sartor("deploy", "latest", env=there)
        sartor.run("db", "backup", str(tmp_path / "x.dump"), env=there)
        into = there["SARTOR_DB_URL"].replace("/certified?", "/restored?")
        for jobs in ((), ("--jobs", "2")):
            restored = sartor.run(
                "db", "restore", str(tmp_path / "x.dump"), "--into", into, "--create", *jobs, env=there
            )
            assert "error" not in restored.err
            assert "0 pending" in sartor("status", env={"SARTOR_DB_URL": into}).out
            subprocess.run([*psql, "-d", "postgres", "-c", "drop database restored"], check=True)
        refused = sartor("status", env={"SARTOR_DB_URL": url}, expect=2)
        assert "sslpassword" in refused.err
    finally:
        sartor("rollback", "0", env=there)


@pytest.fixture
def embedded_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has no client tools but those of the embedded server."""
    monkeypatch.setattr(tools, "PLACES", ())
    monkeypatch.setenv("PATH", str(binaries()))
    tools._installed.cache_clear()
    yield
    tools._installed.cache_clear()


def test_psql_gets_the_same(sartor: Command, secured: Secured, locked_key: Path) -> None:
    """`db psql` connects with the client's certificate and the password of its key, again where psql connects anew."""
    given = TLS.format(root=secured.certificates, key=locked_key)
    url = f"postgresql://app@127.0.0.1:{secured.port}/certified?{given}&keepalives_idle=7"
    there = {"SARTOR_DB_URL": f"{url}&sslpassword={quote(KEY_PASSWORD, safe='')}"}
    encrypted = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
    assert (
        sartor.run("db", "psql", "--", "-XAtc", encrypted, "-c", r"\c", "-c", encrypted, env=there).out.count("t\n")
        == 2
    )
    assert KEY_PASSWORD not in sartor.run("db", "psql", "--json", env=there).out


def test_psql_reads_the_password_file(sartor: Command, secured: Secured, tmp_path: Path) -> None:
    """A password from the file isn't given on: psql has the file, for other databases and users as well."""
    file = tmp_path / "passwords"
    escaped = PASSWORD.replace("\\", r"\\").replace(":", r"\:")
    file.write_text(f"127.0.0.1:*:shop:app:{escaped}\n")
    file.chmod(0o600)
    there = {"SARTOR_DB_URL": f"postgresql://app@127.0.0.1:{secured.port}/shop", "PGPASSFILE": str(file)}
    asked = ("-XAtc", "select current_user", "-c", r"\! echo ${PGPASSWORD-none}")
    assert sartor.run("db", "psql", "--", *asked, env=there).out == "app\nnone\n"
    assert (
        sartor.run("db", "psql", "--", *asked, env={**there, "SARTOR_PASSWORD": PASSWORD}).out == f"app\n{PASSWORD}\n"
    )


@pytest.mark.usefixtures("embedded_alone")
def test_tools_without_tls() -> None:
    """Where the session is encrypted, tools that would send all in plain text are refused, with the way out."""
    (found,) = tools.find_tools(150000)
    assert found.folder == binaries()
    with pytest.raises(BackupFailed, match="has no TLS") as caught:
        tools.find_tools(150000, encrypted=True)
    assert "postgresql-client-15" in (caught.value.hint or "")


def test_tools_with_tls_are_preferred(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both kinds are there, an encrypted session has those that speak TLS, whichever are first on the path."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(binaries()), str(secured.bin)]))
    tools._installed.cache_clear()
    try:
        assert binaries() not in [found.folder for found in tools.find_tools(150000, encrypted=True)]
    finally:
        tools._installed.cache_clear()
