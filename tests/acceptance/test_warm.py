"""Tests that are about what a command does fork it from a process that has it loaded."""

from __future__ import annotations

import subprocess

from support.command import EXECUTABLE, Command
from support.folder import Folder

TELLS = """
import gc, os, signal, sys

async def up(conn):
    signals = signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP
    handlers = [getattr(signal.getsignal(n), '__name__', signal.getsignal(n)) for n in signals]
    print(sys.argv, os.getcwd(), sorted(os.environ), os.umask(0o22), sys.flags, sys.path, handlers)
    print([os.path.realpath(f"/proc/self/fd/{n}")[:5] for n in range(3)], sys.stdout.encoding, gc.get_threshold())
    raise ValueError("enough")

async def down(conn):
    pass
"""


def test_a_fork_is_as_the_installed_command(sartor: Command, folder: Folder) -> None:
    """A fork has the arguments, variables, working directory, handlers and descriptors that a start would have."""
    folder.write("1.0.0-1700000000-tells.py", TELLS)
    for words in (
        ("--help",),
        ("alteration", "deploy", "latest"),
        ("alteration", "list", "--json"),
        ("backup", "--odd"),
    ):
        forked = sartor.run("db", *words, expect=None)
        command = [EXECUTABLE, "db", *words]
        started = subprocess.run(
            command,
            cwd=sartor.directory,
            env=sartor.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (forked.code, forked.out, forked.err.splitlines()) == (
            started.returncode,
            started.stdout,
            started.stderr.splitlines(),
        )
