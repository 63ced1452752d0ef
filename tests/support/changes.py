"""What `changes.sql` lists: kinds of change, and what a fingerprint is to say of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
EVERYTHING = (HERE / "everything.sql").read_text("utf-8")
"""SQL that makes schema `app`, with something of each kind in it."""


class Verdict(Enum):
    """Which hashes see a change."""

    SEES = "sees"
    NOTES = "notes"
    BLIND = "blind"


class Change(NamedTuple):
    """`statements` of one kind of change; `about` is the label of an object that they change, or why it isn't seen.

    `first` makes what they are to change; `since` is the oldest server that knows them.
    """

    statements: str
    verdict: Verdict
    about: str
    first: str
    since: int


def changes() -> Iterator[Change]:
    """All of them, in the file's order."""
    for block in (HERE / "changes.sql").read_text("utf-8").split("\n\n"):
        said = dict(re.findall(r"^-- (sees|notes|blind|first|since): (.*)$", block, re.MULTILINE))
        statements = re.sub(r"^--.*\n?", "", block, flags=re.MULTILINE).strip()
        if statements:
            verdict = next(v for v in Verdict if v.value in said)
            first, since = said.get("first", ""), int(said.get("since", 0))
            yield Change(statements, verdict, said[verdict.value], first, since)
