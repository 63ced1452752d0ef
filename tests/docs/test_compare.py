"""What docs/compare.md says that commands tell is what they tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comparison import page, rules, squawk
from comparison.runs import run_all
from support.database import Database
from support.walk import ROOT

DOCUMENT = ROOT / "docs" / "compare.md"
EUGENE = ROOT / "tests" / "comparison" / "eugene.json"


def test_compare(tmp_path: Path, database: Database, request: pytest.FixtureRequest) -> None:
    """The tables are those of real runs; squawk's is that of the recorded run, and eugene's was read in its rules."""
    updates = request.config.getoption("--update-docs", default=False)
    if updates:
        squawk.record()
    shown = DOCUMENT.read_text("utf-8")
    eugene = json.loads(EUGENE.read_text("utf-8"))
    found = page.write(shown, run_all(tmp_path, database), squawk.read_record(), eugene)
    if updates:
        DOCUMENT.write_text(found, "utf-8")
    assert shown == found, "`pytest tests/docs/test_compare.py --update-docs` writes the tables"


def test_rules(tmp_path: Path, database: Database, request: pytest.FixtureRequest) -> None:
    """Each rule of squawk's and eugene's stands under what Sartor tells of its SQL, or why it tells nothing."""
    if int(database.value("show server_version_num")) < 180000:
        pytest.skip("some of the SQL is newer")
    record = squawk.read_record()["rules"].values()
    assert {rule for named in record for rule in named} <= rules.SQUAWK.keys()
    shown = DOCUMENT.read_text("utf-8")
    found = page.write_rules(shown, rules.answers(tmp_path, database))
    if request.config.getoption("--update-docs", default=False):
        DOCUMENT.write_text(found, "utf-8")
    assert shown == found, "`pytest tests/docs/test_compare.py --update-docs` writes the table"
