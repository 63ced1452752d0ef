"""What a terminal shows: just enough of one for prompts and progress bars."""

from __future__ import annotations

import re

_PIECE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b[()][A-Z0-9]|\x1b[=>78]|\r|\n|\x08|[^\x1b\r\n\x08]+")


def show(output: str) -> list[str]:
    """The lines that a terminal shows after this output, without the empty ones at the end."""
    screen = _Screen()
    for match in _PIECE.finditer(output):
        screen.take(match)
    lines = [line.rstrip() for line in screen.lines]
    while lines and not lines[-1]:
        lines.pop()
    return lines


class _Screen:
    def __init__(self) -> None:
        self.lines = [""]
        self.row = self.column = 0

    def take(self, match: re.Match[str]) -> None:
        """Do what one piece of the output says."""
        text, letter = match[0], match[2]
        if text == "\r":
            self.column = 0
        elif text == "\n":
            self._move(self.row + 1)
        elif text == "\x08":
            self.column = max(0, self.column - 1)
        elif letter is not None:
            self._control(letter, int(match[1]) if match[1].isdigit() else None)
        elif not text.startswith("\x1b"):
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + text + line[self.column + len(text) :]
            self.column += len(text)

    def _control(self, letter: str, number: int | None) -> None:
        steps = 1 if number is None else number
        match letter:
            case "A" | "B":
                self._move(max(0, self.row + (steps if letter == "B" else -steps)))
            case "C" | "D":
                self.column = max(0, self.column + (steps if letter == "C" else -steps))
            case "G":
                self.column = steps - 1
            case "K":
                self.lines[self.row] = "" if number == 2 else self.lines[self.row][: self.column]
            case "J":
                self.lines[self.row] = self.lines[self.row][: self.column]
                del self.lines[self.row + 1 :]
            case _:
                """Colours, and whether the cursor is seen."""

    def _move(self, row: int) -> None:
        self.row = row
        self.lines += [""] * (row + 1 - len(self.lines))
