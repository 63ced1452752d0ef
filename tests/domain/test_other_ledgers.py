"""Other tools' own tables: known by their names and columns, and no difference from a replay."""

from __future__ import annotations

import pytest

from sartor.domain.drift import Difference, Drift
from sartor.domain.other_ledgers import OTHER_LEDGERS, other_tool, without_other_ledgers
from sartor.importing.tools import TOOLS


@pytest.mark.parametrize("each", OTHER_LEDGERS, ids=lambda each: str(each.tool))
def test_each_is_known(each: object) -> None:
    """Each tool is known by its tables and columns, and by more columns than these."""
    ledger = next(found for found in OTHER_LEDGERS if found is each)
    columns = {table: {"x"} for table in ledger.also} | {ledger.table: {*ledger.columns, "x"}}
    assert other_tool(columns) == ledger
    assert other_tool({ledger.table: {"x"}}) is None


def test_none() -> None:
    """A schema without such a table is no tool's."""
    assert other_tool({}) is None


def test_what_can_be_imported() -> None:
    """A tool that messages say can be imported is one that `import` knows."""
    assert {each.imports for each in OTHER_LEDGERS} - {""} <= TOOLS.keys()


@pytest.mark.parametrize(
    ("kind", "name", "before", "counts"),
    [
        ("table", "public.schema_migrations", None, False),
        ("table", 'app."SequelizeMeta"', None, False),
        ("table", '"a.b".goose_db_version', None, False),
        ("table", 'app."x.goose_db_version"', None, True),
        ("table", "public.schema_migrations", "table", True),
        ("view", "public.schema_migrations", None, True),
        ("table", "public.users", None, True),
        ("table", "public.migrations", None, True),
    ],
)
def test_what_counts(kind: str, name: str, before: str | None, counts: bool) -> None:
    """Such a table is ignored where the alterations make none; a product's own table of a common name isn't."""
    each = Difference(kind, name, "", before, "table x")
    found = without_other_ledgers(Drift(differences=(each,)))
    assert (found.differences, found.ignored) == (((each,), ()) if counts else ((), (each,)))
