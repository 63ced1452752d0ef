"""Compares two databases: their schemas, and how many rows each table has."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from sartor.archive.dump import describe_archive
from sartor.archive.exported_snapshot import Snapshot, count_rows, exported_snapshot
from sartor.archive.tools import Tools
from sartor.postgres.session import Session
from sartor.sql.spelling import plain_dump


class DumpSummary(NamedTuple):
    """The facts of a database that are compared: its schema, as lines of SQL, and each table's number of rows."""

    schema: tuple[str, ...]
    rows: dict[str, int]


async def summarize(
    tools: Tools, session: Session, snapshot: Snapshot, *, schema: str | None, empty: Container[str] = ()
) -> DumpSummary:
    """Reads what is compared of the session's database, as the snapshot has it; of one schema, or of all.

    Tables that are to be `empty` in the copy count as empty.
    """
    lines = await describe_archive(tools, session, snapshot=snapshot.id, schema=schema)
    return DumpSummary(tuple(lines), await count_rows(snapshot.connection, schema, empty=empty))


async def summarize_now(tools: Tools, session: Session, *, schema: str | None) -> DumpSummary:
    """Reads what is compared of a database that nobody else is working on."""
    async with exported_snapshot(session) as snapshot:
        return await summarize(tools, session, snapshot, schema=schema)


def difference(one: DumpSummary, copy: DumpSummary) -> str | None:
    """Returns the first difference between a database and its copy, in words; None where they are alike."""
    for table in sorted(one.rows.keys() | copy.rows.keys()):
        if one.rows.get(table) != copy.rows.get(table):
            return f"{table} has {one.rows.get(table, 'no')} rows, but its copy has {copy.rows.get(table, 'no')}"
    if one.schema == copy.schema:
        return None
    before, after = (plain_dump("\n".join(side.schema)).split("\n") for side in (one, copy))
    if before == after:
        return None
    odd = sorted(set(before) ^ set(after)) or ["the order of the definitions"]
    return f"the schemas differ: {odd[0]}"
