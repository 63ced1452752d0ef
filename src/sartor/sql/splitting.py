"""Splits a text into statements, as psql does it, counts its lines, and answers questions about all its statements."""

import re
from collections.abc import Iterable, Iterator, Sequence

from sartor.sql.lexer import Token, pieces, runs, tokens
from sartor.sql.quoting import LONGEST_NAME
from sartor.sql.statements import ClientCopy, Statement

_SPACE = " \t\n\r\f\v"
_HEAD = 4
_MAY_CONTROL = r"(?i)\b(?:begin|start|commit|end|rollback|abort|prepare)\b"
_COPY = r"(?i)\bcopy\b"
_REACHES_FAR = (
    r"(?i)\b(?:copy|prepare|deallocate|discard|set\s+names|client_encoding|standard_conforming_strings"
    r"|backslash_quote)\b"
)
_TOLD = r"(?i)\b(?:global|recheck)\b"
"""Words of which the server warns while it parses a message."""
_MAYBE_LONG = r'"(?:[^"]|""){16,}"|[\w$\x80-\U0010ffff]{16,}'
_QUOTING = r"""['"$\\]|--|/\*"""
_UNSENDABLE = "[\\0\\ud800-\\udfff]"

_ROUTINES = frozenset({"function", "procedure"})


def split(sql: str) -> list[Statement]:
    """Returns the statements of `sql`; empty ones and lone comments don't count."""
    return [statement for statement, _ in each_statement(sql, pieces(sql))]


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
        if len(self._head) < _HEAD:
            self._head.append(token.word)
        if parentheses <= 0:
            if self.open:
                self.open = not (token.word == "end" and self._before in {";", "atomic"})
            else:
                self.open = token.word == "atomic" and self._before == "begin" and self._is_of_routine()
        self._before = token.word

    def _is_of_routine(self) -> bool:
        head = self._head[:1] + self._head[3:] if self._head[1:3] == ["or", "replace"] else self._head
        return head[0] == "create" and head[1] in _ROUTINES


def _split_if(hint: str, sql: str) -> list[Statement]:
    """Returns the statements of `sql`, none where `hint` isn't in it: most texts needn't be split."""
    return split(sql) if re.search(hint, sql) else []


def transaction_control(sql: str) -> str | None:
    """Returns the text of the first statement of `sql` that begins or ends a transaction, None where there is none."""
    return next((each.text for each in _split_if(_MAY_CONTROL, sql) if each.controls_transaction), None)


def find_client_copy(sql: str) -> ClientCopy | None:
    return next((copy for each in _split_if(_COPY, sql) if (copy := each.client_copy)), None)


def waits_for_others(sql: str) -> bool:
    return any(each.waits_for_others for each in _split_if("(?i)concurrently", sql))


def may_lift_lock_timeout(sql: str) -> bool:
    """Returns whether SQL may set lock_timeout: it names it."""
    return "lock_timeout" in sql.lower()


def stands_alone(sql: str) -> bool:
    """Returns whether `sql` means the same with other SQL before and after it, in one message to the server.

    It doesn't where it leaves a string or a comment open, has a backslash outside of them, begins or ends a
    transaction, changes how SQL is read, may want an answer from the client (COPY), or may involve prepared statements,
    which other SQL around it needs; nor where it is empty, or has a character that no message can hold, which the
    driver refuses to send; nor where the server has something to say of it before it runs any of the message, as of a
    name that it cuts. In doubt, the answer is False.
    """
    if any(re.search(pattern, sql) for pattern in (_REACHES_FAR, _UNSENDABLE, _TOLD)) or transaction_control(sql):
        return False
    if any(map(_is_too_long, re.findall(_MAYBE_LONG, sql))) and any(_is_too_long(t.name or "") for t in tokens(sql)):
        return False
    if not re.search(_QUOTING, sql):
        return bool(sql.strip(";" + _SPACE))
    found = list(runs(sql))
    is_broken = any(token.kind in {"open", "open_comment", "backslash"} for token in found)
    return not is_broken and any(not token.is_blank and token.text != ";" for token in found)


def _is_too_long(name: str) -> bool:
    return len(name.encode()) > LONGEST_NAME


class Lines:
    """The lines of a text, counted from the place last asked for: asking in order reads the text once.

    `first` is the number of its first line. `gaps` are places, in order, where lines of the file aren't in the text:
    (offset, how many lines).
    """

    def __init__(self, text: str, first: int = 1, gaps: Sequence[tuple[int, int]] = ()) -> None:
        self._text = text
        self._offset, self._line = 0, first
        self.gaps = gaps

    def at(self, offset: int) -> int:
        """Returns the number of the line that holds the character at `offset`."""
        between = self._text.count("\n", min(offset, self._offset), max(offset, self._offset))
        self._line += between if offset > self._offset else -between
        self._offset = offset
        return self._line + sum(count for place, count in self.gaps if place <= offset)
