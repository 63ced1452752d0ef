"""Findings about a script that isn't run: its parts, and the statements that it is seen to send."""

from collections.abc import Iterable, Iterator

from sartor.alterations.script import EMPTY
from sartor.domain.source import Part, Source, Text
from sartor.linter import rules
from sartor.linter.rules import Finding, about
from sartor.sql import confusables
from sartor.sql.changes import row_changes
from sartor.sql.definitions import Column, Key, definitions
from sartor.sql.quoting import LONGEST_NAME
from sartor.sql.splitting import Lines, split
from sartor.sql.statements import CHANGES_ROWS, QUERIES, Kind, Statement

_CHANGES = CHANGES_ROWS | {Kind.CREATE, Kind.ALTER, Kind.DROP, Kind.TRUNCATE, Kind.COMMENT, Kind.GRANT, Kind.REVOKE}
_CREATED = frozenset({"extension", "index", "materialized view", "schema", "sequence", "table"})
"""The types of objects whose CREATE may have an IF NOT EXISTS."""
_REPLACED = frozenset({"aggregate", "domain", "function", "policy", "procedure", "rule", "trigger", "type", "view"})
"""The types of objects whose CREATE has no IF NOT EXISTS: it may have OR REPLACE, or a DROP before it."""
_DROPPED = frozenset({*_CREATED, "function", "policy", "trigger", "type", "view"})
_GOING_UP = frozenset({Part.UP, Part.BEFORE_UP})
_NARROW = frozenset({"int", "integer", "int2", "int4", "smallint", "serial", "serial2", "serial4", "smallserial"})
_ROLES = ("role", "session authorization")

Breach = tuple[rules.Rule, int | None, str]
"""A rule, the line of the breach, and a message."""
Said = tuple[Statement, int]
"""A statement, and its line."""


Indexed = frozenset[tuple[str, tuple[str, ...]]]
"""The tables and the columns of indexes."""


def indexed_by(sources: Iterable[Source]) -> Indexed:
    """Returns what the scripts of a lineage are seen to index, whichever comes first."""
    keys = [
        each
        for source in sources
        for part in _GOING_UP & source.parts.keys()
        for statement, _ in _statements(source, part)
        for each in definitions(statement)
    ]
    return frozenset((k.table, k.columns) for k in keys if isinstance(k, Key) and k.kind != "foreign key")


def lint_script(source: Source, indexed: Indexed) -> Iterator[Finding]:
    """Yields the findings about one script; about one that can't be loaded, little more than that."""
    return (about(source.alteration, rule, message, line) for rule, line, message in _breaches(source, indexed))


def _breaches(source: Source, indexed: Indexed) -> Iterator[Breach]:
    yield from _lint_words(source)
    wrong = [*source.wrong, *(Text(f"`{each.text}` isn't async", each.line) for each in source.not_async)]
    yield from ((rules.UNREADABLE, reason.line, reason.text) for reason in wrong)
    if wrong:
        return
    empty = {each.text: each.line for each in source.empty}
    for section, line in empty.items():
        if not (section == Part.DOWN.value and source.irreversible):
            yield rules.EMPTY, line, EMPTY.format(section)
    if Part.UP not in source.parts and Part.UP.value not in empty:
        yield rules.NO_UP, None, "has no `up`"
    has_way_back = Part.DOWN in source.parts or Part.DOWN.value in empty or source.irreversible
    if not (has_way_back or source.alteration.is_repeatable):
        yield rules.NO_DOWN, None, "has neither `down` nor `irreversible`"
    for part in source.parts:
        yield from _lint_part(source, part, indexed)


def _lint_words(source: Source) -> Iterator[Breach]:
    for module in source.imports:
        yield rules.OTHERS_CODE, module.line, f"imports {module.text}, which isn't a part of the script"
    known = {rule.code for rule in rules.RULES}
    for comment in source.ignored:
        if comment.text not in known:
            yield rules.UNKNOWN_RULE, comment.line, f"there is no rule {comment.text}"
    for name in source.names:
        if found := confusables.in_word(name.text):
            yield rules.LOOK_ALIKE, name.line, f"`{name.text}` has {confusables.describe(found)}"


def _lint_part(source: Source, part: Part, indexed: Indexed) -> Iterator[Breach]:
    statements = list(_statements(source, part))
    for text in source.parts[part]:
        lines = Lines(text.text, text.line)
        for character, offset in confusables.in_sql(text.text):
            yield rules.LOOK_ALIKE, lines.at(offset), f"the SQL has {confusables.describe(character)}"
    for statement, line in statements:
        yield from ((rules.PLACEHOLDER, line, f"`{word}` isn't filled in") for word in statement.placeholders)
    if part in _GOING_UP:
        for statement, line in statements:
            yield from ((rule, line, message) for rule, message in _lint_definitions(statement, indexed))
    if part.is_condition:
        yield from _lint_condition(statements)
        return
    if source.alteration.is_repeatable:
        yield from _lint_repeatable(statements)
    outside = source.runs_outside(part)
    if outside is not None:
        yield from _lint_outside(statements) if outside else _lint_inside(statements)


