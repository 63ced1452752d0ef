"""Splits a definition, as Postgres prints it, into what a server can parse and print again, and the text around that.

An expression becomes a query over its table, for a temporary view: to create one, the server parses the query, and
plans and runs nothing. All that it runs are the input functions of literals' types, which `literal_types` names.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sartor.sql.lexer import Token, meaning
from sartor.sql.quoting import quote_literal

GAP = "\0"
"""The character that stands for a query in a frame: no text of Postgres's has it."""
NAME = "sartor_text"
"""The name of the temporary view, or rule, that is made of a text."""

_VIEW = f"select pg_catalog.pg_get_viewdef('pg_temp.{NAME}'::pg_catalog.regclass)"
_RULE = f"""
select pg_catalog.pg_get_ruledef(oid) from pg_catalog.pg_rewrite
where ev_class = 'pg_temp.{NAME}'::pg_catalog.regclass and rulename = '{NAME}'
"""

_PAIRS = {"(": ")", "[": "]"}
_RELATIONS = ("materialized view ", "foreign table ", "table ", "view ")
_IN_PARENTHESES = frozenset({"check", "when", "using", "as"})
"""The words before the expression of a check, a trigger, a policy, a generated column."""
_PARTITIONED = frozenset({"range", "list", "hash"})


class Query(NamedTuple):
    """The statements that make a temporary object of a part of a definition; `printed` selects its text."""

    statements: tuple[str, ...]
    printed: str


class Split(NamedTuple):
    """A definition with a `GAP` for each query: two with the same frame differ in their queries alone."""

    frame: str
    queries: tuple[Query, ...] = ()


class _Item(NamedTuple):
    """A token outside of brackets, or a pair of brackets with all that is in it."""

    word: str
    start: int
    end: int
    inner: Sequence[Token] = ()


_Span = tuple[int, int]


def split(kind: str, name: str, parent: str, definition: str) -> Split:
    """Returns the queries of an object's definition; none where no part of it can be parsed by itself."""
    try:
        return _split(kind, name, parent, definition)
    except (IndexError, ValueError):  # somebody else than Postgres wrote it
        return Split(definition)


def _split(kind: str, name: str, parent: str, definition: str) -> Split:
    if kind in {"view", "materialized view"}:
        start = definition.index("\n ")  # no line before the query begins with a blank
        return Split(definition[:start] + GAP, (_view(definition[start:].rstrip(";")),))
    items = _items(meaning(definition))
    if kind == "rule":
        return _split_rule(_relation(parent), definition, items)
    if kind in {"function", "procedure"}:
        return _split_routine(definition, items)
    source = _source(kind, name, parent)
    return Split(definition) if source is None else _split_at(_spans(kind, definition, items), definition, source)


def literal_types(text: str) -> frozenset[str] | None:
    """Returns the types with a schema to which a text casts literals; None where a literal isn't cast to one type.

    Postgres prints each literal with a cast. A type without a schema is Postgres's own: no other is on the search path.
    A literal of the type `unknown` is read as whatever stands around it needs, and a third name may be the database's.
    """
    found, tokens = set[str](), meaning(text)
    for at, token in enumerate(tokens):
        if token.kind in {"open", "backslash"} or token.text[:2] in {"U&", "u&"}:
            return None
        if token.literal is None:
            continue
        match [each.text for each in tokens[at + 1 : at + 7]]:
            case [":", ":", schema, ".", name, *rest] if rest != ["."]:
                found.add(f"{schema}.{name}" + ("[]" if rest == ["["] else ""))
            case [":", ":", _, *rest] if tokens[at + 3].name not in {None, "unknown"} and rest[:1] != ["."]:
                pass
            case _:
                return None
    return frozenset(found)


def _view(query: str) -> Query:
    return Query((f"create temp view {NAME} as {query}",), _VIEW)


def _split_at(spans: Iterator[_Span], definition: str, source: str) -> Split:
    frame, end, queries = "", 0, []
    for start, stop in spans:
        frame, end = frame + definition[end:start] + GAP, stop
        queries.append(_view(f"select ({definition[start:stop]}) as e{source}"))
    return Split(frame + definition[end:], tuple(queries))


def _source(kind: str, name: str, parent: str) -> str | None:
    """Returns the FROM clause for the expressions of an object; None where it is of a kind that has none."""
    if kind == "trigger":
        return f" from {_relation(parent)} old cross join {_relation(parent)} new"
    if kind == "domain":
        return ""
    if kind == "constraint" and parent.startswith("domain "):
        return f" from (select null::{parent.removeprefix('domain ')} as value) d"
    if kind in {"column", "constraint", "index", "policy", "statistics"}:
        return f" from {_relation(parent)}"
    return f" from {name}" if kind == "table" else None


