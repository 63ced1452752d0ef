"""What a person would take for a directive, and what is only a comment."""

from __future__ import annotations

import pytest

from sartor.alterations.directives import is_nearly, other_section

NEARLY = [
    *("-- Sartor: down", "-- SARTOR: DOWN", "-- sartor down", "--sartor down", "-- sartor - down", "-- sartor.down"),
    *("/* sartor: down */", "# sartor: down", "-- sartor\uff1adown", "-- sartor\u00a0down", "-- sartor \u2013 down"),
    *("\u2013 sartor: down", "-- s\u0430rtor: down", "-- sart\u200bor: down", "-- sator: down", "-- satror: donw"),
    *("-- sartordown", "-- sartor = down", "-- sartor -> down", "-- [sartor] down", "-- @sartor down", "// sartor: up"),
    *("-- sartor transaction off", "-- sartor irreversible letters went out", "-- sartor ignore SA103"),
    *(
        "-- sartor require it",
        "-- sartor; ensures it",
        "-- sartor ensure there is one",
        "-- sartorrequire",
        "-- sartor variables",
    ),
    *("-- sartor rollback", "-- Sartor :  DOWN section", "-- sartors: down", "---- sartor: down", "- sartor: down"),
]
COMMENTS = [
    *("-- sartor runs this in one transaction", "-- Sartor runs each script alone", "-- see sartor: down is below"),
    *("-- sartor's down undoes it", "-- sartor", "-- this is what sartor does", "-- castor: down", "-- actor: down"),
    *("-- Sartor has its own transaction, so none here", "-- sartor ignores this", "-- sartor.toml says where"),
    *("-- sartor requires Postgres 14", "-- sartor ensures that it runs once", "-- sartor variables are psql's"),
    *("-- down to zero", "-- undo the index", "--", "-- roll back later", "-- +goose StatementBegin"),
]
DOWN = [
    *("-- +goose Down", "-- migrate:down", "-- !Downs", "-- //@UNDO", "-- DOWN", "--- down ---", "-- +migrate Down"),
    *("-- Rollback", "-- down migration", "-- Down:", "/* ==== DOWN ==== */"),
]


@pytest.mark.parametrize("line", NEARLY)
def test_what_nearly_is_one(line: str) -> None:
    """In another case, with another mark or letter, in another kind of comment: it is no comment to a person."""
    assert is_nearly(line)


@pytest.mark.parametrize("line", COMMENTS)
def test_a_comment(line: str) -> None:
    """An ordinary comment may speak of anything."""
    assert not is_nearly(line)
    assert not other_section(line, "up")


@pytest.mark.parametrize("line", DOWN)
def test_the_words_of_others(line: str) -> None:
    """Other tools' names for a section count where it is the other one: a file may be for two tools."""
    assert other_section(line, "up")
    assert not other_section(line, "down")
