"""`sartor` on a terminal of its own, with someone at the keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import pexpect

from support.command import EXECUTABLE, Command
from support.screen import show

LIMIT = 60
"""Seconds after which a text is held never to come."""

UP, DOWN, ENTER, ESCAPE, INTERRUPT = "\x1b[A", "\x1b[B", "\r", "\x1b", "\x03"


class Terminal:
    """A started `sartor db alteration ARGUMENTS`, or whatever `words` say in place of `db alteration`."""

    def __init__(
        self,
        command: Command,
        *arguments: str,
        words: tuple[str, ...] = ("db", "alteration"),
        env: Mapping[str, str] | None = None,
    ) -> None:
        asks_nothing = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}  # pexpect can't answer where the cursor is
        self._child: Any = pexpect.spawn(
            EXECUTABLE,
            [*words, *arguments],
            cwd=str(command.directory),
            env={**command.environment, **asks_nothing, **(env or {})},
            encoding="utf-8",
            dimensions=(60, 160),
            timeout=LIMIT,
        )
        self.output = ""
        """All that it has printed up to the last `until` or `end`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)

    def until(self, text: str) -> None:
        """Wait until it prints this."""
        self._child.expect_exact(text)
        self.output += self._child.before + self._child.after

    def press(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self._child.send(key)

    def end(self) -> int:
        """Wait for its end; its exit code."""
        self._child.expect(pexpect.EOF)
        self.output += self._child.before
        self._child.wait()
        code: int = self._child.exitstatus
        return code

    @property
    def lines(self) -> list[str]:
        """What the screen shows."""
        return show(self.output)
