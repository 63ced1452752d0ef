"""Findings about a script that isn't run: its parts, and the statements that it is seen to send."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sartor.domain.source import Part, Source, Text
from sartor.lint.rules import (
    LOOK_ALIKE,
    MARK_REMOVED,
    MIXED,
    NO_DOWN,
    NO_UP,
    NOT_IN_TRANSACTION,
    NOT_RERUNNABLE,
    ROLE_KEPT,
    RULES,
    TRANSACTION_CONTROL,
    UNKNOWN_RULE,
    UNREADABLE,
    Finding,
    Rule,
)
from sartor.sql import confusables, lexer
from sartor.sql.concurrent import is_concurrent, plain_words
from sartor.sql.lines import Lines

_ALONE = re.compile(
    r"(?:vacuum|alter system|(?:create|drop) (?:database|tablespace|subscription)"
    r"|reindex (?:(?!(?:table|index) )\S+ )*(?:database|schema|system))\b|cluster(?: verbose)?$"
)
"""Statements that can't run in a transaction, besides the concurrent ones."""

_CHANGE = re.compile(r"(?:create|alter|drop|insert|update|delete|merge|truncate|comment|grant|revoke)\b")
_ONCE = re.compile(
    r"create (?:unique )?index (?!.*if not exists)"
    r"|create (?:unlogged )?(?:table|sequence|schema|extension|materialized view) (?!if not exists)"
    r"|drop (?:table|sequence|schema|extension|(?:materialized )?view|type|function|trigger|policy) (?!if exists)"
    r"|drop index (?!(?:concurrently )?if exists)"
    r"|alter table .*(?:add column (?!if not exists)|drop column (?!if exists))"
)
_MARK = re.compile(r"(?:reset all|discard all|set constraints all)$|set constraints all ")
_ROLE = re.compile(r"set (?:(?:local|session) )?(?:role|session authorization)\b")
_ROLE_BACK = re.compile(r"reset (?:role|session authorization)$|set .*(?:role none|session authorization default)$")


def lint_script(source: Source) -> Iterator[Finding]:
    """Yields the findings about one script; about one that can't be loaded, little more than that."""
    yield from _lint_words(source)
    wrong = [*source.wrong, *(Text(f"`{each.text}` isn't async", each.line) for each in source.not_async)]
    yield from (_finding(UNREADABLE, source, reason.line, reason.text) for reason in wrong)
    if wrong:
        return
    if Part.UP not in source.parts:
        yield _finding(NO_UP, source, None, "has no up")
    if Part.DOWN not in source.parts and not source.irreversible:
        yield _finding(NO_DOWN, source, None, "has no down, and no word why")
    for part in source.parts:
        yield from _lint_part(source, part)


def _lint_words(source: Source) -> Iterator[Finding]:
    known = {rule.code for rule in RULES}
    for comment in source.ignored:
        if comment.text not in known:
            yield _finding(UNKNOWN_RULE, source, comment.line, f"there is no rule {comment.text}")
    for name in source.names:
        if found := confusables.in_word(name.text):
            yield _finding(LOOK_ALIKE, source, name.line, f"`{name.text}` has {confusables.describe(found)}")


def _finding(rule: Rule, source: Source, line: int | None, message: str) -> Finding:
    alteration = source.alteration
    return Finding(
        rule=rule,
        lineage=alteration.lineage,
        file=alteration.file,
        line=line,
        message=message,
        alteration=alteration,
    )


def _lint_part(source: Source, part: Part) -> Iterator[Finding]:
    statements = list(_statements(source, part))
    outside = source.runs_outside(part)
    for text in source.parts[part]:
        lines = Lines(text.text, text.line)
        for character, offset in confusables.in_sql(text.text):
            yield _finding(LOOK_ALIKE, source, lines.at(offset), f"the SQL has {confusables.describe(character)}")
    if outside is True:
        yield from _lint_outside(source, statements)
    elif outside is False:
        yield from _lint_inside(source, statements)


Said = tuple[str, int]
"""A statement's words, in lower case, and its line."""


def _statements(source: Source, part: Part) -> Iterator[Said]:
    for text in source.parts[part]:
        lines = Lines(text.text, text.line)
        for statement in lexer.split(text.text):
            yield plain_words(statement.text), lines.at(statement.start)


def _lint_inside(source: Source, statements: list[Said]) -> Iterator[Finding]:
    role: Said | None = None
    for words, line in statements:
        if lexer.transaction_control(words):
            yield _finding(TRANSACTION_CONTROL, source, line, f"`{_shown(words)}` in a script that is one transaction")
        if is_concurrent(words) or _ALONE.match(words):
            yield _finding(NOT_IN_TRANSACTION, source, line, f"`{_shown(words)}` can't run in a transaction")
        if _MARK.match(words):
            yield _finding(MARK_REMOVED, source, line, f"`{_shown(words)}` resets what is Sartor's, too")
        if _ROLE_BACK.match(words):
            role = None
        elif _ROLE.match(words):
            role = words, line
    if role is not None:
        yield _finding(ROLE_KEPT, source, role[1], f"`{_shown(role[0])}` is never taken back")


def _lint_outside(source: Source, statements: list[Said]) -> Iterator[Finding]:
    if any(is_concurrent(words) for words, _ in statements):
        beside = [said for said in statements if _CHANGE.match(said[0]) and not is_concurrent(said[0])]
        for words, line in beside[:1]:
            yield _finding(MIXED, source, line, f"`{_shown(words)}` could be in a transaction")
    for words, line in statements:
        if _ONCE.match(words):
            yield _finding(NOT_RERUNNABLE, source, line, f"`{_shown(words)}` fails when it is run again")


def _shown(words: str) -> str:
    shown = words.split(" ")
    return " ".join(shown[:4]) + (" ..." if len(shown) > 4 else "")
