"""The same connection strings, files and variables given to `psql` and to Sartor: both get there, or neither does."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sartor import Flags, SartorError, SettingsError, load_settings
from sartor.postgres.connect.connect import close, connect
from support.secured import PASSWORD, Secured
from support.servers import closed_port

# Where a server hangs up on TLS, the driver leaves the transport to the garbage collector, which closes it and warns.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <(function _SelectorTransport.__del__|socket.socket):"
    "pytest.PytestUnraisableExceptionWarning"
)

QUERY = """select concat_ws('|', current_user, current_database(), inet_server_port(),
    (select ssl from pg_stat_ssl where pid = pg_backend_pid()),
    current_setting('work_mem'), current_setting('timezone'))
"""
"""Who, where, whether encrypted, and what the session was told."""

IN_URL = quote(PASSWORD, safe="")
IN_FILE = PASSWORD.replace("\\", r"\\").replace(":", r"\:")
QUOTED = PASSWORD.replace("\\", r"\\")


@dataclass(frozen=True)
class Case:
    """A connection string ("" for none), variables, and files in the home folder; all with {places} in them.

    A file whose text is `=name` is a copy of that certificate. `reads` False says that it isn't so much as tried to
    connect.
    """

    url: str
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    mode: int = 0o600
    works: bool = True
    reads: bool = True


def _refused(url: str, env: dict[str, str] | None = None, files: dict[str, str] | None = None) -> Case:
    return Case(url, env or {}, files or {}, works=False, reads=False)


def _fails(url: str, env: dict[str, str] | None = None, files: dict[str, str] | None = None, mode: int = 0o600) -> Case:
    return Case(url, env or {}, files or {}, mode, works=False)


AT = "postgresql://app@127.0.0.1:{port}"
NAMED = "postgresql://app@localhost:{port}"
OPEN = f"{AT}/open"
PGPASS = "PGPASSWORD"
LOGIN = {PGPASS: PASSWORD}
SERVICE = ".pg_service.conf"
PLACE = {"PGHOST": "127.0.0.1", "PGPORT": "{port}", "PGUSER": "app", "PGDATABASE": "open"}
TLS = "sslmode=verify-full&sslrootcert={certificates}/ca.crt"
ROOT, HOME_CERT, HOME_KEY = (f".postgresql/{name}" for name in ("root.crt", "postgresql.crt", "postgresql.key"))
CLIENT = "sslcert={certificates}/client.crt&sslkey={certificates}/client.key"

CASES = {
    "a URL": Case(OPEN),
    "keywords": Case("host=127.0.0.1 port={port} user=app dbname=open"),
    "quoted keywords": Case("host='127.0.0.1' port = {port} user = 'app' dbname=shop password='" + QUOTED + "'"),
    "the password encoded": Case(f"postgresql://app:{IN_URL}@127.0.0.1:{{port}}/shop"),
    "the password as a parameter": Case(f"{AT}/shop?password={IN_URL}"),
    "a wrong password": _fails("postgresql://app:wrong@127.0.0.1:{port}/shop"),
    "no password": _fails(f"{AT}/shop"),
    "an empty PGPASSWORD": _fails(f"{AT}/shop", {PGPASS: ""}),
    "PGPASSWORD": Case(f"{AT}/shop", LOGIN),
    "the URL's password before PGPASSWORD": _fails("postgresql://app:wrong@127.0.0.1:{port}/shop", LOGIN),
    "variables alone": Case("", PLACE),
    "variables behind a URL": Case("postgresql:///open", {k: v for k, v in PLACE.items() if k != "PGDATABASE"}),
    "PGHOSTADDR": Case("", {**PLACE, "PGHOST": "no.invalid", "PGHOSTADDR": "127.0.0.1"}),
    "hostaddr alone": Case("hostaddr=127.0.0.1 port={port} user=app dbname=open"),
    "host and hostaddr": Case("postgresql://app@no.invalid:{port}/open?hostaddr=127.0.0.1"),
    "hosts with addresses of their own": Case(
        "host=no.invalid,db.invalid hostaddr=127.0.0.1,127.0.0.1 port={closed},{port} user=app dbname=open"
    ),
    "hostaddr isn't an IP address": _refused(f"{OPEN}?hostaddr=localhost"),
    "the numbers of hosts and of hostaddr values differ": _refused(f"{OPEN}?hostaddr=127.0.0.1,127.0.0.1"),
    "a socket's folder": Case("postgresql:///shop?host={socket}&port={port}&user=app"),
    "a socket's folder, encoded": Case("postgresql://app@{socket_encoded}:{port}/shop"),
    "a socket that isn't there": _fails("postgresql:///shop?host=/nonexistent&port={port}&user=app"),
    "sslmode=require over a socket": Case("postgresql:///shop?host={socket}&port={port}&user=app&sslmode=require"),
    "the second host": Case("postgresql://app@127.0.0.1:{closed},127.0.0.1:{port}/open"),
    "one port for two hosts": Case("postgresql:///open?host=/nonexistent,127.0.0.1&port={port}&user=app"),
    "two ports for one host": _refused("host=127.0.0.1 port={port},{port} user=app dbname=open"),
    "hosts that don't resolve": Case("postgresql://app@no.invalid:1,127.0.0.1:{port}/open"),
    "no host listens": _fails("postgresql://app@127.0.0.1:{closed},127.0.0.1:{closed}/open"),
    "a wrong password isn't tried elsewhere": _fails(
        "postgresql://app:wrong@127.0.0.1:{port},{socket_encoded}:{port}/shop"
    ),
    "a port that is none": _refused("postgresql://app@127.0.0.1:x/open"),
    "a port above all": _refused("postgresql://app@127.0.0.1:70000/open"),
    "a database that isn't there": _fails(f"{AT}/nowhere", LOGIN),
    "a primary": Case(f"{OPEN}?target_session_attrs=primary"),
    "read-write": Case(f"{OPEN}?target_session_attrs=read-write"),
    "a standby": _fails(f"{OPEN}?target_session_attrs=standby"),
    "read-only": _fails(f"{OPEN}?target_session_attrs=read-only"),
    "a standby, if there is one": Case(f"{OPEN}?target_session_attrs=prefer-standby"),
    "target_session_attrs=bogus": _refused(f"{OPEN}?target_session_attrs=bogus"),
    "PGTARGETSESSIONATTRS": _refused(OPEN, {"PGTARGETSESSIONATTRS": "bogus"}),
    "options": Case(f"{OPEN}?options=-c%20work_mem%3D7MB"),
    "PGOPTIONS": Case(OPEN, {"PGOPTIONS": "-c work_mem=7MB"}),
    "options with a blank": Case(f"{OPEN}?options=-c%20TimeZone%3DEurope%2FRome"),
    "options that the server refuses": _fails(f"{OPEN}?options=-c%20wrok_mem%3D7MB"),
    "PGTZ": Case(OPEN, {"PGTZ": "Europe/Rome"}),
    "a misspelt parameter": _refused(f"{OPEN}?sslmod=require"),
    "a misspelt keyword": _refused("host=127.0.0.1 port={port} usr=app"),
    "keepalives that are no number": _refused(f"{OPEN}?keepalives_idle=x"),
    "keepalives": Case(f"{OPEN}?keepalives=1&keepalives_idle=5&keepalives_interval=5&keepalives_count=2"),
    "tcp_user_timeout": Case(f"{OPEN}?tcp_user_timeout=5000"),
    "connect_timeout": Case(f"{OPEN}?connect_timeout=5"),
    "connect_timeout that is no number": _refused(f"{OPEN}?connect_timeout=x"),
    # The password file.
    "~/.pgpass": Case(f"{AT}/shop", files={".pgpass": f"127.0.0.1:{{port}}:shop:app:{IN_FILE}\n"}),
    "stars": Case(f"{AT}/shop", files={".pgpass": f"*:*:*:*:{IN_FILE}\n"}),
    "comments and blank lines": Case(f"{AT}/shop", files={".pgpass": f"# x\n\nnot a line\n*:*:*:app:{IN_FILE}\n"}),
    "the first line that fits": _fails(f"{AT}/shop", files={".pgpass": f"*:*:*:app:wrong\n*:*:*:app:{IN_FILE}\n"}),
    "lines of others": _fails(f"{AT}/shop", files={".pgpass": f"db:*:*:app:{IN_FILE}\n*:1:*:*:x\n*:*:*:other:x\n"}),
    "an unescaped password": _fails(f"{AT}/shop", files={".pgpass": f"*:*:*:app:{PASSWORD}\n"}),
    "a password file that others may read": _fails(
        f"{AT}/shop", files={".pgpass": f"*:*:*:app:{IN_FILE}\n"}, mode=0o644
    ),
    "PGPASSFILE": Case(f"{AT}/shop", {"PGPASSFILE": "{home}/mine"}, {"mine": f"*:*:*:app:{IN_FILE}\n"}),
    "passfile": Case(f"{AT}/shop?passfile={{home}}/mine", files={"mine": f"*:*:*:app:{IN_FILE}\n"}),
    "a password file without end of line": Case(f"{AT}/shop", files={".pgpass": f"*:*:*:app:{IN_FILE}"}),
    "carriage returns": Case(f"{AT}/shop", files={".pgpass": f"*:*:*:app:{IN_FILE}\r\n"}),
    "the name before the address": Case(
        "postgresql://app@db.invalid:{port}/shop?hostaddr=127.0.0.1",
        files={".pgpass": f"127.0.0.1:*:*:app:wrong\ndb.invalid:*:*:app:{IN_FILE}\n"},
    ),
    "the password of each host": Case(
        "postgresql://app@127.0.0.1:{closed},127.0.0.1:{port}/shop",
        files={".pgpass": f"*:{{closed}}:*:app:wrong\n*:{{port}}:*:app:{IN_FILE}\n"},
    ),
    # Services.
    "a service": Case(
        "service=prod",
        files={SERVICE: f"[prod]\nhost=127.0.0.1\nport={{port}}\nuser=app\ndbname=shop\npassword={PASSWORD}\n"},
    ),
    "PGSERVICE": Case(
        "", {"PGSERVICE": "prod"}, {SERVICE: "[prod]\nhost=127.0.0.1\nport={port}\nuser=app\ndbname=open\n"}
    ),
    "PGSERVICEFILE": Case(
        "service=prod",
        {"PGSERVICEFILE": "{home}/mine"},
        {"mine": "[prod]\nhost=127.0.0.1\nport={port}\nuser=app\ndbname=open\n"},
    ),
    "PGSYSCONFDIR": Case(
        "service=prod",
        {"PGSYSCONFDIR": "{home}"},
        {"pg_service.conf": "[prod]\nhost=127.0.0.1\nport={port}\nuser=app\ndbname=open\n"},
    ),
    "a service before variables": Case(
        "service=prod",
        {"PGPORT": "{closed}", "PGUSER": "app"},
        {SERVICE: "[prod]\nhost=127.0.0.1\nport={port}\ndbname=open\n"},
    ),
    "a URL before its service": Case(
        "postgresql:///open?service=prod", files={SERVICE: "[prod]\nhost=127.0.0.1\nport={port}\nuser=app\ndbname=no\n"}
    ),
    "the first of two services alike": Case(
        "service=prod",
        files={SERVICE: "#\n[prod]\nhost=127.0.0.1\nport={port}\nuser=app\ndbname=open\n[prod]\nport=1\n"},
    ),
    "a service that isn't there": _refused("service=nope user=app", files={SERVICE: "[prod]\nhost=127.0.0.1\n"}),
    "no service file": _refused("service=prod user=app"),
    "a service file that isn't there": _refused("service=prod", {"PGSERVICEFILE": "/nonexistent"}),
    "a service file that can't be read": _refused("service=prod", files={SERVICE: "[prod]\nhost 127.0.0.1\n"}),
    "a service with blanks": _refused("service=prod", files={SERVICE: "[prod]\nhost = 127.0.0.1\n"}),
    "a service with an unknown parameter": _refused("service=prod", files={SERVICE: "[prod]\nhots=127.0.0.1\n"}),
    "a service in a service": _refused("service=prod", files={SERVICE: "[prod]\nservice=other\n"}),
    # TLS.
    "prefer": Case(f"{AT}/open?sslmode=prefer"),
    "disable": Case(f"{AT}/open?sslmode=disable"),
    "allow": Case(f"{AT}/open?sslmode=allow"),
    "require": Case(f"{AT}/open?sslmode=require"),
    "PGSSLMODE": Case(OPEN, {"PGSSLMODE": "disable"}),
    "sslmode=bogus": _refused(f"{AT}/open?sslmode=bogus"),
    "allow, where TLS is asked for": Case(f"{AT}/encrypted?sslmode=allow", LOGIN),
    "prefer, where TLS is refused": Case(f"{AT}/plain?sslmode=prefer", LOGIN),
    "disable, where TLS is asked for": _fails(f"{AT}/encrypted?sslmode=disable", LOGIN),
    "require, where TLS is refused": _fails(f"{AT}/plain?sslmode=require", LOGIN),
    "verify-full": Case(f"{NAMED}/encrypted?{TLS}", LOGIN),
    "verify-full, another name": _fails(f"{AT}/encrypted?{TLS}", LOGIN),
    "verify-full, a name with an address": Case(f"{NAMED}/encrypted?{TLS}&hostaddr=127.0.0.1", LOGIN),
    "verify-full, an address without a name": _fails(
        "hostaddr=127.0.0.1 port={port} user=app dbname=encrypted sslmode=verify-full"
        " sslrootcert={certificates}/ca.crt",
        LOGIN,
    ),
    "verify-ca": Case(f"{AT}/encrypted?sslmode=verify-ca&sslrootcert={{certificates}}/ca.crt", LOGIN),
    "verify-ca, another authority": _fails(
        f"{AT}/encrypted?sslmode=verify-ca&sslrootcert={{certificates}}/other.crt", LOGIN
    ),
    "require with another authority": _fails(
        f"{AT}/encrypted?sslmode=require&sslrootcert={{certificates}}/other.crt", LOGIN
    ),
    "verify-full without an authority": _fails(f"{NAMED}/encrypted?sslmode=verify-full", LOGIN),
    "verify-full with a missing authority": _refused(
        f"{NAMED}/encrypted?sslmode=verify-full&sslrootcert=/nonexistent", LOGIN
    ),
    "PGSSLROOTCERT": Case(
        f"{NAMED}/encrypted", {**LOGIN, "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "{certificates}/ca.crt"}
    ),
    "a client's certificate": Case(f"{NAMED}/certified?{TLS}&{CLIENT}"),
    "no client's certificate": _fails(f"{NAMED}/certified?{TLS}"),
    "PGSSLCERT": Case(
        f"{AT}/certified", {"PGSSLCERT": "{certificates}/client.crt", "PGSSLKEY": "{certificates}/client.key"}
    ),
    "a key of another": _refused(
        f"{AT}/certified?sslmode=require&sslcert={{certificates}}/client.crt&sslkey={{certificates}}/ca.key"
    ),
    "a protocol version that is none": _refused(f"{AT}/open?ssl_min_protocol_version=TLSv9"),
    "the highest protocol version": Case(f"{AT}/open?sslmode=require&ssl_min_protocol_version=TLSv1.3"),
    "the home's authority": Case(f"{NAMED}/encrypted?sslmode=verify-full", LOGIN, {ROOT: "=ca.crt"}),
    "require with the home's authority": Case(f"{AT}/encrypted?sslmode=require", LOGIN, {ROOT: "=ca.crt"}),
    "require with another authority of the home's": _fails(
        f"{AT}/encrypted?sslmode=require", LOGIN, {ROOT: "=other.crt"}
    ),
    "prefer with another authority of the home's": _fails(f"{AT}/encrypted", LOGIN, {ROOT: "=other.crt"}),
    "prefer with another authority of the home's, where plain text is let in": Case(OPEN, {}, {ROOT: "=other.crt"}),
    "allow with another authority": _fails(
        f"{AT}/encrypted?sslmode=allow&sslrootcert={{certificates}}/other.crt", LOGIN
    ),
    "prefer with the home's authority": Case(f"{AT}/encrypted", LOGIN, {ROOT: "=ca.crt"}),
    "the home's certificate": Case(f"{AT}/certified", {}, {HOME_CERT: "=client.crt", HOME_KEY: "=client.key"}),
    "the home's certificate without a key": _refused(f"{AT}/certified", {}, {HOME_CERT: "=client.crt"}),
    "the home's key that others may read": Case(
        f"{AT}/certified", {}, {HOME_CERT: "=client.crt", HOME_KEY: "=client.key"}, 0o644, works=False, reads=False
    ),
    "the home's certificate of another": _fails(
        f"{AT}/certified", {}, {HOME_CERT: "=other.crt", HOME_KEY: "=other.key"}
    ),
    "a key with a password": Case(
        f"{AT}/certified?sslmode=require&sslcert={{certificates}}/client.crt&sslkey={{certificates}}/locked.key"
        "&sslpassword=secret"
    ),
    "a revocation list": Case(f"{NAMED}/encrypted?{TLS}&sslcrl={{certificates}}/none-revoked.crl", LOGIN),
    "a revoked server": _fails(f"{NAMED}/encrypted?{TLS}&sslcrl={{certificates}}/revoked.crl", LOGIN),
    "PGSSLCRL": _fails(f"{NAMED}/encrypted?{TLS}", {**LOGIN, "PGSSLCRL": "{certificates}/revoked.crl"}),
    "the home's revocation list": _fails(
        f"{NAMED}/encrypted?sslmode=verify-full", LOGIN, {ROOT: "=ca.crt", ".postgresql/root.crl": "=revoked.crl"}
    ),
    "PGREQUIRESSL": _fails(f"{AT}/plain", {**LOGIN, "PGREQUIRESSL": "1"}),
    "PGSSLMINPROTOCOLVERSION": _refused(OPEN, {"PGSSLMINPROTOCOLVERSION": "TLSv9"}),
    "the lowest protocol version above the highest": _refused(
        f"{OPEN}?ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2"
    ),
    "the highest version that the server has": Case(f"{AT}/open?sslmode=require&ssl_max_protocol_version=TLSv1.2"),
    "PGCHANNELBINDING": Case(f"{AT}/encrypted", {**LOGIN, "PGCHANNELBINDING": "prefer"}),
    "requiressl": Case(f"host=127.0.0.1 port={{port}} user=app dbname=open requiressl=1"),  # noqa: F541
    "a password in the clear": Case(f"{AT}/clear", LOGIN),
    "gssencmode=disable": Case(f"{OPEN}?gssencmode=disable"),
    "channel_binding=disable": Case(f"{AT}/encrypted?channel_binding=disable", LOGIN),
    "an application's name": Case(f"{OPEN}?application_name=x&fallback_application_name=y"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_as_psql(secured: Secured, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sartor connects where `psql` does, as the same, with TLS where it has it; and not where it doesn't."""
    given = {
        "port": secured.port,
        "closed": closed_port(),
        "socket": secured.socket,
        "socket_encoded": quote(str(secured.socket), safe=""),
        "certificates": secured.certificates,
        "home": tmp_path,
    }
    for name, text in case.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        copied = (secured.certificates / text[1:]).read_text() if text.startswith("=") else text
        (tmp_path / name).write_text(_filled(copied, given))
        (tmp_path / name).chmod(case.mode)
    env = {"HOME": str(tmp_path), **{key: _filled(value, given) for key, value in case.env.items()}}
    for name in [name for name in os.environ if name.startswith(("PG", "SARTOR"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    url = _filled(case.url, given)
    theirs = _by_psql(secured, url, env)
    ours = _by_sartor(url, env, tmp_path)
    assert (theirs is not None) == case.works, "psql has changed its mind"
    if case.works:
        assert ours == theirs
    else:
        assert isinstance(ours, SartorError)
        assert isinstance(ours, SettingsError) == (not case.reads), ours
        assert PASSWORD not in f"{ours} {ours.hint}"


def _filled(text: str, given: dict[str, Any]) -> str:
    for name, value in given.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _by_psql(secured: Secured, url: str, env: dict[str, str]) -> str | None:
    done = subprocess.run(
        [secured.bin / "psql", "-wAtqX", "-c", QUERY, *([url] if url else [])],
        check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.stdout.strip() if done.returncode == 0 else None


def _by_sartor(url: str, env: dict[str, str], directory: Path) -> str | SartorError:
    async def ask() -> str:
        settings = load_settings(Flags(db_url=(url,) if url else ()), environ=env, directory=directory)
        connection = await connect(settings.destinations[0], application="test")
        try:
            return str(await connection.fetchval(QUERY))
        finally:
            await close(connection)

    try:
        return asyncio.run(ask())
    except SartorError as error:
        return error


KEY = f"{AT}/certified?sslmode=require&sslcert={{certificates}}/client.crt&sslkey={{certificates}}"

WORDS = {
    "another name": (f"{AT}/encrypted?{TLS}", "certificate isn't for 127.0.0.1, as sslmode=verify-full requires"),
    "another authority": (
        f"{AT}/encrypted?sslmode=verify-ca&sslrootcert={{certificates}}/other.crt",
        "isn't signed by an authority of sslrootcert, {certificates}/other.crt",
    ),
    "prefer, where neither works": (
        f"{AT}/encrypted?sslrootcert={{certificates}}/other.crt",
        "isn't signed by an authority of sslrootcert, {certificates}/other.crt",
    ),
    "an address that the certificate isn't for": (
        f"postgresql://app@db.invalid:{{port}}/encrypted?{TLS}&hostaddr=127.0.0.1",
        "the server's certificate isn't for db.invalid, as sslmode=verify-full requires",
    ),
    "an authority that isn't there": (
        f"{NAMED}/encrypted?sslmode=verify-full&sslrootcert={{certificates}}/none.crt",
        "sslrootcert, {certificates}/none.crt, can't be read: No such file or directory",
    ),
    "an authority that is none": (
        f"{NAMED}/encrypted?sslmode=verify-full&sslrootcert={{certificates}}/server.key",
        "sslrootcert, {certificates}/server.key, can't be used",
    ),
    "a revocation list that isn't there": (
        f"{NAMED}/encrypted?{TLS}&sslcrl={{certificates}}/none.crl",
        "sslcrl, {certificates}/none.crl, can't be read: No such file or directory",
    ),
    "a certificate that isn't there": (
        f"{AT}/certified?sslmode=require&sslcert={{certificates}}/none.crt&sslkey={{certificates}}/client.key",
        "sslcert, {certificates}/none.crt, can't be read: No such file or directory",
    ),
    "a key that isn't there": (f"{KEY}/none.key", "sslkey, {certificates}/none.key, can't be read: No such file"),
    "a key that others may read": (f"{KEY}/ca.crt", "sslkey, {certificates}/ca.crt, can be read by other users (mode"),
    "a certificate without a key": (
        f"{AT}/certified?sslmode=require&sslcert={{certificates}}/client.crt",
        "there is no private key for sslcert {certificates}/client.crt",
    ),
    "a certificate that the server doesn't know": (
        f"{AT}/certified?sslmode=require&sslcert={{certificates}}/other.crt&sslkey={{certificates}}/other.key",
        "check that the server accepts sslcert, {certificates}/other.crt",
    ),
    "no certificate": (f"{NAMED}/certified?{TLS}", "(sslcert and sslkey)"),
    "the key of another": (
        f"{KEY}/ca.key",
        "sslkey, {certificates}/ca.key, doesn't belong to sslcert, {certificates}/client.crt",
    ),
    "a key that needs a password": (
        f"{KEY}/locked.key",
        "sslkey, {certificates}/locked.key, is encrypted: it needs a password",
    ),
    "a wrong password of the key": (
        f"{KEY}/locked.key&sslpassword=wrong",
        "sslkey, {certificates}/locked.key, can't be decrypted with the password in sslpassword",
    ),
    "a certificate that is none": (
        f"{AT}/certified?sslmode=require&sslcert={{certificates}}/client.key&sslkey={{certificates}}/client.key",
        "sslcert, {certificates}/client.key, can't be used",
    ),
}


@pytest.mark.parametrize(("url", "words"), WORDS.values(), ids=WORDS)
def test_words_of_tls(secured: Secured, url: str, words: str, tmp_path: Path) -> None:
    """An error of TLS names the file and the setting."""
    given = {"port": secured.port, "certificates": secured.certificates}
    found = _by_sartor(_filled(url, given), {**LOGIN, "HOME": str(tmp_path)}, tmp_path)
    assert isinstance(found, SartorError)
    assert _filled(words, given) in f"{found} {found.hint}"


STRICTER = {
    "channel_binding=require": f"{AT}/encrypted?channel_binding=require",
    "require_auth": f"{AT}/encrypted?require_auth=scram-sha-256",
    "gssencmode=require": f"{OPEN}?gssencmode=require",
    "requirepeer": f"{OPEN}?requirepeer=postgres",
    "sslsni=0": f"{OPEN}?sslsni=0",
    "a revocation list that isn't there": f"{NAMED}/encrypted?{TLS}&sslcrl=/nonexistent",
    "an authority that isn't there": f"{OPEN}?sslrootcert=/nonexistent",
    "a certificate that isn't there": f"{OPEN}?sslcert=/nonexistent&sslmode=require",
}


@pytest.mark.parametrize("url", STRICTER.values(), ids=STRICTER)
def test_stricter_than_psql(secured: Secured, url: str, tmp_path: Path) -> None:
    """What can't be honoured, and a file of TLS that isn't there, is refused before anything is sent."""
    given = {"port": secured.port, "certificates": secured.certificates}
    assert isinstance(_by_sartor(_filled(url, given), {**LOGIN, "HOME": str(tmp_path)}, tmp_path), SettingsError)
