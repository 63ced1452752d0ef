"""Reads the parts of a definition of the fingerprint: a column's type, a key's columns, an enum's labels.

Postgres wrote the definitions under an empty search path, so that each name of a user's has its schema.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sartor.domain.diagram import DiagramKey, RelationName
from sartor.sql.grammar import Cursor
from sartor.sql.lexer import Token, meaning

_AFTER_TYPE = frozenset(
    {"collate", "compression", "constraint", "default", "generated", "inherited", "no", "not", "options"}
    | {"statistics", "storage"}
)
"""The words that follow a type in a column's definition; before a parenthesis, `with` does too."""
_SHORT = (
    ("character varying", "varchar"),
    ("character", "char"),
    ("bit varying", "varbit"),
)
_ZONES = {"with time zone": "tz", "without time zone": ""}


class ColumnDefinition(NamedTuple):
    """What a column's definition says."""

    type: str
    not_null: bool
    default: str | None
    generated: str | None


class ForeignKey(NamedTuple):
    """What a foreign key's definition says."""

    columns: tuple[str, ...]
    to: RelationName
    to_columns: tuple[str, ...]
    on_delete: str
    on_update: str


def names(text: str) -> tuple[str, ...]:
    """Returns the parts of a name in SQL: `public."Order".id` has three."""
    return Cursor(meaning(text)).name()


def relation(text: str) -> RelationName:
    schema, name = names(text)[:2]
    return RelationName(schema, name)


def name_list(text: str) -> tuple[str, ...]:
    """Returns the names in a list with nothing but blanks between."""
    return tuple(token.name or token.text for token in meaning(text))


def labels(text: str) -> tuple[str, ...]:
    """Returns the labels of an enum, from literals that `quote_literal` made, one a line.

    They aren't read as tokens: to the server, a literal goes on behind a newline.
    """
    found, at = [], 0
    while at < len(text):
        escaped = text[at] == "E"
        start = end = text.index("'", at) + 1
        while text[(end := text.index("'", end)) : end + 2] == "''":
            end += 2
        label = text[start:end].replace("''", "'")
        found.append(label.replace("\\\\", "\\") if escaped else label)
        at = end + 2
    return tuple(found)


def column_definition(text: str, schema: str) -> ColumnDefinition:
    """Returns what a column's definition says; a type of `schema` has no schema in it."""
    tokens = meaning(text)
    words = [token.word for token in tokens]
    end = next((at for at in range(1, len(words)) if _ends_type(words, at)), len(words))
    kind = short_type(text[: tokens[end].start if end < len(tokens) else len(text)].strip(), schema)
    value = next((at for at in _outside_parentheses(words, end) if _begins_value(words, at)), len(words))
    not_null = any(words[at : at + 2] == ["not", "null"] for at in _outside_parentheses(words, end) if at < value)
    default = text[tokens[value].end :].strip() if words[value : value + 1] == ["default"] else None
    return ColumnDefinition(kind, not_null, default, _generated(text, tokens, value))


def _begins_value(words: Sequence[str], at: int) -> bool:
    """Returns whether an expression begins here: a default, or what the column is generated from. It comes last."""
    if words[at] == "default":
        return words[at - 1] != "by"
    return words[at : at + 4] == ["generated", "always", "as", "("]


def _generated(text: str, tokens: Sequence[Token], value: int) -> str | None:
    """Returns how a column is generated; None where it isn't."""
    words = [token.word for token in tokens[:value]]
    if tokens[value:] and tokens[value].word == "generated":
        return text[tokens[value].start :]
    found = next((at for at in range(len(words)) if words[at : at + 1] == ["generated"] and at), None)
    if found is None:
        return None
    return f"generated {'always' if words[found + 1] == 'always' else 'by default'} as identity"


def _ends_type(words: Sequence[str], at: int) -> bool:
    if words[at - 1] == ".":  # a type may have any name
        return False
    return words[at] in _AFTER_TYPE or words[at : at + 2] == ["with", "("]


def _outside_parentheses(words: Sequence[str], start: int) -> Iterator[int]:
    depth = 0
    for at in range(start, len(words)):
        if depth == 0:
            yield at
        depth += (words[at] == "(") - (words[at] == ")")


def short_type(text: str, schema: str) -> str:
    """Returns a type as people write it: `timestamptz(3)`, and without the schema where it is this one."""
    tokens = meaning(text)
    parts = Cursor(tokens).name()
    if len(parts) > 1:
        rest = text[tokens[2 * len(parts) - 2].end :]
        return RelationName(*parts[:2]).within(schema) + rest
    if tokens and tokens[0].text.startswith('"'):  # a type of Postgres's, such as "char"
        return text
    for ending, suffix in _ZONES.items():
        if ending in text:
            head, _, rest = text.partition("(")
            precision = f"({rest.partition(')')[0]})" if rest else ""
            return f"{head.split()[0]}{suffix}{precision}{'[]' if text.endswith('[]') else ''}"
    for long, short in _SHORT:
        if text.startswith(long):
            return short + text.removeprefix(long)
    return text


