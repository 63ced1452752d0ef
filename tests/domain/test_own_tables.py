"""Sartor's own tables: what is refused about them, and the way out that is told."""

from __future__ import annotations

from typing import Any

import pytest

from sartor.domain.own_tables import (
    OwnTable,
    Trait,
    expected,
    require_complete,
    require_readable,
    require_sound,
    require_trusted,
    takes_away,
)
from sartor.domain.table_names import OwnTables
from sartor.errors import LedgerUnsound, PrivilegeMissing

LOOK = 'inspect the table in psql: \\d+ "My app".sartor_ledger'
TABLES = OwnTables("app").names
EXPECTED = expected("sartor")
COLUMNS = {table: [each.name for each in EXPECTED if each.kind == "column" and each.table == table] for table in TABLES}


def tables(**different: Any) -> list[OwnTable]:
    """The tables as Sartor makes them, with the ledger different in these facts."""
    sound = {"owner": "Eve", "trusted": True, "entitled": True, "odd": None, "hidden": False}
    return [
        OwnTable(**{"name": name, "columns": COLUMNS[name], **sound, **(different if name == "sartor_ledger" else {})})
        for name in TABLES
    ]


def test_sound_tables_are_taken() -> None:
    """The tables as Sartor makes them are fine, with a column more as well; so is a schema without any of them."""
    for found in ([], tables(), tables(columns=[*COLUMNS["sartor_ledger"], "more"])):
        require_complete(found, OwnTables("app"))
        require_readable(found, OwnTables("app"), "me")
        require_trusted(found, OwnTables("app"), "me")
    require_sound(EXPECTED, OwnTables("app"), "me")


@pytest.mark.parametrize(
    "check",
    [
        lambda found: require_readable(found, OwnTables("app"), "me"),
        lambda found: require_complete(found, OwnTables("app")),
    ],
)
def test_tables_that_are_gone_are_named(check: Any) -> None:
    """Some of the tables without the others are no ledger: what is gone is named, and what is left."""
    with pytest.raises(LedgerUnsound) as caught:
        check([table for table in tables() if table.name in {"sartor_ledger", "sartor_journal"}])
    assert str(caught.value) == (
        "Sartor's tables in schema app are incomplete: sartor_fingerprint"
        " doesn't exist, but sartor_journal, sartor_ledger does"
    )
    assert "backup" in caught.value.hint


def test_tables_of_a_stranger() -> None:
    """A table that a stranger owns isn't read, nor written: its owner could run code as the deploying role."""
    require_readable(tables(trusted=False), OwnTables("My app"), "me")
    require_trusted(tables(entitled=False), OwnTables("My app"), "me")
    for check, fact in ((require_readable, "entitled"), (require_trusted, "trusted")):
        with pytest.raises(LedgerUnsound) as caught:
            check(tables(**{fact: False}), OwnTables("My app"), "Me")
        assert str(caught.value).startswith(
            "sartor_ledger in schema My app belongs to role Eve, which isn't trusted: the owner must be Me, a role"
        )
        assert str(caught.value).endswith("Eve may have created the table in order to run code as Me")
        assert caught.value.hint == (
            f"{LOOK} -- if it isn't Sartor's: "
            'drop table "My app".sartor_ledger cascade; -- if Eve is trusted: grant "Eve"'
            ' to "Me"; or: alter table "My app".sartor_ledger owner to "Me";'
        )


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ({"odd": "a view"}, "is a view; Sartor creates it as a table"),
        (
            {"columns": [*{*COLUMNS["sartor_ledger"]} - {"lineage", "format"}]},
            "lacks column format, lineage",
        ),
    ],
)
def test_a_table_of_another_form(fact: dict[str, Any], told: str) -> None:
    """What is no table, or lacks a column, isn't read as a ledger."""
    with pytest.raises(LedgerUnsound) as caught:
        require_readable(tables(**fact), OwnTables("My app"), "me")
    assert str(caught.value) == f"sartor_ledger in schema My app {told}"
    assert caught.value.hint == LOOK


