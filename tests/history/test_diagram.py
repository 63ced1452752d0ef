"""The diagrams of the reference history that are committed with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sartor import Diagram, list_alterations
from sartor.api.requests import NO_LIMITS
from sartor.domain.destination import Destination
from sartor.domain.release import Release
from sartor.drawing.comparing import compare
from sartor.drawing.dbml import write_dbml
from sartor.drawing.mermaid import write_mermaid
from sartor.drawing.replay import replay
from sartor.drawing.svg import write_svg
from support.database import temporary_database

ROOT = Path(__file__).parents[2]
RELEASES = ("1.2.0", "2.1.0")


@pytest.fixture(scope="module")
def made(server_url: str) -> list[Diagram]:
    """What two releases of the history make, replayed once."""
    catalogue = list_alterations(ROOT / "alterations")
    releases = [Release.parse(text) for text in RELEASES]
    with temporary_database(server_url) as database:
        place = Destination.parse(database.url)
        return asyncio.run(replay(place, catalogue, releases, limits=NO_LIMITS, observer=lambda _event: None))


def test_the_committed_diagrams(made: list[Diagram]) -> None:
    """They are what the alterations make, to the byte, on every server; to write them anew, see CONTRIBUTING.md."""
    before, after = made
    compared = compare(before, after)
    assert (ROOT / "docs" / "diagram.svg").read_text("utf-8") == write_svg(after)
    assert (ROOT / "docs" / "diagram-since.svg").read_text("utf-8") == write_svg(compared)


def test_all_of_the_history(made: list[Diagram]) -> None:
    """Each table, key and type of the history is in the text formats too."""
    after = made[1]
    assert (len(after.tables), len(after.references), len(after.types)) == (21, 30, 11)
    assert write_mermaid(after).count("--o") == len(after.references)
    assert write_dbml(after).count("\nRef ") == len(after.references)
