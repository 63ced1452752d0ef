"""Why nobody vouches for what a statement did in a rehearsal: what the clone lacked, rows above all."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from sartor.domain.hazard import Refusal, Statement


class Lack(NamedTuple):
    """What a clone lacks, such as `index i of t`, and the relation that this is about; None where it may be about any.

    One with a `word` is about nothing but what names that.
    """

    what: str
    relation: str | None = None
    word: str | None = None


_ALTERS_DOMAIN = re.compile(r"\balter\s+domain\b", re.IGNORECASE)
"""What looks at the rows of all tables that have a column of a type, and changes nothing of their own form."""
OF_DOMAINS = "23502 or 23514"


def in_view_of_rows(statement: Statement, filled: Collection[str]) -> Statement:
    """The statement, in doubt where it looked at tables that had no rows there, are `filled`, and may refuse it."""
    refusals = statement.refusals
    if _ALTERS_DOMAIN.search(statement.sql):
        refusals = (*refusals, *(Refusal(table, OF_DOMAINS) for table in statement.scans))
    codes: dict[str, list[str]] = {}
    for table, code in refusals:
        if table in filled:
            codes.setdefault(code, []).append(table)
    doubts = (
        f"the rows of {', '.join(dict.fromkeys(tables))} may refuse it (SQLSTATE {code}), and the clone has none"
        for code, tables in codes.items()
    )
    return dataclasses.replace(statement, doubts=(*statement.doubts, *doubts))


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
