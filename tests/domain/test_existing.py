"""Sentences about a schema that holds objects and has no ledger."""

from __future__ import annotations

from sartor.domain.existing import existing_note


def test_the_note() -> None:
    """It names a few objects and counts the rest; a tool that can be imported comes first among the ways out."""
    few = existing_note(["a.b"], "")
    assert few.startswith("there is no ledger, but the schema has a.b: if a release made them")
    many = existing_note([f"a.t{n}" for n in range(9)], "goose")
    assert (
        "has a.t0, a.t1, a.t2 and 6 more, and goose's own table: to take goose's migrations over: `import goose" in many
    )
    assert "import" not in existing_note(["a.b"], "Liquibase")
