"""Why nobody vouches for what a statement did in a rehearsal: what the clone lacked, rows above all."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from sartor.domain.hazard import Statement


class Lack(NamedTuple):
    """What a clone lacks, such as `index i of t`, and the relation that this is about; None where it may be about any.

    One with a `word` is about nothing but what names that.
    """

    what: str
    relation: str | None = None
    word: str | None = None


_REFUSING = (
    (r"alter table .*\bset not null\b", "23502"),
    (r"alter table (?!.*\b(default|generated|\w*serial\d?)\b).*\badd .*\bnot null\b", "23502"),
    (r"alter table .*\badd .*\bprimary key\b|alter table .*\badd .*\bunique\b|create unique index\b", "23505"),
    (r"alter table .*\b(add .*\b(references|foreign key)|validate constraint)\b", "23503 or 23514"),
    (r"alter table .*\badd .*\bcheck\b|alter (table|index) .*\battach partition\b|alter domain\b", "23514"),
    (r"alter table .*\badd .*\bexclude\b", "23P01"),
)
"""Statements that look whether rows agree with them, and the SQLSTATEs of those that don't."""


def in_view_of_rows(statement: Statement, filled: Collection[str]) -> Statement:
    """The statement, in doubt where it looked at tables that had no rows there, are `filled`, and may refuse it."""
    met = [table for table in statement.tables if table in filled]
    words = " ".join(re.sub(r"--[^\n]*|/\*.*?\*/", " ", statement.sql, flags=re.DOTALL).lower().split())
    code = next((code for pattern, code in _REFUSING if re.match(pattern, words)), None)
    if not met or code is None:
        return statement
    doubt = f"the rows of {', '.join(met)} may refuse it (SQLSTATE {code}), and the clone has none"
    return dataclasses.replace(statement, doubts=(*statement.doubts, doubt))


def in_view_of(statement: Statement, lacks: Collection[Lack]) -> Statement:
    """The statement, in doubt where it has to do with something that the clone lacks."""
    touched = {lock.relation for lock in (*statement.locks, *statement.held)} | {*statement.tables, *statement.writes}
    words = frozenset(re.findall(r"\w+", statement.sql.lower()))
    found = dict.fromkeys(f"the clone lacks {lack.what}" for lack in _met(lacks, touched, words))
    return dataclasses.replace(statement, doubts=(*statement.doubts, *found))


def _met(lacks: Collection[Lack], touched: Collection[str], words: Collection[str]) -> Iterator[Lack]:
    for lack in lacks:
        if lack.word is not None:
            met = _is_named(lack.word, words)
        else:
            met = lack.relation is None or lack.relation in touched or _is_named(lack.relation, words)
        if met:
            yield lack


def _is_named(name: str, words: Collection[str]) -> bool:
    """Whether all words of a name are there, whoever else's they may be: a doubt too many is better than none."""
    last = name.lower().rpartition(".")[2]
    return all(word in words for word in re.findall(r"\w+", last))
