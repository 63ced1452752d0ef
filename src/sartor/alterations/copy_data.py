r"""Reads SQL files as psql does: after `copy ... from stdin;` the lines up to `\.` are data, not SQL.

A file may be larger than memory. So it is read block by block, and only its SQL is kept; of the data, only their place
in the file. While a file is sifted each byte counts as a character: the characters that SQL's syntax depends on are
ASCII, and offsets are those of the file.
"""

import codecs
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sartor.alterations.directives import directive
from sartor.domain.rows import Rows
from sartor.errors import ScriptError
from sartor.sql import lexer, splitting
from sartor.sql.splitting import Lines

_WINDOW = 1 << 16
"""The number of bytes that are searched for a COPY at first."""

_END = re.compile(rb"\n(\\\.\r?\n)")
"""The newline before the line that ends the data, and that line."""
_END_OF_FILE = re.compile(rb"\n(\\\.\r?(?:\n|\Z))")
_LONGEST_END = 4


class Sifted(NamedTuple):
    """A file's SQL, with the numbers that its lines have in the file, and its data by the offset of their COPY.

    `exact` says that each line break of the SQL is one of the file.
    """

    text: str
    lines: Lines
    rows: Mapping[int, Rows]
    exact: bool = True


def sift(name: str, file: str, blocks: Iterable[bytes]) -> Sifted:
    """Separates a file's SQL from its data. Raises ScriptError, naming file and line, where it can't be SQL."""
    source = _Source(name, file, blocks)
    parts: list[str] = []
    rows: dict[int, Rows] = {}
    gaps: list[tuple[int, int]] = []
    length = 0
    while copies := _next_copies(source):
        starts, end = copies
        line, before = source.line, source.held[:end]
        text = source.take_text(end)
        for start in starts:
            at = line + before.count(b"\n", 0, start)
            rows[length + len(before[:start].decode())] = _take_rows(source, at)
        parts.append(text)
        length += len(text)
        gaps.append((length, source.line - line - before.count(b"\n")))
    parts.append(source.take_text(len(source.held)))
    text = "".join(parts)
    return Sifted(text, Lines(text, gaps=gaps), rows)


class _Source:
    """The bytes of a file from `offset` on, as far as they have been read; `line` is the line there, from 1."""

    def __init__(self, name: str, file: str, blocks: Iterable[bytes]) -> None:
        self.name, self.file = name, file
        self.held = bytearray()
        self.offset, self.line = 0, 1
        self.over = False
        self._blocks = iter(blocks)
        while len(self.held) < len(codecs.BOM_UTF8) and self.more():
            pass
        if self.held.startswith(codecs.BOM_UTF8):
            self.take(len(codecs.BOM_UTF8))

    def more(self) -> bool:
        """Reads the next block; returns whether there was one."""
        block = next(self._blocks, b"")
        self.over = not block
        self.held += block
        return not self.over

    def take(self, count: int) -> bytes:
        found = bytes(self.held[:count])
        del self.held[:count]
        self.offset += count
        self.line += found.count(b"\n")
        return found

    def take_text(self, count: int) -> str:
        """Returns the next `count` bytes as text, and drops them. Raises ScriptError where they aren't UTF-8."""
        line, found = self.line, self.take(count)
        try:
            return found.decode()
        except UnicodeDecodeError as error:
            line += found.count(b"\n", 0, error.start)
            raise self.wrong(line, "the text isn't UTF-8; `pg_dump --encoding=UTF8` writes a dump in UTF-8") from error

    def wrong(self, line: int, reason: str) -> ScriptError:
        return ScriptError(f"{self.name}, line {line}: {reason}", line=line)


def _next_copies(source: _Source) -> tuple[list[int], int] | None:
    """Returns the offsets of the COPYs whose data follow the next such line, and of its end; None where no more do.

    Reads as far as it takes.
    """
    window = _WINDOW
    while True:
        while len(source.held) < window and source.more():
            pass
        if found := _find_copies(source):
            return found
        if source.over:
            return None
        window = 2 * len(source.held)


def _find_copies(source: _Source) -> tuple[list[int], int] | None:
    text = source.held.decode("latin-1")
    if "copy" not in text.lower():
        return None
    starts: list[int] = []
    end = -1
    for statement, semicolon in splitting.each_statement(text, _without_comments(text)):
        if starts and semicolon >= end:
            break
        copy = statement.client_copy if text[semicolon : semicolon + 1] == ";" else None
        if copy is None or not copy.from_client:
            continue
        if copy.binary:
            raise source.wrong(
                source.line + text.count("\n", 0, statement.start),
                "COPY in binary format isn't supported in a SQL script: in Python use"
                ' `conn.copy_to_table(..., source=..., format="binary")`',
            )
        starts.append(statement.start)
        end = text.find("\n", semicolon) + 1 or len(text)
        if end == len(text) and not source.over:
            return None
    return (starts, end) if starts else None


def _without_comments(text: str) -> Iterator[lexer.Token]:
    """Yields the tokens except psql's lines; a directive ends the statement before it."""
    for token in lexer.pieces(text):
        if token.kind == "line_comment" and directive(token.text) is not None:
            yield lexer.Token("mark", ";", token.start)
        elif token.kind != "backslash":
            yield token


def _take_rows(source: _Source, copy: int) -> Rows:
    r"""Returns the data of the COPY in line `copy`, and takes them from the source, with the `\.` that ends them.

    Raises ScriptError where nothing ends them.
    """
    start, line, digest = source.offset, source.line, hashlib.sha256()
    newline = b"\n"  # the end of the line before, where that was taken already
    while True:
        window = newline + source.held
        found = (_END_OF_FILE if source.over else _END).search(window)
        if found is None and source.over:
            raise source.wrong(copy, "the data of this COPY aren't terminated: the line `\\.` is missing")
        count = (len(source.held) - _LONGEST_END) if found is None else found.start() + 1 - len(newline)
        if count > 0:
            taken = source.take(count)
            digest.update(taken)
            newline = b"\n" if taken.endswith(b"\n") else b""
        if found is not None:
            size, lines = source.offset - start, source.line - line
            end = source.take(len(found[1]))
            return Rows(
                file=source.file,
                start=start,
                size=size,
                line=line,
                count=lines,
                end=end if end.endswith(b"\n") else end + b"\n",
                digest=digest.digest(),
            )
        source.more()
