"""A maker follows docs/ship.md from nothing to a product whose operators upgrade, in an environment of its own."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path

import pytest

from support.markdown import read_blocks
from support.product import Maker
from support.walk import ROOT, walking

PAGE = ROOT / "docs" / "ship.md"


def test_ship(server_url: str, request: pytest.FixtureRequest) -> None:
    """What the page shows is what happens where the product is installed from its wheel, and nothing else."""
    with tempfile.TemporaryDirectory(prefix="sartor-ship-") as folder, walking(server_url) as walk:
        maker = Maker(Path(folder))
        maker.unpack("click")
        url = walk.environment["SARTOR_DB_URL"]
        walk.environment = maker.environment | {"ACME_DB_URL": url, "COLUMNS": "100", "TZ": "UTC", "CI": ""}
        walk.environment["SARTOR_DB_URL"] = ""  # which `begins` takes away
        walk.follow(PAGE, updates=request.config.getoption("--update-docs", default=False))


def test_it_is_short() -> None:
    """A maker's own code has ten lines at most."""
    (code,) = [block.text for block in read_blocks(PAGE) if block.say.get("file") == "acme/cli.py"]
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    ast.parse(code)
