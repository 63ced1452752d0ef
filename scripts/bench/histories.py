"""Holds an import against psql: the same migrations, run by both, must leave the same database.

The folder stays as it is. Two databases are made on the server of SARTOR_TEST_DB_URL, and dropped again.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sartor.importing.alteration_text import alteration_text
from sartor.importing.foreign_script import ForeignScript
from sartor.importing.tool import ReadOptions
from sartor.importing.tools import TOOLS, find_tool

LIMIT = 900
"""Seconds that one command may take."""
OURS = "sartor_*"
"""The tables that only one of the two databases has."""


class Failed(Exception):
    """A command that failed."""


def main() -> None:
    """Reads the arguments, and prints one line of figures."""
    given = _arguments()
    server = os.environ.get("SARTOR_TEST_DB_URL")
    if not server:
        sys.exit("give a server: scripts/with-postgres /usr/lib/postgresql/15/bin scripts/histories TOOL FOLDER")
    with tempfile.TemporaryDirectory(prefix="sartor-history-") as work:
        place = Path(work)
        with database(server, given.setup) as ours, database(server, given.setup) as theirs:
            found = History(given, place, ours, theirs).figures()
    print(json.dumps(found, indent=2))
    if found["failed"]:
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/histories", description=__doc__)
    parser.add_argument("tool", choices=TOOLS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--setup", type=Path, help="SQL that both databases get first, such as extensions and roles")
    parser.add_argument("--placeholder", action="append", default=[], help="NAME=VALUE, as `import` takes it")
    parser.add_argument("--leave-out", action="append", default=[], help="a name in the folder that isn't copied")
    parser.add_argument("--no-proof", action="store_true", help="don't prove the alterations")
    return parser.parse_args()


@contextmanager
def database(server: str, setup: Path | None) -> Iterator[str]:
    """Yields the URL of a new database, and drops it in the end."""
    name = f"history_{secrets.token_hex(6)}"
    _psql(server, "-c", f"create database {name} template template0")
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    try:
        if setup:
            _psql(url, "-f", str(setup))
        yield url
    finally:
        _psql(server, "-c", f"drop database {name} with (force)")


class History:
    """The migrations of a folder, and the two databases that they are run in: by Sartor (`ours`), and by psql."""

    def __init__(self, given: argparse.Namespace, work: Path, ours: str, theirs: str) -> None:
        self.given, self.work, self.ours, self.theirs = given, work, ours, theirs
        self.copy = work / "migrations"
        leave = shutil.ignore_patterns(*given.leave_out)
        shutil.copytree(given.folder, self.copy, ignore=leave)
        values = dict(each.split("=", 1) for each in given.placeholder)
        self.scripts = find_tool(given.tool).read(self.copy, ReadOptions(placeholders=values)).scripts

    def figures(self) -> dict[str, Any]:
        """Returns what was imported, deployed, equal, proved and rolled back; `failed` says where it ended."""
        found: dict[str, Any] = {"tool": self.given.tool, "files": _count(self.copy), "failed": ""}
        try:
            found["imported"] = self._import()
            began = time.monotonic()
            found["deployed"] = len(self._sartor("deploy", "latest", "--json")["done"])
            found["deploy_seconds"] = round(time.monotonic() - began, 1)
            began = time.monotonic()
            self._run_by_psql()
            found["psql_seconds"] = round(time.monotonic() - began, 1)
            found["differences"] = self._differences()
            found |= self._roll_back()
            if not self.given.no_proof:
                found |= self._prove()
        except Failed as error:
            found["failed"] = str(error)[-1500:]
        return found

    def _import(self) -> int:
        placeholders = [word for each in self.given.placeholder for word in ("--placeholder", each)]
        words = ["import", self.given.tool, str(self.copy), "--release", "1.0.0", "--yes", "--json", *placeholders]
        return len(self._sartor(*words)["files"])

    def _run_by_psql(self) -> None:
        """Runs each migration by psql: in one transaction, but where the alteration of it runs outside one."""
        for script in self.scripts:
            inside = not _is_outside(script) and not script.up.lower().lstrip().startswith("begin")
            _psql(self.theirs, *(["-1"] if inside else []), "-f", "-", text=script.up, about=script.source)

    def _differences(self) -> list[str]:
        """Returns the lines in which the two dumps differ."""
        ours, theirs = (self._dump(url) for url in (self.ours, self.theirs))
        return sorted(set(ours) ^ set(theirs))

    def _dump(self, url: str) -> list[str]:
        done = _run(["pg_dump", "--schema-only", "--no-owner", "--exclude-table", OURS, "-d", url])
        return [line for line in done.splitlines() if line.strip() and not line.startswith(("--", "\\"))]

    def _roll_back(self) -> dict[str, Any]:
        """Rolls back what has a way back, the last ones; tells how many, what stopped it, and what is left of all."""
        backward = list(reversed(self.scripts))
        steps = next((at for at, script in enumerate(backward) if not (script.down or "").strip()), len(backward))
        if not steps:
            return {"undone": 0}
        found = self._sartor("rollback", "--steps", str(steps), "--yes", "--json", codes=(0, 1))
        undone, failed = len(found["done"]), found.get("failed")
        left = {"left": int(_psql(self.ours, "-c", LEFT))} if undone == len(backward) else {}
        return {"undone": undone, **left, "stopped": failed and f"{failed['name']}: {failed['message']}"}

    def _prove(self) -> dict[str, Any]:
        found = self._sartor("prove", "--all", "--json", codes=(0, 1))
        results = [each["result"] for each in found["proofs"]]
        return {name: results.count(name) for name in sorted({*results})}

    def _sartor(self, *words: str, codes: Sequence[int] = (0,)) -> Any:
        program = Path(sys.executable).with_name("sartor")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SARTOR_", "PG"))}
        out = _run(
            [str(program), "db", "alteration", *words],
            environment={**environment, "SARTOR_DB_URL": self.ours},
            directory=self.work,
            codes=codes,
        )
        return json.loads(out)


LEFT = """
select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'v', 'm', 'S', 'p') and c.relname not like 'sartor%'
and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
"""
"""Counts the product's tables, views and sequences."""


def _is_outside(script: ForeignScript) -> bool:
    head, _, _ = alteration_text(script).partition("-- sartor: down")
    return "-- sartor: transaction off" in head


def _count(folder: Path) -> int:
    return sum(each.is_file() for each in folder.rglob("*"))


def _psql(url: str, *words: str, text: str = "", about: str = "") -> str:
    try:
        return _run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url, *words], text=text)
    except Failed as error:
        raise Failed(f"psql: {about}: {error}") from None


def _run(
    words: Sequence[str],
    *,
    text: str = "",
    environment: dict[str, str] | None = None,
    directory: Path | None = None,
    codes: Sequence[int] = (0,),
) -> str:
    """Runs a program; returns its output. Raises Failed where its exit code isn't one of `codes`."""
    done = subprocess.run(
        words, input=text, capture_output=True, text=True, check=False, timeout=LIMIT, env=environment, cwd=directory
    )
    if done.returncode not in codes:
        raise Failed(f"{' '.join(words[:5])}: exit code {done.returncode}\n{done.stdout[-500:]}{done.stderr[-1000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