def _statements(source: Source, part: Part) -> Iterator[Said]:
    for text in source.parts[part]:
        lines = Lines(text.text, text.line)
        for statement in split(text.text):
            yield statement, lines.at(statement.start)


def _lint_definitions(statement: Statement, indexed: Indexed) -> Iterator[tuple[rules.Rule, str]]:
    for name in dict.fromkeys(token.name for token in statement.tokens):
        if name is not None and len(name.encode()) > LONGEST_NAME:
            yield rules.LONG_NAME, f"`{name[:20]}...` has {len(name.encode())} bytes"
    found = list(definitions(statement))
    columns = {each.name: each for each in found if isinstance(each, Column)}
    for column in columns.values():
        if column.type == "json":
            yield rules.JSON_COLUMN, f"{column.table}.{column.name} is of type json"
    for key in (each for each in found if isinstance(each, Key)):
        first = columns.get(key.columns[0]) if len(key.columns) == 1 else None
        if key.kind == "primary key" and first is not None and first.type in _NARROW:
            yield rules.NARROW_KEY, f"the key of {key.table} is of type {first.type}"
        if key.method == "hash":
            yield rules.HASH_INDEX, f"an index of {key.table} is of type hash"
        if key.kind == "foreign key" and not _is_indexed(key, indexed):
            yield rules.UNINDEXED_REFERENCE, f"{key.table} ({', '.join(key.columns)}) has no index"


def _is_indexed(key: Key, indexed: Indexed) -> bool:
    first = {frozenset(columns[: len(key.columns)]) for table, columns in indexed if table == key.table}
    return frozenset(key.columns) in first


def _lint_inside(statements: list[Said]) -> Iterator[Breach]:
    role: Said | None = None
    for statement, line in statements:
        shown = _shown(statement)
        if statement.controls_transaction:
            yield rules.TRANSACTION_CONTROL, line, f"`{shown}` in a script that runs in one transaction"
        elif statement.starts("reset all", "discard all", "set constraints all"):
            yield rules.MARK_REMOVED, line, f"`{shown}` also resets Sartor's settings"
        elif statement.refuses_transaction:
            yield rules.NOT_IN_TRANSACTION, line, f"`{shown}` can't run in a transaction"
        elif (kept := _sets_role(statement)) is not None:
            role = (statement, line) if kept else None
    if role is not None:
        yield rules.ROLE_KEPT, role[1], f"`{_shown(role[0])}` isn't reset"


def _lint_condition(statements: list[Said]) -> Iterator[Breach]:
    for statement, line in statements:
        if statement.kind in _CHANGES or (statement.kind in QUERIES and row_changes(statement.text)):
            yield rules.CONDITION_WRITES, line, f"`{_shown(statement)}` in a condition"


def _sets_role(statement: Statement) -> bool | None:
    """Returns whether a statement takes another role (True), or the one before again; None for any other statement."""
    if statement.starts(*(f"reset {what}" for what in _ROLES)):
        return False
    if not statement.starts(*(f"set {scope}{what}" for scope in ("", "local ", "session ") for what in _ROLES)):
        return None
    return statement.words[-2:] not in {("role", "none"), ("authorization", "default")}


def _lint_outside(statements: list[Said]) -> Iterator[Breach]:
    if any(statement.waits_for_others for statement, _ in statements):
        beside = [said for said in statements if said[0].kind in _CHANGES and not said[0].waits_for_others]
        for statement, line in beside[:1]:
            yield rules.MIXED, line, f"`{_shown(statement)}` could run in a transaction"
    for statement, line in statements:
        if _runs_once(statement):
            yield rules.NOT_RERUNNABLE, line, f"`{_shown(statement)}` fails when the script is run again"


def _lint_repeatable(statements: list[Said]) -> Iterator[Breach]:
    """Yields a breach for each statement that fails when the script runs again, unless one before it clears the way."""
    gone: set[tuple[str, tuple[str, ...]]] = set()
    for statement, line in statements:
        head = statement.head
        if statement.kind is Kind.DROP and head.guarded:
            gone |= {(head.type, name) for name in head.names}
        creates = statement.kind is Kind.CREATE and head.type in _CREATED | _REPLACED
        cleared = creates and all((head.type, name) in gone for name in head.names)
        if not cleared and (_runs_once(statement) or (creates and _isnt_replaced(statement))):
            yield rules.NOT_REPEATABLE, line, f"`{_shown(statement)}` fails when the script runs again"


def _isnt_replaced(statement: Statement) -> bool:
    return not statement.head.guarded and statement.head.modifiers.isdisjoint({"or", "temp", "temporary"})


def _runs_once(statement: Statement) -> bool:
    """Returns whether a statement fails when it is run again, as it creates or drops something by name."""
    head = statement.head
    match statement.kind:
        case Kind.CREATE:
            fails = head.type in _CREATED and head.modifiers.isdisjoint({"or", "temp", "temporary"})
        case Kind.DROP:
            fails = head.type in _DROPPED
        case _:
            return head.type == "table" and any(
                each.what in {"add column", "drop column"} and not each.guarded for each in statement.actions
            )
    return fails and not head.guarded


def _shown(statement: Statement) -> str:
    return " ".join(statement.words[:4]) + (" ..." if len(statement.words) > 4 else "")
