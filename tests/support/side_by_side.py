"""Deploys to several schemas at once, on one event loop: `side_by_side.py URL FOLDER SCHEMA...`.

A schema may be `OTHER_FOLDER=SCHEMA`. It prints how each ended as JSON, by schema: what was done, the notes, and the
error; the exit code is the command's.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from os import _exit  # the real one, whatever scripts are given

import sartor
from sartor import Destination, Limits, Note, Report, RunEvent
from sartor.cli.signals import run
from sartor.errors import SartorError

ENDED: dict[str, dict[str, object]] = {}


async def deploy(url: str, folder: str, schema: str) -> dict[str, object]:
    """Deploys everything to a schema; returns how that ended."""
    notes: list[str] = []

    def note(event: RunEvent) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    report: Report | None = None
    failed = ""
    try:
        report = await sartor.deploy(
            Destination.parse(url, schema=schema), folder, "next", limits=Limits(batch=False), observer=note
        )
    except (SartorError, asyncio.CancelledError) as error:
        report, failed = getattr(error, "report", None), f"{type(error).__name__}: {error}"
    done = [each.alteration.id for each in report.done] if report else None
    return {"done": done, "notes": notes, "failed": failed}


async def deploy_all(url: str, folder: str, schemas: Sequence[str]) -> None:
    """Deploys to all of them at once."""
    places = [(where or folder, schema) for where, _, schema in (each.rpartition("=") for each in schemas)]

    async def keep(where: str, schema: str) -> None:
        ENDED[schema] = await deploy(url, where, schema)

    await asyncio.gather(*(keep(*place) for place in places))


def main() -> int:
    """Runs once; returns the exit code."""
    url, folder, *schemas = sys.argv[1:]
    code = 0
    try:
        run(deploy_all(url, folder, schemas))
    except SartorError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        code = error.exit_code
    sys.stdout.write(f"\n{json.dumps(ENDED)}\n")
    return code


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    _exit(code)  # as the command ends where a script has left a thread
