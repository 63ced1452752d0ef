"""Diagrams as values."""

from __future__ import annotations

from sartor import Diagram, DiagramColumn, DiagramTable, DiagramType, RelationName
from support.diagrams import shop


def test_titles() -> None:
    """The title says what made the schema, and what it is compared with."""
    assert Diagram(schema="app").title == "Schema app"
    assert Diagram(schema="app", release="1.0.0", since="0.9.0").title == "Schema of release 1.0.0, compared with 0.9.0"
    assert Diagram(schema="app", release="next").title == "Schema with what is unreleased (next)"


def test_chosen_tables() -> None:
    """Those that a pattern names keep their columns; their neighbours are there by name; keys lead to or from them."""
    found = shop().only(["order_*", "public.tags"])
    inside = {table.name.name for table in found.tables if not table.outside}
    assert inside == {"order_lines", "order_events", "order_discounts", "tags"}
    outside = {table.name.name: table.columns for table in found.tables if table.outside}
    assert outside.keys() >= {"orders", "tenants", "customer_tags", "invoice_lines"}
    assert not any(outside.values())
    assert all({each.table.name, each.to.name} & inside for each in found.references)
    assert shop().only([]) == shop()
    assert shop().only(["nothing"]).tables == ()


def test_types_of_chosen_tables() -> None:
    """Only types that a column has stay."""
    mood, other = (DiagramType(name=RelationName("app", name), kind="enum") for name in ("mood", "other"))
    table = DiagramTable(name=RelationName("app", "t"), columns=(DiagramColumn(name="feels", type="mood[]"),))
    assert Diagram(schema="app", tables=(table,), types=(mood, other)).only(["t"]).types == (mood,)
