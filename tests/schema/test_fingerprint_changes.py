"""What a fingerprint sees: more than 250 kinds of change, on the real thing."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from sartor import Fingerprint, Scope
from sartor.domain.drift import find_differences
from support.changes import Change, Everything, Verdict, changes

CHANGES = tuple(changes())
SEEN = tuple(change for change in CHANGES if change.verdict is not Verdict.BLIND)
OF_NO_SCHEMA = (
    "event trigger ", "foreign-data wrapper ", "grant default privileges of postgres on ", "grant server ", "language ",
    "publication ", "server ", "settings ", "transform ", "user mapping ",
)  # fmt: skip
"""How the labels begin of what docs/verify.md says that `verify` doesn't look at."""


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.statements.split(";")[0].replace("\n", " ")[:90])
def test_change(everything: Everything, runner: asyncio.Runner, change: Change) -> None:
    """A change is seen by the hash that it concerns, and the object that differs is named; or it is known not to be.

    `verify` looks at schemas alone: it sees all the same, but for what belongs to none.
    """
    if everything.server < change.since:
        pytest.skip(f"since Postgres {change.since}")
    undergone = everything.undergo_scopes(change.statements, first=change.first, scopes=Scope)
    looks = runner.run(undergone)
    (before, after), schemas = looks[Scope.DATABASE], looks[Scope.SCHEMAS]
    found = {d.label for d in find_differences(before, after)}
    assert (before.exact == after.exact) == (not found)
    assert (before.logical != after.logical) == (change.verdict is Verdict.SEES)
    if change.verdict is Verdict.BLIND:
        assert found == set()
    else:
        assert change.about in found
    beside = change.about.startswith(OF_NO_SCHEMA)
    assert (change.about in {d.label for d in find_differences(*schemas)}) == (change in SEEN and not beside)


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
    assert [d.label for d in find_differences(before, after)] == [
        "tablespace index app.users_born",
        "tablespace table app.cache",
    ]
    assert before.logical == after.logical


def test_enough_is_seen() -> None:
    """At least 97 of 100 kinds of change are seen, and there are at least 250 kinds; so in schemas alone."""
    assert len(CHANGES) >= 250
    assert len(SEEN) / len(CHANGES) >= 0.97
    beside = [change for change in CHANGES if change.about.startswith(OF_NO_SCHEMA)]
    assert (len(SEEN) - len(beside)) / (len(CHANGES) - len(beside)) >= 0.97
