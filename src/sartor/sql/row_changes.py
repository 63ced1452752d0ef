"""Statements that take rows or values away, found by their words where there are no rows to show it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sartor.sql.branching import block
from sartor.sql.lexer import Token, tokens

_TAKES = re.compile(r"\b(delete|truncate|update|merge)\b", re.IGNORECASE)
_AFTER_UPDATE = frozenset({"on", "for", "before", "after", "or", "of", "grant", "revoke", ","})
"""Words before `update` where it isn't a statement."""
_USING = re.compile(
    r"""\balter (?:column )?("(?:[^"]|"")+"|\w+) (?:set data )?type\b(?:(?!\balter\b).)*?\busing\b(.+?)"""
    r"(?=,\s*(?:alter|add|drop)\b|;|$)",
    re.IGNORECASE,
)


class Taking(NamedTuple):
    """A part of a statement that changes rows of `target`, a name's parts; None where the target isn't known.

    `columns` are those that an update sets, None where they aren't known. `whole` says that all rows are meant, and
    `fills` that it sets what was null.
    """

    verb: str
    target: tuple[str, ...] | None
    columns: frozenset[str] | None = None
    whole: bool = False
    fills: bool = False


def takings(sql: str, routines: Iterable[str] = ()) -> tuple[Taking, ...]:
    """Returns what a statement, its block, and the bodies of the `routines` that it calls take away or put in."""
    body = block(sql)
    found = list(_takings(_meaning(sql))) if body is None else []
    for text in (*((body,) if body is not None else ()), *routines):
        found += (each._replace(whole=False) for each in _in_body(text))
    return tuple(found)


def recast(sql: str) -> dict[str, bool]:
    """Returns, by the column whose type is changed with USING, whether that is no more than a cast of it."""
    text = " ".join(sql.split())
    found: dict[str, bool] = {}
    for column, expression in _USING.findall(text):
        name = column[1:-1].replace('""', '"') if column.startswith('"') else column.lower()
        cast = re.fullmatch(
            rf"\(*{re.escape(column)}\)*\s*::\s*[\w \"]+(\([\d, ]+\))?\)*", expression.strip(), re.IGNORECASE
        )
        found[name] = found.get(name, True) and cast is not None
    return found


def _in_body(text: str) -> Iterator[Taking]:
    """Yields what a body takes away or puts in, and what the strings that it may execute do."""
    found = _meaning(text)
    yield from _takings(found)
    for token in found:
        if token.kind == "string" and token.text[0] != '"' and _TAKES.search(token.text):
            yield from _in_body(_unquoted(token.text))


def _unquoted(text: str) -> str:
    if text.startswith("$"):
        mark = text[: text.index("$", 1) + 1]
        return text[len(mark) : -len(mark)]
    return text.lstrip("eE")[1:-1].replace("''", "'")


def _meaning(sql: str) -> list[Token]:
    return [token for token in tokens(sql) if not token.is_blank]


def _takings(found: Sequence[Token]) -> Iterator[Taking]:
    words = [token.text.lower() if token.kind == "word" else token.text for token in found]
    into: tuple[str, ...] | None = None
    for at, word in enumerate(words):
        before, after = (words[at - 1] if at else ""), words[at + 1 : at + 2]
        if word in ("insert", "merge") and after == ["into"]:
            into = _name(found, at + 2)
            if word == "insert":
                yield Taking("insert", into)
        elif word == "delete" and after == ["from"]:
            yield Taking("delete", _name(found, at + 2), whole="where" not in _clause(words, at))
        elif word == "delete" and before == "then":
            yield Taking("delete", into)
        elif word == "truncate" and after not in (["on"], [","], []) and before not in _AFTER_UPDATE - {","}:
            yield from (Taking("truncate", name, whole=True) for name in _names(found, words, at + 1))
        elif word == "update" and before not in _AFTER_UPDATE:
            yield from _updating(found, words, at, into if before in ("do", "then") else None)


def _updating(found: Sequence[Token], words: list[str], at: int, into: tuple[str, ...] | None) -> Iterator[Taking]:
    clause = _clause(words, at)
    if "set" not in clause[:9]:
        return
    columns = _columns(found[at:], clause)
    where = clause[clause.index("where") :] if "where" in clause else []
    nulls = {words for words in zip(where, where[1:], where[2:], strict=False) if words[1:] == ("is", "null")}
    fills = bool(columns) and "or" not in where and all((name, "is", "null") in nulls for name in columns or ())
    target = into if words[at + 1] == "set" else _name(found, at + 1)
    yield Taking("update", target, columns, whole=not where and words[at + 1] != "set", fills=fills)


def _clause(words: list[str], at: int) -> list[str]:
    """Returns the words from this one on, "" for those in further parentheses, to the end of what it is in."""
    depth, kept = 0, []
    for word in words[at:]:
        depth -= word == ")"
        if depth < 0 or (depth == 0 and word == ";"):
            break
        kept.append(word if depth == 0 else "")
        depth += word == "("
    return kept


def _columns(found: Sequence[Token], clause: list[str]) -> frozenset[str] | None:
    """Returns the columns after SET, left of the equals signs; None where several are set at once."""
    start = clause.index("set") + 1
    ends = [at for at, word in enumerate(clause) if at > start and word in ("from", "where", "returning", "when")]
    names, expected = [], True
    for at in range(start, min(ends, default=len(clause))):
        if expected:
            if clause[at] in ("(", ""):
                return None
            names.append(_plain(found[at]))
        expected = clause[at] == ","
    return frozenset(name for name in names if name is not None) if None not in names else None


def _names(found: Sequence[Token], words: list[str], at: int) -> Iterator[tuple[str, ...] | None]:
    """Yields several names with commas between."""
    while True:
        yield _name(found, at)
        while at < len(words) and words[at] not in (",", ";", "restart", "continue", "cascade", "restrict"):
            at += 1
        if at >= len(words) or words[at] != ",":
            return
        at += 1


def _name(found: Sequence[Token], at: int) -> tuple[str, ...] | None:
    """Returns the parts of the name that begins there, after `table` and `only`."""
    while at < len(found) and found[at].text.lower() in ("table", "only"):
        at += 1
    parts: list[str] = []
    while at < len(found) and (part := _plain(found[at])) is not None:
        parts.append(part)
        if at + 1 >= len(found) or found[at + 1].text != ".":
            break
        at += 2
    return tuple(parts) or None


def _plain(token: Token) -> str | None:
    if token.kind == "word":
        return token.text.lower()
    if token.kind == "string" and token.text.startswith('"'):
        return token.text[1:-1].replace('""', '"')
    return None
