"""What the documents show is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.markdown import read_blocks
from support.walk import ROOT, walking

DOCUMENTS = [
    document
    for document in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "alterations" / "README.md"])
    if read_blocks(document) and document.name != "ship.md"  # which has an environment of its own
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples(document: Path, server_url: str, request: pytest.FixtureRequest) -> None:
    """Every command that a document shows can be run as it stands, and prints what is shown below it."""
    with walking(server_url) as walk:
        walk.follow(document, updates=request.config.getoption("--update-docs", default=False))
