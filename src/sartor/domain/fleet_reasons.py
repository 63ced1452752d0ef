"""The reasons for which destinations of a fleet fail: one that many have is told once, with their names."""

from itertools import groupby
from typing import NamedTuple

from sartor.domain.destination import Destination
from sartor.domain.fleet import Outcome
from sartor.errors import AlterationFailed

_AROUND = "\"'`.,;:()"


class Reason(NamedTuple):
    """Why a destination failed. `key` is equal for those that one cause may have; `text` is one line on it."""

    key: tuple[object, ...]
    text: str


def reason_of(outcome: Outcome) -> Reason:
    """Returns why a destination failed: a script at one of its places, or an error but for the names in it."""
    error = outcome.error
    if error is None:
        return Reason(("cut",), "interrupted before it was through")
    if isinstance(error, AlterationFailed):
        failure = error.failure
        first = failure.message.partition("\n")[0]
        code = f" (SQLSTATE {failure.sqlstate})" if failure.sqlstate else ""
        place = (failure.name, failure.sqlstate, failure.line, failure.position, failure.condition)
        return Reason((error.code, *place), f"{failure.name}: {first}{code}")
    label, text = outcome.destination.label, str(error)
    key = (error.code, *error.about, without_names(text, outcome.destination))
    return Reason(key, text.removeprefix(f"{label}: ").partition("\n")[0])


def without_names(text: str, destination: Destination) -> str:
    """Returns a text in which a destination's names and all numbers are dots: what two destinations tell alike."""
    server, _, _ = destination.label.rpartition(", schema ")
    for name in (destination.label, server):
        text = text.replace(name, "...")
    names = {destination.schema, destination.database}
    words = ("..." if word.strip(_AROUND) in names else word for word in text.split())
    runs = groupby(" ".join(words), key=str.isdigit)
    return "".join("." if is_number else "".join(characters) for is_number, characters in runs)