def key(text: str) -> DiagramKey | None:
    """Returns the key that a constraint's definition defines; None where it is another constraint."""
    cursor = Cursor(meaning(text))
    primary = cursor.take("primary key")
    if not primary and not cursor.take("unique"):
        return None
    cursor.take("nulls not distinct")
    return DiagramKey(_columns(cursor), primary)


def unique_index(text: str) -> DiagramKey | None:
    """Returns the key that an index makes of its table: it must be unique, of plain columns, valid, over all rows."""
    tokens = meaning(text)
    words = [token.word for token in tokens]
    if words[:2] != ["create", "unique"] or words[-1] == "invalid" or "using" not in words:
        return None
    cursor = Cursor(tokens, words.index("using") + 2)
    elements = list(_elements(cursor.parentheses()))
    plain = all(len(each) == 1 or each[1].word != "(" for each in elements) and all(each[0].name for each in elements)
    if not plain or "where" in words[cursor.at :]:
        return None
    return DiagramKey(tuple(each[0].name or "" for each in elements))


def foreign_key(text: str) -> ForeignKey | None:
    """Returns what a foreign key's definition says; None where it is another constraint."""
    cursor = Cursor(meaning(text))
    if not cursor.take("foreign key"):
        return None
    columns = _columns(cursor)
    cursor.take("references")
    schema, name = cursor.name()[:2]
    to_columns = _columns(cursor)
    words = [token.word for token in cursor.tokens[cursor.at :]]
    return ForeignKey(
        columns, RelationName(schema, name), to_columns, _action(words, "delete"), _action(words, "update")
    )


def _action(words: Sequence[str], event: str) -> str:
    at = next((at for at in range(len(words)) if words[at : at + 2] == ["on", event]), None)
    if at is None:
        return ""
    count = 2 if words[at + 2] in {"set", "no"} else 1
    return " ".join(words[at + 2 : at + 2 + count])


def _columns(cursor: Cursor) -> tuple[str, ...]:
    found: list[str] = []
    for element in _elements(cursor.parentheses()):
        inner = Cursor(element)
        if len(element) > 1:
            inner.take("period")
        found += inner.name()[:1]
    return tuple(found)


def _elements(parentheses: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yields what is between the commas of a list in parentheses."""
    start = depth = 0
    inner = parentheses[1:-1]
    for at, token in enumerate(inner):
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            yield inner[start:at]
            start = at + 1
    if inner[start:]:
        yield inner[start:]


class TableDefinition(NamedTuple):
    """What a table's definition says: which tables it inherits, whether as a partition, how it is partitioned."""

    inherits: tuple[RelationName, ...]
    partition: bool
    partitioned_by: str
    unlogged: bool


def table_definition(text: str) -> TableDefinition:
    tokens = meaning(text)
    cursor = Cursor(tokens)
    unlogged = cursor.take("unlogged")
    cursor.take("table")
    if cursor.take("of"):
        cursor.name()
    inherits = []
    if cursor.take("inherits"):
        inherits = [RelationName(*parts[:2]) for parts in cursor.names()]
    partition = bool(inherits) and (cursor.take("for values") or cursor.take("default"))
    return TableDefinition(tuple(inherits), partition, _partitioned_by(text, cursor), unlogged)


def _partitioned_by(text: str, cursor: Cursor) -> str:
    words = [token.word for token in cursor.tokens]
    for at in _outside_parentheses(words, cursor.at):
        if words[at : at + 2] == ["partition", "by"]:
            cursor.at = at + 3
            inner = cursor.parentheses()
            return f"{words[at + 2]} {text[inner[0].start : inner[-1].end]}"
    return ""


_ENDS_LIST = frozenset({"from", "where", "group", "having", "window", "union", "intersect", "except", "order", ";"})
"""The words that follow the list of a SELECT."""


def view_columns(text: str) -> tuple[str, ...]:
    """Returns the names in the list of a view's outermost SELECT, in order, as far as they can be told."""
    tokens = meaning(text)
    words = [token.word for token in tokens]
    outer = list(_outside_parentheses(words, 0))
    start = next((at for at in outer if words[at] == "select"), len(words))
    found: list[str] = []
    last = ""
    for at in (at for at in outer if at > start):
        if words[at] == "," or words[at] in _ENDS_LIST:
            found.append(last)
        if words[at] in _ENDS_LIST:
            return tuple(found)
        last = tokens[at].name or last
    return (*found, last)
