"""Commands that are ended at random moments: no half database, no half file, and nothing that nobody removes."""

from __future__ import annotations

from pathlib import Path

from support.blows import restores, works_beside
from support.campaigns import make_chance

BLOWS = 6


def test_restores_are_struck(server_url: str, tmp_path: Path) -> None:
    """However and whenever a restore is ended, the whole backup is in its database, or nothing is; it tells which."""
    chance, seed = make_chance()
    assert restores(server_url, tmp_path, BLOWS, chance).violations == [], f"seed {seed}"


def test_works_beside_a_database_are_struck(server_url: str, tmp_path: Path) -> None:
    """However and whenever a rehearsal, a proof, a backup or a replay is ended: what it is about isn't touched."""
    chance, seed = make_chance()
    assert works_beside(server_url, tmp_path, BLOWS, chance).violations == [], f"seed {seed}"
