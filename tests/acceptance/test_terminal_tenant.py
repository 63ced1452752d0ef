"""On a terminal, `tenant drop` says what would be lost, and wants the tenant's name."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.terminal import ENTER, ESCAPE, Terminal

DROP = ("tenant", "drop")


@pytest.fixture(autouse=True)
def _tenant(sartor: Command, folder: Folder, database: Database) -> None:
    folder.table("1.0.0-1700000000-users.py")
    sartor.run("tenant", "create", "tenant_a")
    database.run("insert into tenant_a.users select generate_series(1, 1234)", "analyze tenant_a.users")


@pytest.mark.parametrize(
    ("keys", "code", "tables"),
    [
        (("tenant_a", ENTER), 0, set()),
        (("tenant_b", ENTER), 2, {"users"}),
        (("y", ENTER), 2, {"users"}),
        ((ENTER,), 2, {"users"}),
        ((ESCAPE,), 130, {"users"}),
    ],
)
def test_the_name_is_typed(
    sartor: Command, database: Database, keys: tuple[str, ...], code: int, tables: set[str]
) -> None:
    """Only the tenant's name drops it; another name, a yes and Esc leave all as it is."""
    with Terminal(sartor, "tenant_a", words=DROP) as terminal:
        terminal.until("type the name of the tenant, tenant_a:")
        assert "with all data (1 table, about 1,234 rows, " in " ".join(terminal.lines)
        terminal.press(*keys)
        assert terminal.end() == code
    assert database.tables("tenant_a") == tables


def test_production_wants_the_option(sartor: Command, database: Database) -> None:
    """In production a terminal isn't enough: the command names the option, and asks nothing."""
    sartor.environment["SARTOR_ENVIRONMENT"] = "production"
    with Terminal(sartor, "tenant_a", words=DROP) as terminal:
        assert terminal.end() == 2
    assert any("--confirm tenant_a" in line for line in terminal.lines)
    assert database.tables("tenant_a") == {"users"}
