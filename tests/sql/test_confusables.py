"""Characters that look like others, or don't show."""

from __future__ import annotations

import pytest

from sartor.sql.confusables import describe, in_sql, in_word


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("users", None),
        ("größe", None),
        ("пользователи", None),
        ("表_users_пользователи", None),
        ("\u03b1\u03b2\u03b32users", None),
        ("us\u0435rs", "\u0435"),
        ("a\u03bf_b", "\u03bf"),
        ("пользователи_us\u0435rs", "\u0435"),
        ("users表", None),
        ("us\u200bers", "\u200b"),
        ("us\u0435rs\u200b", "\u200b"),
        ("é\x1b", "\x1b"),
        ("cafe\u0301", "\u0301"),
        ("\u212bngstrom", "\u212b"),
        ("\uff41b", "\uff41"),
    ],
)
def test_a_name(name: str, found: str | None) -> None:
    """A name may be in any language; a letter of another alphabet in a Latin word is told, and what doesn't show."""
    assert in_word(name) == found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select 1", []),
        ("select 'us\u0435rs' -- us\u0435rs\u200b", []),
        ('select us\u0435rs, "us\u0435r", größe', [("\u0435", 7), ("\u0435", 14)]),
        ("select\u00a0a", [("\u00a0", 0)]),
        ("select a→b", [("→", 7)]),
        ("select cafe\u0301", [("\u0301", 7)]),
        ("select ü2_$", []),
        ("select a\ufe0f, b\u034f, c\u180b", [("\ufe0f", 7), ("\u034f", 11), ("\u180b", 15)]),
        ("select \u0e1b\u0e31\u0e0d", []),
        ("select \u0939\u093f\u0928\u094d\u0926\u0940", []),
        ("select 'ü', \"ü\u200b\"", [("\u200b", 12)]),
        ("select '\u202ea'", [("\u202e", 7)]),
        ("-- \u2066", [("\u2066", 0)]),
        ("select '\u202f\u206a'", []),
    ],
)
def test_sql(sql: str, found: list[tuple[str, int]]) -> None:
    """In names, between words, and reversed text anywhere; a literal and a comment may hold any other character."""
    assert list(in_sql(sql)) == found


def test_its_name() -> None:
    """A character that doesn't show is told by its number and its name."""
    assert describe("\u0435") == "U+0435 CYRILLIC SMALL LETTER IE"
    assert describe("\ue000") == "U+E000 without a name"
