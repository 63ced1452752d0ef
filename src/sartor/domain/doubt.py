"""Why nobody vouches for what a statement did in a rehearsal: what the clone lacked."""

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
