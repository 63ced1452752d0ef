"""What the documents show is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.markdown import read_blocks
from support.walk import ROOT, Differs, walking

DOCUMENTS = [
    document
    for document in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "alterations" / "README.md"])
    if read_blocks(document)
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples(document: Path, server_url: str, request: pytest.FixtureRequest) -> None:
    """Every command that a document shows can be run as it stands, and prints what is shown below it."""
    wrong: list[str] = []
    with walking(server_url) as walk:
        for block in read_blocks(document):
            try:
                walk.step(block)
            except Differs as error:
                wrong.append(str(error))
                if request.config.getoption("--update-docs", default=False):
                    text = document.read_text("utf-8")
                    document.write_text(text.replace(block.text, error.text, 1), "utf-8")
    assert not wrong, "\n".join([*wrong, "`pytest tests/docs --update-docs` writes that into the document"])
