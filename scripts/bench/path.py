"""Measures how far a reader of a deploy has to go: modules of Sartor's entered, and changes from one to another.

    .venv/bin/python scripts/bench/path.py URL

Deploys two scripts to a schema of its own and drops it again. A change is each time that code of another module of
Sartor's runs than before, calls and returns alike; what a module does while it is imported isn't counted.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from sartor.cli.app import run_command

SCHEMA = "sartor_path"
ROOT = str(Path(__file__).parents[2] / "src" / "sartor") + os.sep


class Trace:
    """The modules that run, in order, each named once as long as it goes on."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def see(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Notes the module whose code goes on after this event of `sys.setprofile`."""
        at: FrameType | None = frame if event == "call" else frame.f_back
        if event not in ("call", "return") or frame.f_code.co_name == "<module>" or at is None:
            return
        file = at.f_code.co_filename
        if file.startswith(ROOT) and (not self.order or self.order[-1] != file):
            self.order.append(file)


def main(url: str) -> None:
    """Prints the figures of a deploy of two scripts to the database at `url`."""
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(("a", "b")):
            script = f'async def up(conn):\n    await conn.execute("create table {name} ()")\n'
            Path(folder, f"1.0.0-170000000{number}-{name}.py").write_text(
                script + "\n\nirreversible = 'a measurement'\n"
            )
        trace = Trace()
        sys.setprofile(trace.see)
        code = run_command(
            ["db", "alteration", "deploy", "latest", "--db-url", url, "--schema", SCHEMA, "--alterations", folder]
        )
        sys.setprofile(None)
    print(f"exit code {code}; modules {len(set(trace.order))}; changes {len(trace.order)}")


if __name__ == "__main__":
    main(sys.argv[1])
