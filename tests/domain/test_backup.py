"""What a backup holds, and what its file is called."""

from __future__ import annotations

import datetime as dt

import pytest

from sartor.domain.backup import Backup, file_name, schema_to_hold

WHEN = dt.datetime(2026, 11, 22, 8, 0, 7, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("schema", "whole", "held"), [("public", False, None), ("acme", False, "acme"), ("acme", True, None)]
)
def test_what_it_holds(schema: str, whole: bool, held: str | None) -> None:
    """The whole database, unless the destination has a schema that stands beside others."""
    assert schema_to_hold(schema, whole=whole) == held


def test_one_more_in_the_same_second() -> None:
    """Two servers' databases of one name don't get one file."""
    assert file_name("app", None, WHEN, 2) == "app-20261122T080007Z-2.dump"


@pytest.mark.parametrize(
    ("database", "schema", "name"),
    [
        ("app", None, "app-20261122T080007Z.dump"),
        ("app", "acme", "app.acme-20261122T080007Z.dump"),
        ("../a b/ü", None, ".._a_b_ü-20261122T080007Z.dump"),
    ],
)
def test_its_name(database: str, schema: str | None, name: str) -> None:
    """A database's name leads to no other folder."""
    assert file_name(database, schema, WHEN) == name


def test_what_the_journal_keeps() -> None:
    """A backup's record says where it is, what it stands for and what it holds, in the words that readers know."""
    whole = Backup("/b/app.dump", 7, "0/1", "sha256:ab", "app", None, proved=True)
    kept = {"path": "/b/app.dump", "bytes": 7, "lsn": "0/1", "sha256": "ab", "schema": None, "proved": True}
    assert whole.detail == {**kept, "tables": None}
    part = whole._replace(schema="acme", proved=False, tables=("t", "u"), left_out=("v",))
    assert part.detail == {**kept, "schema": "acme", "proved": False, "tables": ["t", "u"]}
