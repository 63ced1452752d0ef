"""Asks `squawk`, a linter, for a second opinion on the observed SQL, where it is installed (squawk-cli)."""

import asyncio
import json
import os
import shutil
import sysconfig
from asyncio.subprocess import PIPE
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Any

from sartor.archive.programs import ProgramFailed, started
from sartor.domain.hazards.hazard import Opinion, RehearsedStatement
from sartor.domain.rehearsal import Rehearsal

OURS = (
    "prefer-robust-stmts",
    "require-lock-timeout",
    "require-statement-timeout",
    "require-timeout-settings",
    "transaction-nesting",
    "assume-in-transaction",
)
"""Squawk's rules about what Sartor itself takes care of: transactions, timeouts, scripts that run again."""
PATIENCE = 30.0
"""Seconds that `squawk` may take."""


def find_squawk() -> Path | None:
    """Returns the path of `squawk`, in this environment or on the path; None where it isn't installed."""
    folders = [sysconfig.get_path("scripts"), *os.get_exec_path()]
    found = shutil.which("squawk", path=os.pathsep.join(folders))
    return Path(found) if found else None


async def with_opinions(program: Path, found: Rehearsal, server_version: int) -> Rehearsal:
    """Returns the rehearsal with `squawk`'s opinions on each statement; with none where its answer can't be used."""
    told = [
        each._replace(statements=await _asked(program, each.statements, server_version)) for each in found.alterations
    ]
    return found._replace(alterations=tuple(told))


async def _asked(
    program: Path, statements: Sequence[RehearsedStatement], server_version: int
) -> tuple[RehearsedStatement, ...]:
    texts = [statement.sql.rstrip() + "\n;\n" for statement in statements]
    starts = [0, *accumulate(text.count("\n") for text in texts)]
    opinions: list[list[Opinion]] = [[] for _ in statements]
    for finding in await _ask(program, "".join(texts), server_version):
        place = bisect_right(starts, finding["line"]) - 1
        if finding["rule_name"] not in OURS and place < len(opinions):
            opinions[place].append(Opinion(finding["rule_name"], finding["message"]))
    pairs = zip(statements, opinions, strict=True)
    return tuple(statement._replace(opinions=tuple(found)) for statement, found in pairs)


async def _ask(program: Path, text: str, server_version: int) -> list[dict[str, Any]]:
    arguments = ("--reporter=json", f"--pg-version={server_version // 10000}.0", "--assume-in-transaction")
    answer = b""
    # Its exit code is 1 where it has found something.
    with suppress(ProgramFailed, TimeoutError, OSError):
        async with (
            asyncio.timeout(PATIENCE),
            started(program, *arguments, environment=os.environ, stdin=PIPE, stdout=PIPE) as squawk,
        ):
            squawk.stdin.write(text.encode())
            squawk.stdin.close()
            answer = await squawk.stdout.read()
            await squawk.end()
    with suppress(ValueError):
        found = json.loads(answer)
        return [finding for finding in found if {"line", "rule_name", "message"} <= finding.keys()]
    return []
