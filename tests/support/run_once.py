"""A run that begins when it is told: `run_once.py URL FOLDER deploy|rollback|redo batched|apart`.

It says `ready`, and runs when a line comes in; it prints the identities that it did and ends with the exit code that
the command would have.
"""

from __future__ import annotations

import asyncio
import sys

import sartor
from sartor.domain.destination import Destination, Limits
from sartor.errors import SartorError


def main() -> int:
    """Run once, when a line comes in."""
    url, folder, verb, way = sys.argv[1:]
    destination, sources = Destination.parse(url), [sartor.LineageSource(name="main", location=folder)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    limits = Limits(batch=way == "batched")
    run, target = (sartor.deploy, "next") if verb == "deploy" else (sartor.rollback, "0")
    try:
        if verb == "redo":
            report = asyncio.run(sartor.redo(destination, sources, environment=None, limits=limits)).deployed
        else:
            report = asyncio.run(run(destination, sources, target, limits=limits))
    except SartorError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return error.exit_code
    sys.stdout.write("\n".join(done.alteration.id for done in report.done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
