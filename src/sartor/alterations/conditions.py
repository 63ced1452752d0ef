"""The answers of conditions: what a script requires before its `up`, and ensures after it."""

from collections.abc import Sequence
from typing import NamedTuple

from sartor.domain.source import Part
from sartor.errors import Unmet


def stated(docstring: str | None, part: Part) -> str:
    """Returns a condition in its author's words: the first line of the function's docstring, or else its name."""
    return next((line.strip() for line in (docstring or "").splitlines() if line.strip()), f"{part.value}(conn)")


def require_true(part: Part, words: str, answer: object, place: tuple[str, int] | None) -> None:
    """Raises Unmet where a condition's answer isn't True."""
    if answer is True:
        return
    what = "isn't met" if answer is False else f"gives {_told(answer)} instead of true or false"
    raise Unmet(f"`{part.value}` {what}: {words}", condition=words, place=place)


def _told(answer: object) -> str:
    if answer is None:
        return "None or NULL"
    return answer.what if isinstance(answer, _NoAnswer) else f"a value of type {type(answer).__name__}"


class _NoAnswer(NamedTuple):
    """What a query gives in place of one value."""

    what: str


def only_value(rows: Sequence[Sequence[object]]) -> object:
    """Returns the only value that a query gives, or what it gives instead."""
    if len(rows) != 1:
        return _NoAnswer(f"{len(rows)} rows" if rows else "no row")
    return rows[0][0] if len(rows[0]) == 1 else _NoAnswer(f"{len(rows[0])} columns")
