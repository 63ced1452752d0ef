"""The reasons to doubt what a statement did in a rehearsal: what the clone lacked, above all rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import NamedTuple

from sartor.domain.hazards.hazard import Refusal, RehearsedStatement
from sartor.sql.lexer import all_words, has_phrase


class Gap(NamedTuple):
    """Something that a clone lacks, such as `index i of t`, and the relation concerned; None where it may be any.

    A lack with a `word` concerns only statements that name it.
    """

    what: str
    relation: str | None = None
    word: str | None = None


OF_DOMAINS = "23502 or 23514"


def in_view_of_rows(statement: RehearsedStatement, filled: Collection[str]) -> RehearsedStatement:
    """Returns the statement, in doubt where the rows of tables that are `filled` may refuse it.

    It read these tables in the rehearsal, where they had no rows.
    """
    refusals = statement.refusals
    # ALTER DOMAIN reads the rows of all tables with a column of the type, and changes nothing of the tables' form.
    if has_phrase(statement.sql, {"alter domain"}):
        refusals = (*refusals, *(Refusal(table, OF_DOMAINS) for table in statement.scans))
    codes: dict[str, list[str]] = {}
    for table, code in refusals:
        if table in filled:
            codes.setdefault(code, []).append(table)
    doubts = (
        f"the rows of {', '.join(dict.fromkeys(tables))} may violate it (SQLSTATE {code}), and the clone has no rows"
        for code, tables in codes.items()
    )
    return dataclasses.replace(statement, doubts=(*statement.doubts, *doubts))


def in_view_of(statement: RehearsedStatement, lacks: Collection[Gap]) -> RehearsedStatement:
    """Returns the statement, in doubt where it involves something that the clone lacks."""
    touched = {lock.relation for lock in (*statement.locks, *statement.held)} | {*statement.tables, *statement.writes}
    words = all_words(statement.sql.lower())
    found = dict.fromkeys(f"the clone lacks {lack.what}" for lack in _met(lacks, touched, words))
    return dataclasses.replace(statement, doubts=(*statement.doubts, *found))


def _met(lacks: Collection[Gap], touched: Collection[str], words: Collection[str]) -> Iterator[Gap]:
    for lack in lacks:
        if lack.word is not None:
            met = _is_named(lack.word, words)
        else:
            met = lack.relation is None or lack.relation in touched or _is_named(lack.relation, words)
        if met:
            yield lack


def _is_named(name: str, words: Collection[str]) -> bool:
    """Returns whether all words of a name occur, even as parts of others. A doubt too many is better than none."""
    last = name.lower().rpartition(".")[2]
    return all(word in words for word in all_words(last))
