"""A server whose messages are German, of a distribution's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sartor.embedded.cluster import Account
from support.memory import open_folder
from support.servers import closed_port

ENVIRONMENT = ("/usr/bin/env", "LC_ALL=C.utf8", "LANGUAGE=de")
"""Of any locale but C, gettext asks LANGUAGE: so no German locale needs to be there."""


def find_german() -> Path | None:
    """Returns the binaries of a server that has German messages; None where there is none."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if Path(f"/usr/share/locale/de/LC_MESSAGES/postgres-{folder.parent.name}.mo").exists():
            return folder
    return None


@contextmanager
def german_server(binaries: Path) -> Iterator[str]:
    """Runs the server for as long as the block lasts; yields its URL, for a superuser."""
    account, port = Account.of_the_server(), closed_port()
    with open_folder() as folder:
        data = folder / "data"
        data.mkdir()
        shutil.chown(data, account.uid, account.gid)
        data.chmod(0o700)
        made: list[str | Path] = [
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.utf8",
            "--no-sync",
        ]
        assert account.run(*ENVIRONMENT, binaries / "initdb", *made) == 0
        options = f"-p {port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off -c lc_messages=C.utf8"
        assert account.run(*ENVIRONMENT, binaries / "pg_ctl", "start", "-w", "-s", "-D", data, "-o", options) == 0
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            account.run(binaries / "pg_ctl", "stop", "-m", "immediate", "-s", "-D", data)
