"""A document walked through as its reader would: files written, commands run, output compared.

A `console` block is run, each line behind a `$ ` by a shell. Comments above a block say more:

    <!-- exit 1 -->             its last command ends with this exit code
    <!-- alone -->              it has one command; further lines behind a `$ ` are its output
    <!-- quiet -->              its output isn't shown
    <!-- keys escape -->        its one command is run on a terminal; what is shown is the screen that waits for these
    <!-- file alterations/x --> the block is that file from here on
    <!-- named -->              with `file`: a command has written it, under the time of now in place of that time
    <!-- begins shop -->        its command makes this folder, where all that follows happens, without a database
    <!-- superuser -->          SQL, run by a superuser
    <!-- from alterations/x --> the block stands in that file, word by word
    <!-- by hand -->            a test of the document's own writes and runs it
    <!-- meanwhile SQL -->      `nightly-report` has run this SQL, as `webapp`, and stays connected for the block

Several of them are separated by ` | `.
"""

from __future__ import annotations

import ast
import asyncio
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pexpect
import pytest

from sartor.embedded.server import binaries
from support import hand_on
from support.command import EXECUTABLE, warm
from support.database import Database, temporary_database
from support.markdown import Block, Example, read_blocks, read_examples, write_examples
from support.memory import open_folder
from support.screen import show
from support.transcript import elide, matches

ROOT = Path(__file__).parents[2]
BASH = shutil.which("bash") or "bash"
LIMIT = 60
ROLES = ("deployer", "reporter", "webapp")
"""The roles that documents speak of; they get names of their own on the server."""
KEYS = {"escape": "\x1b", "enter": "\r", "no": "n\r"}


class Differs(AssertionError):
    """A block that isn't what a run shows; `text` is what it should be."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


@dataclass
class Walk:
    """One document's working directory, its database, and what the document calls them."""

    directory: Path
    database: Database
    names: dict[str, str]
    environment: dict[str, str]

    def follow(self, document: Path, *, updates: bool) -> None:
        """Do what a whole document says; with `updates`, what a run shows is written into it."""
        wrong: list[str] = []
        for block in read_blocks(document):
            try:
                self.step(block)
            except Differs as error:
                wrong.append(str(error))
                if updates:
                    text = document.read_text("utf-8")
                    document.write_text(text.replace(block.text, error.text, 1), "utf-8")
        assert not wrong, "\n".join([*wrong, "`pytest tests/docs --update-docs` writes that into the document"])

    def step(self, block: Block) -> None:
        """Do what a block says. Raises Differs where its output isn't what is shown."""
        if "from" in block.say:
            self._quoted(block, ROOT / block.say["from"])
        elif "file" in block.say:
            self._write(block)
        elif "begins" in block.say:
            self._begin(block)
        elif block.kind == "console":
            with self._meanwhile(block.say.get("meanwhile")):
                self._run(block)
        elif "by" in block.say:
            return
        elif block.kind == "sql" and "superuser" in block.say:
            self.database.run(self._real(block.text))
        elif block.kind in CHECKS:
            CHECKS[block.kind](block.text)
        else:
            assert block.kind in {"sh", "text", "yaml", "json"}, f"line {block.line}: nothing tests this {block.kind}"

    def _quoted(self, block: Block, file: Path) -> None:
        source = textwrap.dedent(file.read_text("utf-8"))
        lines = [line.strip() for line in block.text.splitlines()]
        assert "\n".join(lines).strip() in "\n".join(line.strip() for line in source.splitlines()), (
            f"line {block.line} isn't what {file.name} says"
        )

    def _begin(self, block: Block) -> None:
        self.directory = self.directory / "empty"
        self.directory.mkdir()
        self.environment.pop("SARTOR_DB_URL")
        self._run(block)
        self.directory /= block.say["begins"]

    def _write(self, block: Block) -> None:
        if "named" in block.say:
            folder, _, name = block.say["file"].rpartition("/")
            release, time, slug = name.split("-", 2)
            (there,) = (self.directory / folder).glob(f"{release}-*-{slug}")
            self.names[time] = there.name.split("-", 2)[1]
        file = self.directory / self._real(block.say["file"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)

    def _run(self, block: Block) -> None:
        examples = read_examples(block)
        found, wrong = [], ""
        for number, example in enumerate(examples, 1):
            if "keys" in block.say:
                lines = self._screen(example, KEYS[block.say["keys"]])
            else:
                code = int(block.say.get("exit", 0)) if number == len(examples) else 0
                lines = self._output(example.command, code)
            if "quiet" not in block.say and not matches(example.shown, lines):
                wrong += f"$ {example.command}\n" + "\n".join(lines) + "\n"
                lines = elide(example.shown, lines)
            else:
                lines = example.shown
            found.append(Example(example.command, [line.rstrip() for line in lines]))
        if wrong:
            raise Differs(f"line {block.line}: a run shows\n{wrong}", write_examples(found))

    @contextmanager
    def _meanwhile(self, statements: str | None) -> Iterator[None]:
        if statements is None:
            yield
            return
        url = self.database.as_user(self.names["webapp"])
        with asyncio.Runner() as runner:
            name = {"application_name": "nightly-report"}
            connection: Any = runner.run(asyncpg.connect(url, server_settings=name))
            try:
                runner.run(connection.execute(statements))
                yield
            finally:
                runner.run(connection.close())

    def _output(self, command: str, code: int) -> list[str]:
        done = subprocess.run(
            [BASH, "-c", self._real(command)],
            check=False,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            pass_fds=[warm().channel],
        )
        shown = self._shown(done.stdout)
        assert done.returncode == code, f"$ {command}\nexit code {done.returncode}\n{shown}"
        return shown.rstrip("\n").splitlines()

    def _screen(self, example: Example, keys: str) -> list[str]:
        """The terminal's screen when it shows what the document shows, or won't change any more."""
        words = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "NO_COLOR": "1"}
        child = pexpect.spawn(
            BASH,
            ["-c", self._real(example.command)],
            cwd=str(self.directory),
            env=self.environment | words,
            dimensions=(60, 160),
            encoding="utf-8",
            timeout=LIMIT,
        )
        output, quiet = "", 0
        while quiet < 3 and not (output and matches(example.shown, self._on_screen(output))):
            try:
                output += child.read_nonblocking(4096, timeout=1 if output else LIMIT)
                quiet = 0
            except pexpect.TIMEOUT:
                quiet += 1
            except pexpect.EOF:
                pytest.fail(f"$ {example.command}\nended without a question\n{output}")
        child.send(keys)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus in {2, 130}, f"$ {example.command}\nexit code {child.exitstatus}\n{output}"
        return self._on_screen(output)

    def _on_screen(self, output: str) -> list[str]:
        return self._shown("\n".join(show(output))).splitlines()

    def _real(self, text: str) -> str:
        """A document's text with the names that things have here."""
        pattern = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{pattern})\b", lambda match: self.names[match[0]], text)

    def _shown(self, text: str) -> str:
        """Output with the names that the document uses."""
        for name, real in sorted(self.names.items(), key=lambda pair: -len(pair[1])):
            text = text.replace(real, name.replace(".com/", ".com:5432/"))
        text = text.replace(self.database.name, "app").replace(str(self.directory), "/srv/identity")
        text = text.replace("from 127.0.0.1", "from 10.0.7.12")
        return text.replace(f"@{socket.gethostname()}", "@ci-1")


