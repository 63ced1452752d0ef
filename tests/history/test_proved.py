"""The reference history is proved on this server, and its manifest says so."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

from support.command import Command

HISTORY = Path(__file__).parents[2] / "alterations"


def lines(folder: Path) -> dict[str, Any]:
    """What a folder's manifest says, apart from the servers' versions."""
    found = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))["alterations"]
    return {key: {**line, "server": None} for key, line in found.items()}


def test_the_reference_history_is_proved(sartor: Command, tmp_path: Path) -> None:
    """Every alteration can be undone, and the committed manifest has the proof of each as it is now."""
    copy = tmp_path / "alterations"
    shutil.copytree(HISTORY, copy, ignore=shutil.ignore_patterns("manifest.toml", "__pycache__"))
    shape = sartor("prove", "--all", "--json").json
    assert {proof["result"] for proof in shape["proofs"]} == {"proved"}
    assert lines(copy) == lines(HISTORY)
