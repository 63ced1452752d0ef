"""What squawk says of the cases: recorded, as a linter's next version may say something else."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from comparison.cases import CASES

RECORD = Path(__file__).with_suffix(".json")
OPTIONS = ("--reporter=json", "--pg-version=18.0", "--assume-in-transaction")
LIMIT = 60


def read_record() -> dict[str, Any]:
    """The `version` and, by the cases' titles, the `rules` that it has named.

    `same file` are those that it names where the statement stands behind the `create table` of its tables.
    """
    found: dict[str, Any] = json.loads(RECORD.read_text("utf-8"))
    return found


def record() -> None:
    """Run squawk, where it is installed, and keep what it says."""
    if program := shutil.which("squawk"):
        version = _run(program, "--version").split()[-1]
        rules = {case.title: _rules(program, f"{case.up};\n") for case in CASES}
        same = {
            case.title: _rules(program, f"{case.earlier};\n{case.up};\n", after=f"{case.tables};\n") for case in CASES
        }
        record = {"version": version, "rules": rules, "same file": same}
        RECORD.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def _rules(program: str, text: str, *, after: str = "") -> list[str]:
    """The rules that it names for `text`, in the file that begins with `after`."""
    found = json.loads(_run(program, *OPTIONS, text=after + text))
    own = [finding for finding in found if finding["line"] >= after.count("\n")]
    return list(dict.fromkeys(finding["rule_name"] for finding in own))


def _run(program: str, *arguments: str, text: str = "") -> str:
    # It ends with 1 where it has found something.
    return subprocess.run(
        [program, *arguments], input=text, check=False, capture_output=True, text=True, timeout=LIMIT
    ).stdout
