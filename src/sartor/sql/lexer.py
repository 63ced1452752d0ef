"""Just enough of SQL's lexical rules to separate statements, as `psql` does (its `psqlscan.l` is the model).

Nothing here understands a statement: the server does. See the manual's chapter 4.1, Lexical Structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_IN_TAG = r"[^\x00-/:-@\[-^`{-\x7f]"
_IN_WORD = r"[^\x00-\#%-/:-@\[-^`{-\x7f]"
_IN_NUMBER = r"[^\x00-\-/:-@\[-^`{-\x7f]"
_PLAIN = r"[\x00-\x20!\#%&*+,.:<=>?@\[\]^`{|}~\x7f]"
"""Plain characters. The four classes before it are written as the ASCII that they exclude.

Ranges up to the last of all characters would take `re` 10 ms to compile.
"""

_QUOTED = rf"""(?xs)
      (?P<line_comment> --[^\r\n]* )
    | (?P<block_comment> /\* )
    | (?P<escaped> [eE]' )
    | (?P<string> '(?:[^']|'')*+' | "(?:[^"]|"")*+" )
    | (?P<open> '.*+ | ".*+ )
    | (?P<dollar> \$(?:{_LETTER}{_IN_TAG}*)?\$ )
    | (?P<backslash> \\[^\r\n]* )
"""
_WORDS = rf"""
    | (?P<word> {_LETTER}{_IN_WORD}* )
    | (?P<number> \$?[0-9]{_IN_NUMBER}* )
    | (?P<space> [ \t\n\r\f\v]+ )
    | (?P<mark> . )
"""
"""Words as the server's `scan.l` has them: any character beyond ASCII is a letter, even an arrow or a no-break space.

Like the expressions below, it is compiled at its first use, as most commands read no SQL.
"""

_RUNS = rf"""
    | (?P<run> (?: (?! [eE]' ) {_LETTER}{_IN_WORD}*+
        | \$?[0-9]{_IN_NUMBER}*+ | {_PLAIN}++ | - (?! - ) | / (?! \* )
        | \( (?: [^'"$/;()\\-]++ | \( [^'"$/;()\\-]*+ \) )*+ \) )++ )
    | (?P<mark> . )
"""
"""The words of `_WORDS` in one match, up to the next quote, comment, semicolon or parenthesis: ten times as fast.

Parentheses that hold nothing but words, and such parentheses, are among the words.
"""

_FINE, _COARSE = _QUOTED + _WORDS, _QUOTED + _RUNS

_COMMENTS = frozenset({"line_comment", "block_comment", "open_comment"})
_SPACE = " \t\n\r\f\v"
_QUOTING = re.compile(r"""['"$\\]|--|/\*""")
_ESCAPED_END = r"(?s)(?:[^'\\]|\\.|'')*+'"
_CONTINUED = r"(?:[ \t\f\v]|--[^\r\n]*)*+[\r\n](?:[ \t\r\n\f\v]|--[^\r\n]*[\r\n])*+'"
"""The text between the parts of a string that continues after a newline: blanks, and comments to a line's end."""
_ATOMIC = r"(?i)\batomic\b"
_COMMENT_MARK = r"/\*|\*/"
_HEAD = 4
_ROUTINE = r"create (or replace )?(function|procedure)\b"
_MAY_CONTROL = r"(?i)\b(?:begin|start|commit|end|rollback|abort|prepare)\b"
_REACHES_FAR = re.compile(
    r"\b(?:copy|prepare|deallocate|discard|set\s+names|client_encoding|standard_conforming_strings|backslash_quote)\b",
    re.IGNORECASE,
)
_UNSENDABLE = re.compile("[\\0\\ud800-\\udfff]")
_CONTROL = (
    r"(?:begin|start transaction|commit|end|abort|prepare transaction|rollback(?! (?:(?:work|transaction) )?to\b))\b"
)


class Token(NamedTuple):
    """A piece of SQL: its kind (`line_comment`, `block_comment`, `string`, `word`, `mark`, ...) and its offset.

    A string or a quoted name that never ends is of the kind `open`, such a comment an `open_comment`. A `backslash`
    outside of quotes is psql's, with the rest of its line: the server knows none.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.start + len(self.text)

    @property
    def is_blank(self) -> bool:
        """True where it means nothing to the server."""
        return self.kind in _COMMENTS or not self.text.strip(_SPACE)


class Statement(NamedTuple):
    """One statement without its semicolon; `start` is its offset in the text."""

    text: str
    start: int

    @property
    def words(self) -> str:
        """The first words, six at most, in lower case."""
        head = islice((token for token in tokens(self.text) if not token.is_blank), 12)
        return " ".join([token.text.lower() for token in head if token.kind == "word"][:6])


def tokens(sql: str) -> Iterator[Token]:
    """Yields the tokens of `sql`, which cover all of its characters."""
    return _scan(sql, _FINE)


def runs(sql: str) -> Iterator[Token]:
    """Yields the tokens of `sql`, with what is between quotes, comments and semicolons in one token, a `run`.

    A run includes parentheses, except those that hold any of these, or others that are nested deeper.
    """
    return _scan(sql, _COARSE)


def _scan(sql: str, lexeme: str) -> Iterator[Token]:
    position, pattern = 0, re.compile(lexeme)
    while match := pattern.match(sql, position):
        kind = match.lastgroup or "mark"
        end = match.end()
        if kind == "block_comment":
            kind, end = ("open_comment", len(sql)) if (found := _comment_end(sql, end)) < 0 else (kind, found)
        elif kind == "escaped":
            kind, end = ("open", len(sql)) if (found := _escaped_end(sql, end)) < 0 else ("string", found)
        elif kind == "dollar":
            found = sql.find(match[0], end)
            kind, end = ("open", len(sql)) if found < 0 else ("string", found + len(match[0]))
        yield Token(kind, sql[position:end], position)
        position = end


def _comment_end(sql: str, position: int) -> int:
    """Returns where a block comment ends that was opened before `position`, -1 where it doesn't end. Comments nest."""
    depth, mark = 1, re.compile(_COMMENT_MARK)
    while depth and (match := mark.search(sql, position)):
        depth += 1 if match[0] == "/*" else -1
        position = match.end()
    return -1 if depth else position


def _escaped_end(sql: str, position: int) -> int:
    """Returns where a string ends that `E'` opened before `position`, -1 where it doesn't end.

    It may continue after a newline with another quote, and has its escapes there as well.
    """
    while match := re.compile(_ESCAPED_END).match(sql, position):
        continued = re.compile(_CONTINUED).match(sql, match.end())
        if continued is None:
            return match.end()
        position = continued.end()
    return -1


def pieces(sql: str) -> Iterator[Token]:
    """Returns the tokens of `sql`, as large as separating its statements allows."""
    # Only a routine's body in SQL makes semicolons depend on words.
    return tokens(sql) if re.search(_ATOMIC, sql) else runs(sql)


def split(sql: str) -> list[Statement]:
    """Returns the statements of `sql`; empty ones and lone comments don't count."""
    return statements(sql, pieces(sql))


def statements(sql: str, tokens: Iterable[Token]) -> list[Statement]:
    """Returns the statements that consecutive `pieces` of `sql` make up."""
    return [statement for statement, _ in each_statement(sql, tokens)]


def each_statement(sql: str, tokens: Iterable[Token]) -> Iterator[tuple[Statement, int]]:
    """Yields each statement as soon as it ends, with the offset of its semicolon, or of the text's end."""
    start: int | None = None
    end, parentheses, body = 0, 0, _Body()
    for token in tokens:
        if token.is_blank:
            continue
        if token.text == ";" and parentheses <= 0 and not body.open:
            if start is not None:
                yield Statement(sql[start:end], start), token.start
            start, parentheses, body = None, 0, _Body()
            continue
        start = token.end - len(token.text.lstrip(_SPACE)) if start is None else start
        end = token.start + len(token.text.rstrip(_SPACE))
        parentheses += {"(": 1, ")": -1}.get(token.text, 0)
        body.take(token, parentheses)
    if start is not None:
        yield Statement(sql[start:end], start), len(sql)


class _Body:
    """The body of a routine, `begin atomic ... end`, as far as a statement's tokens have come: `open` while in it.

    Each of its statements ends with a semicolon, and none begins with `end`: so the `end` that begins one ends the
    body, whatever `begin`, `case` and `end` are in between, of CASE or as names (gram.y, routine_body_stmt_list).
    """

    def __init__(self) -> None:
        self.open = False
        self._head: list[str] = []
        self._before = ""

    def take(self, token: Token, parentheses: int) -> None:
        """Takes a statement's next token that isn't blank, and how many parentheses are open after it."""
        text = token.text.lower() if token.kind == "word" else token.text
        if len(self._head) < _HEAD:
            self._head.append(text)
        if parentheses <= 0:
            if self.open:
                self.open = not (text == "end" and self._before in {";", "atomic"})
            else:
                self.open = text == "atomic" and self._before == "begin" and self._is_of_routine()
        self._before = text

    def _is_of_routine(self) -> bool:
        return re.match(_ROUTINE, " ".join(self._head)) is not None


def may_control(sql: str) -> bool:
    """Returns whether `sql` has, even in a comment, a first word of the statements that `transaction_control` finds."""
    return re.search(_MAY_CONTROL, sql) is not None


def transaction_control(sql: str) -> str | None:
    """Returns the first statement of `sql` that begins or ends a transaction (`COMMIT`, not `ROLLBACK TO`), or None."""
    if not may_control(sql):
        return None
    return next((s.text for s in split(sql) if re.match(_CONTROL, s.words)), None)


def stands_alone(sql: str) -> bool:
    """Returns whether `sql` means the same with other SQL before and after it, in one message to the server.

    It doesn't where it leaves a string or a comment open, has a backslash outside of them, begins or ends a
    transaction, changes how SQL is read, may want an answer from the client (COPY), or may involve prepared statements,
    which other SQL around it needs; nor where it is empty, or has a character that no message can hold, which the
    driver refuses to send. In doubt, the answer is False.
    """
    if _REACHES_FAR.search(sql) or _UNSENDABLE.search(sql) or transaction_control(sql):
        return False
    if not _QUOTING.search(sql):
        return bool(sql.strip(";" + _SPACE))
    found = list(runs(sql))
    is_broken = any(token.kind in {"open", "open_comment", "backslash"} for token in found)
    return not is_broken and any(not token.is_blank and token.text != ";" for token in found)
