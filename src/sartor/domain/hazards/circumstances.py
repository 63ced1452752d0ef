"""The circumstances of a rehearsed statement: what the clone lacked, above all rows, and what ran under its locks."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from sartor.domain.hazards.hazard import STOPS_WRITES, Lock, Refusal, RehearsedStatement
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
        told = {table for table, _ in refusals}
        refusals = (*refusals, *(Refusal(table, OF_DOMAINS) for table in statement.scans if table not in told))
    codes: dict[str, list[str]] = {}
    for table, code in refusals:
        if table in filled:
            codes.setdefault(code, []).append(table)
    doubts = (
        f"the rows of {', '.join(dict.fromkeys(tables))} may violate it (SQLSTATE {code}), and the clone has no rows"
        for code, tables in codes.items()
    )
    return statement._replace(doubts=(*statement.doubts, *doubts))


def in_view_of(statement: RehearsedStatement, lacks: Collection[Gap]) -> RehearsedStatement:
    touched = {lock.relation for lock in (*statement.locks, *statement.held)} | {*statement.tables, *statement.writes}
    words = all_words(statement.sql.lower())
    found = dict.fromkeys(f"the clone lacks {lack.what}" for lack in lacks if _concerns(lack, touched, words))
    return statement._replace(doubts=(*statement.doubts, *found))


def _concerns(lack: Gap, touched: Collection[str], words: Collection[str]) -> bool:
    if lack.word is not None:
        return _is_named(lack.word, words)
    return lack.relation is None or lack.relation in touched or _is_named(lack.relation, words)


def _is_named(name: str, words: Collection[str]) -> bool:
    """Returns whether all words of a name occur, even as parts of others. A doubt too many is better than none."""
    last = name.lower().rpartition(".")[2]
    return all(word in words for word in all_words(last))


def with_later(statements: Sequence[RehearsedStatement]) -> tuple[RehearsedStatement, ...]:
    until = list(accumulate([statement.ms for statement in statements], initial=0.0))
    told: list[RehearsedStatement] = []
    ends: dict[str, int] = {}
    for number in reversed(range(len(statements))):
        statement = statements[number]
        last = max((ends.get(name, number) for name in _stopped(statement.locks)), default=number)
        later_ms = until[last + 1] - until[number + 1]
        told.append(statement._replace(later=last - number, later_ms=later_ms))
        ends = _ends(statement, number, ends)
    return tuple(reversed(told))


def _ends(statement: RehearsedStatement, number: int, ends: dict[str, int]) -> dict[str, int]:
    """Returns, by relation, the last statement under each lock that stops others and that the `number`th ran under."""
    if statement.error is not None:
        return ends  # a savepoint took back what it did, and its looks with it
    return {name: ends.get(name, number) for name in _stopped(statement.held)}


def _stopped(locks: Iterable[Lock]) -> Iterator[str]:
    return (lock.relation for lock in locks if lock.mode in STOPS_WRITES)