def _python(text: str) -> None:
    compile(text, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


CHECKS: dict[str, Callable[[str], object]] = {"python": _python, "toml": tomllib.loads}


@contextmanager
def walking(server_url: str) -> Iterator[Walk]:
    """A working directory with the reference history and the scripts, and an empty database that `deployer` owns."""
    mark = secrets.token_hex(4)
    roles = {role: f"{role}_{mark}" for role in ROLES}
    server = Database(server_url, "postgres")
    server.run(*(f"create role {role} login" for role in roles.values()))
    try:
        with _project() as directory, temporary_database(server_url) as database:
            database.run(f"alter database {database.name} owner to {roles['deployer']}")
            place = urlsplit(database.url).netloc.rpartition("@")[2]
            names = {**roles, "db.example.com/app": f"{place}/{database.name}"}
            names["db.example.com/app_restored"] = f"{place}/{database.name}_restored"
            walk = Walk(directory, database, names, _environment(directory))
            walk.environment["SARTOR_DB_URL"] = database.as_user(roles["deployer"])
            yield walk
            server.run(f"drop database if exists {database.name}_restored with (force)")
    finally:
        with suppress(Exception):
            server.run(*(f"drop role if exists {role}" for role in roles.values()))


@contextmanager
def _project() -> Iterator[Path]:
    with open_folder() as found:  # where its embedded server can be, too
        directory = found.resolve()
        for name in ("alterations", "scripts", "requirements"):
            shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", directory)
        (directory / ".venv" / "bin").mkdir(parents=True)
        python = f"{sysconfig.get_path('scripts')}/python"
        for name, words in {
            "python": (python,),
            "sartor": (python, "-ISE", hand_on.__file__, warm().channel, EXECUTABLE),
        }.items():
            program = directory / ".venv" / "bin" / name
            program.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n')
            program.chmod(0o755)
        stamp = '. scripts/_bootstrap; stamp run >"$venv/.installed-run"'
        subprocess.run([BASH, "-c", stamp], check=True, cwd=directory, timeout=LIMIT)
        yield directory


def _environment(directory: Path) -> dict[str, str]:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("SARTOR_", "PG")) and k not in {"CI", "PYTHONPATH"}
    }
    programs = [directory / ".venv" / "bin", Path(sys.executable).parent, binaries()]
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    return kept | {"PATH": path, "COLUMNS": "100", "TZ": "UTC"}
