"""Finds what an archive holds without its rows, from its table of contents."""

from __future__ import annotations

import asyncio
import os
import re
from asyncio.subprocess import PIPE
from pathlib import Path

from sartor.archive.child_process import ProgramFailed, started
from sartor.archive.tools import Tools
from sartor.errors import BackupFailed
from sartor.postgres.catalog import FULL_NAME, USERS_RELATIONS
from sartor.postgres.session import Session

_MADE = re.compile(r"^\d+; 1259 (\d+) (?:TABLE|MATERIALIZED VIEW) (.+)$", re.MULTILINE)
_FILLED = re.compile(r"^\d+; 0 (\d+) (?:TABLE|MATERIALIZED VIEW) DATA ", re.MULTILINE)
"""Lines of the contents: definitions with their OID in `pg_class`, and the rows of the relation that has it there."""
_SOLID = f"""
select {FULL_NAME} as full, n.nspname || ' ' || c.relname || ' ' as listed
from {USERS_RELATIONS} where c.relkind in ('r', 'm')
"""


async def without_rows(tools: Tools, session: Session, file: Path) -> tuple[str, ...]:
    """Returns the tables and materialized views that an archive has without their rows, by full name.

    The session's is a database into which all of them were restored. Raises BackupFailed.
    """
    contents = await _list(tools, file)
    filled = set(_FILLED.findall(contents))
    bare = [listed for oid, listed in _MADE.findall(contents) if oid not in filled]
    if not bare:
        return ()
    solid = {row["listed"]: row["full"] for row in await session.connection.fetch(_SOLID)}
    # The owner follows the name, and either may have spaces in it.
    fitting = [[name for name in solid if listed.startswith(name)] for listed in bare]
    return tuple(sorted(solid[max(names, key=len)] for names in fitting if names))


async def _list(tools: Tools, file: Path) -> str:
    environment = os.environ | {"LC_ALL": "C"}
    try:
        async with started(
            tools.program("pg_restore"), "--list", str(file), environment=environment, stdout=PIPE
        ) as program:
            text, _ = await asyncio.gather(program.stdout.read(), program.end())
    except ProgramFailed as error:
        raise BackupFailed(f"the contents of {file} can't be listed: {error}") from error
    return text.decode(errors="replace")