def test_hidden_rows() -> None:
    """Where row-level security hides rows, the ledger would seem to lack them."""
    with pytest.raises(PrivilegeMissing) as caught:
        require_readable(tables(hidden=True), OwnTables("My app"), "me")
    assert str(caught.value) == "row-level security hides rows of sartor_ledger in schema My app from role me"
    assert "as its owner, Eve" in caught.value.hint
    assert 'alter table "My app".sartor_ledger no force row level security' in caught.value.hint


DROP = f"{LOOK} -- if it isn't needed: "


@pytest.mark.parametrize(
    ("kind", "told", "hint"),
    [
        ("is", "isn't an ordinary table", LOOK),
        ("column", "has an unexpected column N n, text", LOOK),
        ("constraint", "has an unexpected constraint: text", LOOK),
        ("reference", "is referenced by a foreign key of N n", LOOK),
        (
            "trigger",
            "has a trigger N n, which would run as me: text",
            DROP + 'drop trigger "N n" on "My app".sartor_ledger;',
        ),
        ("rule", "has a rule N n, which would run as me: text", DROP + 'drop rule "N n" on "My app".sartor_ledger;'),
        ("policy", "has a row-level security policy N n", DROP + 'drop policy "N n" on "My app".sartor_ledger;'),
        ("index", "has an unexpected index: text", DROP + "drop index N n;"),
        (
            "disabled",
            "has a disabled trigger of a foreign key: text",
            DROP + 'alter table "My app".sartor_ledger enable trigger all;',
        ),
        ("parent", "inherits from N n", LOOK),
    ],
)
def test_something_strange(kind: str, told: str, hint: str) -> None:
    """What Sartor didn't make is told with the statement that removes it, where that is one."""
    with pytest.raises(LedgerUnsound) as caught:
        require_sound([*EXPECTED, Trait("sartor_ledger", kind, "N n", "text")], OwnTables("My app"), "me")
    assert (str(caught.value), caught.value.hint) == (f"sartor_ledger in schema My app {told}", hint)


@pytest.mark.parametrize("names", ["ba", "cab"])
def test_several_strange_things(names: str) -> None:
    """The first is told, and how many more there are."""
    strange = [Trait("sartor_ledger", "parent", name, "") for name in names]
    with pytest.raises(LedgerUnsound) as caught:
        require_sound([*EXPECTED, *strange], OwnTables("app"), "me")
    assert str(caught.value) == f"sartor_ledger in schema app inherits from a (and {len(names) - 1} more)"


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        (Trait("sartor_ledger", "column", "seq", "bigint not null"), "column seq bigint not null"),
        (Trait("sartor_ledger", "is", "", "rp"), "is rp"),
    ],
)
def test_something_lacking(lost: Trait, told: str) -> None:
    """What Sartor made and isn't there any more is told, without a blank for what has no name."""
    with pytest.raises(LedgerUnsound) as caught:
        require_sound(EXPECTED - {lost}, OwnTables("My app"), "me")
    assert str(caught.value) == f"sartor_ledger in schema My app lacks {told}"
    assert caught.value.hint == LOOK


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DROP\nSCHEMA x, Shop", "drops schema shop, which holds Sartor's own tables"),
        ('drop schema "shop"', "drops schema shop, which holds Sartor's own tables"),
        ('drop schema u&"sh\\006fp"', "drops schema shop, which holds Sartor's own tables"),
        ("alter/**/table shop.SARTOR_LEDGER rename to old", "renames sartor_ledger, a table of Sartor's own"),
        ("do $$ begin alter schema shop rename to old; end $$", "renames schema shop, which holds Sartor's own tables"),
        ("select 'drop schema shop'", None),
        ("drop schema other; drop table other.sartor_ledger", None),
        ("drop table orders", None),
    ],
)
def test_what_takes_the_ledger_away(sql: str, told: str | None) -> None:
    """What drops, renames or moves Sartor's tables is told by its words, however these are written."""
    assert takes_away(sql, OwnTables("shop")) == told
