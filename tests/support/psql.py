"""psql, run by hand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sartor.embedded.server import binaries
from support.command import Finished


def psql(url: str, file: Path, *options: str, expect: int = 0) -> Finished:
    """Run a script with psql; asserts its exit code, which is 3 where a statement of the script failed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    done = subprocess.run(
        [binaries() / "psql", "--no-psqlrc", *options, f"--file={file}", url],
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return Finished(done.returncode, done.stdout, done.stderr)
