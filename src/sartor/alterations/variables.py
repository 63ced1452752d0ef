"""Puts the values of variables into a SQL script that asks for it, as psql does.

A value for `:name` is SQL, and may refer to other variables; one for `:'name'` or `:"name"` is a string or a name. An
undefined variable, which psql leaves as it is, is an error. The lines of errors stay those of the file.
"""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

from sartor.alterations.copy_data import Sifted
from sartor.alterations.directives import directive
from sartor.domain.alteration import Alteration
from sartor.errors import ScriptError
from sartor.sql import lexer
from sartor.sql.quoting import quote_identifier, quote_literal
from sartor.sql.splitting import Lines
from sartor.sql.variables import Reference, is_open, substitute

DIRECTIVE = "variables"


def asks_for_variables(text: str) -> bool:
    """Returns whether a script's first directives have the one that asks for variables."""
    if DIRECTIVE not in text:
        return False
    for token in lexer.pieces(text):
        if token.kind == "line_comment" and (said := directive(token.text)) is not None:
            if said == DIRECTIVE:
                return True
        elif not token.is_blank:
            return False
    return False


def with_values(sifted: Sifted, alteration: Alteration, *, known: bool) -> Sifted:
    """Returns a script's SQL with the values of its variables. Raises ScriptError, naming the line, for others.

    Where the values aren't `known`, each variable that has none is its name.
    """
    values = Values(sifted, alteration, known=known)
    text, replaced = substitute(sifted.text, values.of)
    ends = [reference.end for reference, _ in replaced]
    shifts = [0, *accumulate(len(value) - reference.end + reference.start for reference, value in replaced)]

    def moved(offset: int) -> int:
        return offset + shifts[bisect_right(ends, offset)]

    breaks = [
        (moved(reference.start) + behind, -1)
        for reference, value in replaced
        for behind, character in enumerate(value, 1)
        if character == "\n"
    ]
    gaps = sorted([*breaks, *((moved(place), count) for place, count in sifted.lines.gaps)])
    rows = {moved(start): data for start, data in sifted.rows.items()}
    return Sifted(text, Lines(text, gaps=gaps), rows, exact=not breaks)


class Values:
    """The values of a script's references."""

    def __init__(self, sifted: Sifted, alteration: Alteration, *, known: bool) -> None:
        self._sifted, self._alteration, self._known = sifted, alteration, known
        self._values: Mapping[str, str] = dict(alteration.given.variables)

    def of(self, reference: Reference, above: frozenset[str] = frozenset(), place: int | None = None) -> str | None:
        """Returns the text for a reference; `above` are the variables in whose values it stands, at `place`."""
        place = reference.start if place is None else place
        value = self._values.get(reference.name)
        if reference.kind == "test":
            return "FALSE" if value is None else "TRUE"
        if value is None:
            if reference.name[0].isdigit():
                return None  # a slice of an array
            if self._known:
                raise self._wrong(place, f"the variable `{reference.name}` isn't defined", _define(reference.name))
            value = reference.name
        if reference.kind == "plain":
            return self._sql(reference.name, value, above, place)
        return quote_literal(value) if reference.kind == "literal" else quote_identifier(value)

    def _sql(self, name: str, value: str, above: frozenset[str], place: int) -> str | None:
        if name in above:
            return None  # as psql, which expands none within itself
        if is_open(value):
            what = f"the value of the variable `{name}` leaves a string or a comment open"
            raise self._wrong(place, what, f"write :'{name}' for a string, :\"{name}\" for a name, or close it")
        return substitute(value, lambda inner: self.of(inner, above | {name}, place)).text

    def _wrong(self, offset: int, reason: str, hint: str) -> ScriptError:
        line = self._sifted.lines.at(offset)
        return ScriptError(f"{self._alteration.name}, line {line}: {reason}", line=line, hint=hint)


def _define(name: str) -> str:
    where = f"define {name} by `variables` or in SARTOR_VAR_{name.upper()}"
    return f"{where}; if the colon begins no variable, write a space behind it"
