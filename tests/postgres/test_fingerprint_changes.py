"""What a fingerprint sees: more than a hundred kinds of change, on the real thing."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from sartor.domain.difference import compare
from sartor.domain.fingerprint import Fingerprint
from support.changes import Change, Everything, Verdict, changes

CHANGES = tuple(changes())


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.statements.split(";")[0].replace("\n", " ")[:90])
def test_change(everything: Everything, runner: asyncio.Runner, change: Change) -> None:
    """A change is seen by the hash that it concerns, and the object that differs is named; or it is known not to be."""
    if everything.server < change.since:
        pytest.skip(f"since Postgres {change.since}")
    before, after = runner.run(everything.undergo(change.statements, first=change.first))
    found = {d.label for d in compare(before, after)}
    assert (before.exact == after.exact) == (not found)
    assert (before.logical != after.logical) == (change.verdict is Verdict.SEES)
    if change.verdict is Verdict.BLIND:
        assert found == set()
    else:
        assert change.about in found


def test_tablespace(everything: Everything, runner: asyncio.Runner) -> None:
    """Another tablespace is a note: a copy elsewhere may have none."""
    name = f"space_{secrets.token_hex(6)}"

    async def move() -> tuple[Fingerprint, Fingerprint]:
        for statement in ("set allow_in_place_tablespaces = on", f"create tablespace {name} location ''"):
            await everything.connection.execute(statement)
        try:
            move = f"alter table cache set tablespace {name}; alter index users_born set tablespace {name}"
            return await everything.undergo(move)
        finally:
            await everything.connection.execute(f"drop tablespace {name}")

    before, after = runner.run(move())
    assert [d.label for d in compare(before, after)] == [
        "tablespace index app.users_born",
        "tablespace table app.cache",
    ]
    assert before.logical == after.logical


def test_enough_is_seen() -> None:
    """At least 95 of 100 kinds of change are seen, and there are more than a hundred kinds."""
    seen = [change for change in CHANGES if change.verdict is not Verdict.BLIND]
    assert len(CHANGES) > 100
    assert len(seen) / len(CHANGES) >= 0.95
