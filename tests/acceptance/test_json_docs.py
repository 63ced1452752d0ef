"""docs/json.md describes the shapes as the schemas have them; its commands are run by tests/docs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.markdown import read_blocks
from support.shapes import SCHEMAS, read, validator

DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"
ANYWHERE = {
    "version",
    "fleet",
    "label",
    "error",
    "events",
    "alterations",
    "proofs",
    "database",
    "schema",
    "destination",
}
"""Fields that the text tells of, outside the tables."""


def fields(schema: Any) -> Iterator[str]:
    """The names of all properties in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield from schema["properties"]
        for part in schema.values():
            yield from fields(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from fields(part)


def test_every_field_is_documented() -> None:
    """The tables have each field that the schemas have, and no others."""
    text = DOCUMENT.read_text("utf-8")
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    documented = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    known = {name for file in SCHEMAS.glob("*.json") for name in fields(read(file.stem))}
    assert documented | ANYWHERE == known
    assert all(f"`{name}`" in text for name in ANYWHERE)


def test_the_kinds_of_events_are_documented() -> None:
    """So has the journal's table every kind of event."""
    kinds = read("parts")["$defs"]["event"]["properties"]["event"]["enum"]
    row = re.search(r"^\| `event` \| (.*) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert row
    assert re.findall(r"`([\w-]+)`", row[1]) == kinds


def test_written_examples_fit() -> None:
    """An example that isn't run fits its schema."""
    blocks = [block for block in read_blocks(DOCUMENT) if block.kind == "json"]
    assert blocks
    for block in blocks:
        validator(block.say["shape"]).validate(json.loads(block.text))
