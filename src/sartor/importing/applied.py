"""Reads the table in which another tool keeps what it has run in a database, and writes nothing."""

from collections.abc import Sequence

from sartor.domain.destination import Destination
from sartor.domain.file_names import REPEATABLE
from sartor.domain.imported import AppliedMigrations, Import
from sartor.domain.other_ledgers import COMMON, is_left_out
from sartor.errors import UsageError
from sartor.importing.foreign_script import ForeignScript
from sartor.importing.tool import Row, Tool
from sartor.postgres.errors import sqlstate
from sartor.postgres.others_table import read_others_table
from sartor.postgres.session import Session, application_name
from sartor.sql.quoting import quote_identifier

_TABLES = """
select n.nspname::text as schema, c.relname::text as table
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = any($1::text[]) and c.relkind = any('{r,p,v,m,f}'::"char"[])
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by 1, 2
"""
_OTHER_TABLE = ("22", "42")
"""The classes of the errors of a query that a table's columns don't suit."""
_DENIED = "42501"
_ODD_ROW = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a null raises where the tool writes none, or a text for a number."""
_HINT = "name the ledger with `ledger_table`, as [SCHEMA.]TABLE[:COLUMN], or its schema with `schema`"


async def read_applied(
    destination: Destination, plan: Import, tool: Tool, ledger_table: str | None
) -> AppliedMigrations:
    """Returns which alterations of an import a tool has run in a database.

    `ledger_table` is `[SCHEMA.]TABLE[:COLUMN]` where it isn't the tool's usual one. Raises UsageError where there is no
    such table, or it is another tool's; DestinationError.
    """
    async with Session(destination, application=application_name("import")) as session:
        name, column = _parse(ledger_table)
        schema, table = await _find_table(session, name, tool)
        quoted = f"{quote_identifier(schema)}.{quote_identifier(table)}"
        sql = tool.table.query.format(table=quoted, column=quote_identifier(column or "version"))
        label = f"{schema}.{table}"
        try:
            rows = await read_others_table(session.connection, schema, table, sql)
        except Exception as error:
            code = sqlstate(error) or ""
            if not code.startswith(_OTHER_TABLE) or code == _DENIED:
                raise
            raise UsageError(f"{label} isn't the ledger of {tool.title}: {error}", hint=_HINT) from error
    try:
        found = _interpreted(label, rows, plan, tool)
    except _ODD_ROW as error:
        reason = f"{label} isn't the ledger of {tool.title}: a row isn't as {tool.title} writes it ({error})"
        raise UsageError(reason, hint=_HINT) from error
    is_named = name is not None or table in COMMON  # Logto's usual one is made by its migrations
    if schema == session.schema and is_named and not is_left_out(table):
        note = f"{label} is a difference to `verify --against-replay`, unless the setting ignore-objects names it"
        return found._replace(notes=(*found.notes, note))
    return found


def _interpreted(label: str, rows: Sequence[Row], plan: Import, tool: Tool) -> AppliedMigrations:
    scripts = [
        ForeignScript(
            each.version,
            slug="",
            up="",
            down=None,
            source=each.source,
            repeatable=each.id.startswith(REPEATABLE),
            parents=each.parents,
            replaces=each.replaces,
            checksums=each.checksums,
        )
        for each in plan.files
    ]
    found = tool.interpret(rows, scripts)
    alterations = (each for each in plan.files if not each.id.startswith(REPEATABLE))
    ids = tuple(each.id for each in alterations if each.version in found.versions)
    return AppliedMigrations(label, ids, found.refused, found.notes)


def _parse(given: str | None) -> tuple[str | None, str | None]:
    """Returns the table and the column in `[SCHEMA.]TABLE[:COLUMN]`."""
    if given is None:
        return None, None
    table, _, column = given.partition(":")
    if not table:
        raise UsageError("the ledger table has no name", hint="write it as [SCHEMA.]TABLE[:COLUMN]")
    return table, column or None


async def _find_table(session: Session, given: str | None, tool: Tool) -> tuple[str, str]:
    """Returns the schema and the name of the table. Raises UsageError where it isn't there."""
    schema, dot, table = (given or "").rpartition(".")
    wanted = list(tool.table.names) if given is None else [table]
    place = schema if dot else session.schema
    found = [(row["schema"], row["table"]) for row in await session.connection.fetch(_TABLES, wanted)]
    here = sorted((wanted.index(name), name) for there, name in found if there == place)
    if len(here) == 1 or (here and tool.table.is_ordered):
        return place, here[0][1]
    if here:
        raise UsageError(
            f"schema {place} has several tables that may be the ledger: {', '.join(name for _, name in here)}",
            hint=f"name one with `ledger_table`: {here[0][1]}",
        )
    elsewhere = next((f"{there}.{name}" for there, name in found), None)
    raise UsageError(
        f"schema {place} has no table {' or '.join(wanted)}, the ledger of {tool.title}",
        hint=f"did you mean {elsewhere}? Name it with `ledger_table`" if elsewhere else _HINT,
    )
