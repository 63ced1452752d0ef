"""Repeatable scripts in a run's way: what they made may depend on what an alteration changes."""

from collections.abc import Iterator

from sartor.alterations.loader import read_source
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.report import Failure
from sartor.domain.source import Part
from sartor.errors import SartorError
from sartor.sql.lexer import tokens
from sartor.sql.quoting import quote_if_needed
from sartor.sql.splitting import split
from sartor.sql.statements import Kind

_DEPENDED_ON = frozenset({"2BP01", "0A000"})
"""SQLSTATEs: another object depends on what is dropped; a view uses the column whose type is changed."""


def advise_on_repeatables(failure: Failure, catalogue: Catalogue) -> Failure:
    """Returns a failure with the advice that names the repeatable script whose object is in the way, if one is."""
    if failure.advice is not None or failure.sqlstate not in _DEPENDED_ON or not failure.detail:
        return failure
    named = {token.name for token in tokens(failure.detail)}
    for script in catalogue.repeatables:
        for type_, name in _made_by(script):
            if name in named and script.id != failure.id:
                return failure._replace(advice=_advice(type_, name, script))
    return failure


def _made_by(script: Alteration) -> Iterator[tuple[str, str]]:
    """Yields the types and the bare names of what a script is seen to create."""
    try:
        source = read_source(script)
    except SartorError:
        return
    for text in source.parts.get(Part.UP, ()):
        for statement in split(text.text):
            if statement.kind is Kind.CREATE and statement.head.names:
                yield statement.head.type, statement.head.names[0][-1]


def _advice(type_: str, name: str, script: Alteration) -> str:
    shown = quote_if_needed(name)
    return (
        f"{type_} {shown} is made by {script.name}: drop it before what it depends on, and have the next deploy make it"
        f" again, by a change of that script or by `repair --mark-not-deployed {script.id}`"
    )
