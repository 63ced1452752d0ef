"""Text that others have written: a command shows it, and neither a terminal nor a pipeline obeys it."""

from __future__ import annotations

import json

from support.command import Command
from support.folder import Folder

HOSTILE = "\x1b]0;owned\x07\u202eevil\n::error::obey\n##[error]obey\x9b2J"


def test_nobody_obeys_the_words_of_others(sartor: Command, folder: Folder) -> None:
    """Control characters of a server's message are shown, and no line of it is a pipeline's command; JSON keeps it."""
    folder.write(
        "1.0.0-1900000000-evil.py",
        f"""
        async def up(conn):
            raise ValueError({HOSTILE!r})
        async def down(conn):
            pass
        """,
    )
    done = sartor("deploy", "latest", expect=1)
    assert "\\x1b]0;owned\\x07\\u202eevil" in done.err
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(done.err + done.out)
    assert not [line for line in done.err.splitlines() if line.lstrip().startswith(("::", "##["))]
    told = sartor("deploy", "latest", "--json", expect=1)
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(told.out)
    assert HOSTILE in json.loads(told.out)["failed"]["message"]
    history = sartor("history")
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(history.out)
