"""Reads the revisions of an Alembic project, and its table `alembic_version`.

Their SQL is what Alembic prints in offline mode (`alembic upgrade base:heads --sql`), by the project's own Python; see
`drivers/alembic_sql.py`. A part of a revision in an `autocommit_block` is printed behind a COMMIT and before a BEGIN.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Any

from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.team_python import ask
from sartor.importing.tool import ReadOptions, Row, Tool, ToolTable
from sartor.sql import lexer, splitting

QUERY = "select version_num::text from {table}"
_SWITCHES = frozenset({"BEGIN", "COMMIT"})


def read(path: Path, options: ReadOptions) -> Reading:
    """Returns the revisions of a project. Raises UsageError where its Alembic can't be run."""
    file = find_configuration(path)
    return from_answer(ask("alembic", file.resolve(), python=options.python))


def find_configuration(path: Path) -> Path:
    """Returns the configuration file of a project: `path` itself, or one in that folder. Raises UsageError."""
    if path.is_file():
        return path
    if (file := path / "alembic.ini").is_file():
        return file
    raise UsageError(f"{path} has no alembic.ini", hint="give the folder of alembic.ini, or that file")


def from_answer(answer: Mapping[str, Any]) -> Reading:
    """Returns the revisions in what the project's Python wrote: each behind its parents, else by their dates."""
    if answer["dialect"] not in {None, "postgresql"}:
        reason = f"env.py makes SQL for {answer['dialect']}; let it use an address that begins with `postgresql`"
        return Reading((), (reason,))
    scripts = tuple(_revision(each, place) for place, each in enumerate(_ordered(answer["revisions"]), 1))
    own = [answer[key] for key in ("version_table_schema", "version_table") if answer.get(key)]
    return Reading(scripts, ledger=None if own == ["alembic_version"] else ".".join(own) or None)


def _ordered(revisions: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yields revisions in an order that stays when branches are added: the oldest of those whose parents came."""
    lacking = {each["revision"]: {*each["down_revisions"]} for each in revisions}
    ready = [(each["created"] or 0, place) for place, each in enumerate(revisions) if not each["down_revisions"]]
    heapify(ready)
    while ready:
        _, place = heappop(ready)
        yield (found := revisions[place])
        for at, each in enumerate(revisions):
            parents = lacking[each["revision"]]
            if found["revision"] in parents:
                parents.remove(found["revision"])
                if not parents:
                    heappush(ready, (each["created"] or 0, at))


def _revision(each: Mapping[str, Any], place: int) -> ForeignScript:
    up, down = each["up"] or {}, each["down"] or {}
    failure = up.get("error") or up.get("not_implemented")
    way_in, inside_up = plain_sql(up.get("sql", ""))
    way_out, inside_down = plain_sql(down.get("sql", ""))
    return ForeignScript(
        version=each["revision"],
        slug=each["message"] or each["revision"],
        up=way_in,
        down=(way_out or None) if way_in and "error" not in down else way_out,
        source=each["path"],
        timestamp=str(place if each["created"] is None else each["created"]),
        transaction_up=None if inside_up else False,
        transaction_down=None if inside_down else False,
        irreversible=_irreversible(down, way_out) if way_in else None,
        parents=tuple(each["down_revisions"]),
        by_hand=failure and f"its upgrade() fails in offline mode, where it has no connection ({failure})",
    )


def _irreversible(down: Mapping[str, Any], sql: str) -> str | None:
    if "not_implemented" in down:
        return down["not_implemented"] or "its downgrade() wasn't implemented"
    if "error" in down:
        return f"its downgrade() can't be written as SQL: {down['error']}"
    return None if sql else "its downgrade() did nothing"


def plain_sql(printed: str) -> tuple[str, bool]:
    """Returns what a revision printed without what switches its transaction, and whether it stays in one.

    A statement BEGIN or COMMIT of an `autocommit_block` stands alone in its line, and is no text of the revision.
    """
    kept, end = [], 0
    for statement, semicolon in splitting.each_statement(printed, lexer.pieces(printed)):
        if statement.text.upper() in _SWITCHES:
            kept.append(printed[end : statement.start].strip())
            end = semicolon + 1
    kept.append(printed[end:].strip())
    return "\n\n".join(filter(None, kept)), end == 0


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns the revisions that were run where the table has these heads: they and all before them."""
    parents = {each.version: each.parents for each in scripts}
    left = [row["version_num"] for row in rows]
    refused = [
        f"revision {each}: the database has it, and the project hasn't; check out the code that made it"
        for each in left
        if each not in parents
    ]
    applied: set[str] = set()
    while left:
        each = left.pop()
        if each in parents and each not in applied:
            applied.add(each)
            left += parents[each]
    return Applied(frozenset(applied), tuple(refused))


TOOL = Tool("alembic", "Alembic", read, ToolTable(("alembic_version",), QUERY), interpret)