def _relation(label: str) -> str:
    kind = next((each for each in _RELATIONS if label.startswith(each)), "")
    return label.removeprefix(kind)


def _spans(kind: str, definition: str, items: Sequence[_Item]) -> Iterator[_Span]:
    """Yields where the expressions of a definition begin and end."""
    words = [item.word for item in items]
    for at, item in enumerate(items):
        before, two_before = words[at - 1] if at else "", words[at - 2] if at > 1 else ""
        if item.word == "(":
            if before in _IN_PARENTHESES:
                yield item.start + 1, item.end - 1
            elif two_before == "using" or (kind == "table" and before in _PARTITIONED):
                yield from _elements(_items(item.inner))
        elif item.word == "where":
            yield item.end, (definition + "\n").index("\n", item.end) if kind == "index" else items[at + 1].end
        elif item.word == "default" and before != "by":  # the last part of a column or a domain
            yield item.end, len(definition)
            return
        elif item.word == "on" and kind == "statistics":
            yield from _elements(items[at + 1 : words.index("from")])


def _elements(items: Sequence[_Item]) -> Iterator[_Span]:
    """Yields the expressions in a list that has columns too, as that of an index: `a, lower(b) DESC, ((c + 1))`."""
    for element in _at_commas(items):
        at = next((at for at, item in enumerate(element) if item.word == "("), None)
        if at == 0:
            yield element[0].start + 1, element[0].end - 1
        elif at is not None and all(item.word == "." for item in element[1:at:2]):
            yield element[0].start, element[at].end


def _split_rule(table: str, definition: str, items: Sequence[_Item]) -> Split:
    """A rule becomes one of a view that has the columns of its table, which are those of `old` and `new`."""
    words = [item.word for item in items]
    on = words.index("on")
    start = items[on + 2].end + len(f" {table}")
    end = items[len(words) - 1 - words[::-1].index(";")].start
    view = f"create temp view {NAME} as select * from {table}"
    rule = f"create rule {NAME} as on {words[on + 1]} to pg_temp.{NAME} {definition[start:end]}"
    return Split(definition[:start] + GAP + definition[end:], (Query((view, rule), _RULE),))


def _split_routine(definition: str, items: Sequence[_Item]) -> Split:
    """A routine has the defaults of its arguments, and its body where that is standard SQL."""
    words = [item.word for item in items]
    at = words.index("(")
    found, language = _split_at(_defaults(items[at].inner), definition, ""), words.index("language", at)
    body = next((n for n in range(language, len(words)) if words[n] in {"begin", "return"}), None)
    if words[language + 1] != "sql" or body is None:
        return found
    head, text = definition[items[at].start : items[language + 1].end], definition[items[body].start :]
    name = f"pg_temp.{definition[items[at - 1].start : items[at - 1].end]}"  # the body may name arguments by it
    printed = f"select pg_catalog.pg_get_functiondef({quote_literal(name)}::pg_catalog.regproc)"
    query = Query((f"create {words[3]} {name}{head}\n{text}",), printed)
    return Split(found.frame[: -len(text)] + GAP, (*found.queries, query))


def _defaults(arguments: Sequence[Token]) -> Iterator[_Span]:
    for argument in _at_commas(_items(arguments)):
        at = next((at for at, item in enumerate(argument) if item.word == "default"), None)
        if at is not None:
            yield argument[at + 1].start, argument[-1].end


def _items(tokens: Sequence[Token]) -> list[_Item]:
    """Returns the tokens with each pair of brackets as one item."""
    found, at = list[_Item](), 0
    while at < len(tokens):
        token, end = tokens[at], at
        if token.text in _PAIRS:
            depth = 0
            for end in range(at, len(tokens)):
                depth += (tokens[end].text in _PAIRS) - (tokens[end].text in _PAIRS.values())
                if not depth:
                    break
        found.append(_Item(token.word, token.start, tokens[end].end, tokens[at + 1 : end]))
        at = end + 1
    return found


def _at_commas(items: Sequence[_Item]) -> list[list[_Item]]:
    found: list[list[_Item]] = [[]]
    for item in items:
        if item.word == ",":
            found.append([])
        else:
            found[-1].append(item)
    return found
