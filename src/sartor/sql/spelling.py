"""Definitions that Postgres spells in two ways: as first stored, and as stored when that text is read again.

`a in ('x', 'y')` on a varchar is stored as an array that is cast, and written out as `(ARRAY['x'::character varying,
...])::text[]`. Read again, as after a dump, the same cast stands at each element: that is the parser's own rule
(`transformTypeCast` passes an array's type down to its elements), and both give the same values. `a in (b, c, d)` is
stored as `((a = b OR a = c) OR a = d)`, and read again without the inner pair of parentheses: the parser (`makeOrExpr`,
`makeAndExpr`) flattens the left operand of the same word.
"""

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from sartor.sql.lexer import tokens

_NAME = r'(?:"(?:[^"]|"")*"|\w+)'
_REST = r"(?: varying| precision)?(?:\(\d+(?:, ?-?\d+)?\))?(?: (?:with|without) time zone)?"
_CAST = re.compile(rf"::({_NAME}(?:\.{_NAME})?{_REST})\[\]")
"""The cast that follows an array in parentheses, to an array of this type."""
_OWN = rf"\w+{_REST}(?:\[\])?"
"""A type of Postgres's own, as it has no schema: so it is no domain, which might have a default itself."""
_COLUMN_NULL = re.compile(
    rf"^({_OWN}(?: .*)?) default NULL::{_OWN}(?= (?:storage|compression|statistics|with|options|inherited)\b|$)"
)
_DUMPED_NULL = re.compile(
    rf"^(    {_NAME} {_OWN}(?: .*)?) DEFAULT NULL(?:::{_OWN})?(?=(?: NOT NULL)?,?$)", re.MULTILINE
)

_CHOSEN = re.compile(
    rf'^(    {_NAME} .*) CONSTRAINT (?:"(?:[^"]|"")*_not_null\d*"|\w+_not_null\d*) NOT NULL(?=(?: NO INHERIT)?,?$)',
    re.MULTILINE,
)
"""The name of a NOT NULL constraint of Postgres 18, as the server chooses it: another where it is taken."""

_OPERATORS = frozenset("+-*/<>=~!@#%^&|`?")
_PAIRS = {"(": ")", "[": "]"}
DEEPEST = 100
"""The deepest nesting of brackets that is rewritten."""
LONGEST = 40
"""The most tokens that a type's name has."""


class _Group(NamedTuple):
    """The content of a pair of brackets."""

    opening: str
    parts: list["_Group | str"]


def plain(kind: str, definition: str) -> str:
    """Returns the definition of an object of this kind in one spelling: two that are equal then mean the same."""
    if kind == "column" and "'" not in definition:
        # A dump writes this default, which is none, where a partition doesn't have its parent's default.
        definition = _COLUMN_NULL.sub(r"\1", definition)
    return _spelt(definition)


def plain_dump(text: str) -> str:
    return _spelt(_CHOSEN.sub(r"\1 NOT NULL", _DUMPED_NULL.sub(r"\1", text)))


def _spelt(text: str) -> str:
    if "ARRAY[" not in text and "((" not in text:
        return text
    found, depth = _Group("", []), 0
    stack = [found]
    for token in tokens(text):
        if token.text in _PAIRS:
            depth = max(depth, len(stack))
            stack.append(_Group(token.text, []))
        elif len(stack) > 1 and token.text == _PAIRS[stack[-1].opening]:
            inner = stack.pop()
            stack[-1].parts.append(inner)
        else:
            stack[-1].parts.append(token.text)
    # Text that isn't well formed, or is deeper than anybody writes, is left as it is.
    return text if len(stack) > 1 or depth > DEEPEST else _write_parts(_flat(found).parts)


def _write_parts(parts: Sequence[_Group | str]) -> str:
    written, at = "", 0
    while at < len(parts):
        text, end = _casting(parts, at) or (_write(parts[at]), at + 1)
        written, at = written + text, end
    return written


def _write(part: _Group | str) -> str:
    return part if isinstance(part, str) else part.opening + _write_parts(_flat(part).parts) + _PAIRS[part.opening]


def _casting(parts: Sequence[_Group | str], at: int) -> tuple[str, int] | None:
    """Returns the array that is cast at this place, with each element cast, and where that ends; else None."""
    # In statistics, Postgres writes only the parentheses that are required.
    for array, end in ((_array(_inside(parts[at])), at + 1), (_array(parts[at : at + 2]), at + 2)):
        if array and (cast := _CAST.match("".join(map(_raw, parts[end : end + LONGEST])))):
            ends = itertools.accumulate((len(_raw(part)) for part in parts[end:]), initial=0)
            behind = next(count for count, length in enumerate(ends) if length >= len(cast[0]))
            return _cast(array, cast[1], bare=end == at + 2), end + behind
    return None


def _raw(part: _Group | str) -> str:
    return part if isinstance(part, str) else part.opening + "".join(map(_raw, part.parts)) + _PAIRS[part.opening]


def _inside(part: _Group | str) -> Sequence[_Group | str]:
    return part.parts if isinstance(part, _Group) and part.opening == "(" else ()


def _array(parts: Sequence[_Group | str]) -> _Group | None:
    match parts:
        case ["ARRAY", _Group() as elements] if elements.parts:
            return elements
    return None


def _cast(array: _Group, type_: str, *, bare: bool) -> str:
    """Returns an array with each element cast; in an array of arrays, the elements of each."""

    def one(element: list[_Group | str]) -> str:
        if inner := _array(element):
            return _cast(inner, type_, bare=bare)
        written = _write_parts(element)
        simple = bare and not any(part in _OPERATORS for part in element if isinstance(part, str))
        return f"{written}::{type_}" if simple else f"({written})::{type_}"

    return f"ARRAY[{', '.join(map(one, _split(array.parts, ',')))}]"


def _flat(group: _Group) -> _Group:
    """Returns `((a AND b) AND c)` as `(a AND b AND c)`, and the same with OR."""
    for word, other in (("AND", "OR"), ("OR", "AND")):
        operands = _split(group.parts, word)
        if len(operands) > 1 and len(operands[0]) == 1 and isinstance(first := operands[0][0], _Group):
            first = _flat(first)
            if first.opening == "(" and word in first.parts and other not in first.parts:
                return group._replace(parts=[*first.parts, *group.parts[1:]])
    return group


def _split(parts: Sequence[_Group | str], at: str) -> list[list[_Group | str]]:
    """Returns the parts between a word or comma, without the spaces around it."""
    found: list[list[_Group | str]] = [[]]
    for part in parts:
        if part == at:
            found.append([])
        elif found[-1] or not _is_space(part):
            found[-1].append(part)
    for each in found:
        while each and _is_space(each[-1]):
            each.pop()
    return found


def _is_space(part: _Group | str) -> bool:
    return isinstance(part, str) and part.isspace()
