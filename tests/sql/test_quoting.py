"""Quoting, judged by a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sartor.sql.quoting import quote_comment, quote_identifier, quote_literal, quote_word, shows_itself
from support.psql import psql

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
quick = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def ask(server_url: str) -> Iterator[Any]:
    """Asks the server, on one connection for all examples."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(server_url))
        yield lambda query: runner.run(connection.fetchrow(query))
        runner.run(connection.close())


@pytest.mark.parametrize("conforming", ["on", "off"])
@quick
@given(text=texts)
@example(text="\\'; select 1 --")
@example(text="\\")
@example(text="it's $$ /* ")
def test_a_literal_is_its_text(ask: Any, conforming: str, text: str) -> None:
    """Any text without NUL comes back as it was, whatever standard_conforming_strings says."""
    ask(f"select set_config('standard_conforming_strings', '{conforming}', false)")
    assert ask(f"select {quote_literal(text)}::text")[0] == text


@quick
@given(value=st.one_of(st.integers(-(2**62), 2**62), st.none(), st.floats(allow_nan=False, allow_infinity=False)))
def test_other_literals_are_their_values(ask: Any, value: float | None) -> None:
    """Numbers and null come back as they were."""
    kind = "float8" if isinstance(value, float) else "int8"
    assert ask(f"select {quote_literal(value)}::{kind}")[0] == value


@quick
@given(name=texts.filter(lambda t: 0 < len(t.encode()) < 64))
def test_an_identifier_is_its_name(ask: Any, name: str) -> None:
    """Any name that Postgres can hold is one quoted identifier."""
    assert list(ask(f"select 1 as {quote_identifier(name)}").keys()) == [name]


@quick
@given(text=texts)
@example(text="*/ select 1; /*")
@example(text="a\n; select 1 --")
@example(text="\u2028")
def test_a_comment_ends_where_it_should(ask: Any, text: str) -> None:
    """No text ends the comment that it stands in, of either kind, or begins another."""
    shown = quote_comment(text)
    assert tuple(ask(f"/* {shown} */ select 1 -- {shown}")) == (1,)


@pytest.mark.parametrize(
    "text", ["1.0.0-1-a.py", "`touch ran`", "it's", "\\! touch ran", "a\n\\! touch ran", 'a" :b', ""]
)
def test_a_word_for_psql_is_only_shown(text: str, server_url: str, tmp_path: Path) -> None:
    """It is shown by psql, on one line, and runs nothing of it."""
    (tmp_path / "echo.sql").write_text(f"\\cd {tmp_path}\n\\echo {quote_word(text)}\n")
    assert psql(server_url, tmp_path / "echo.sql").out == text.replace("\n", "?") + "\n"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("quote", "value", "meant"),
    [
        (quote_identifier, 'a"b', '"a""b"'),
        (quote_literal, None, "null"),
        (quote_literal, 1.5, "1.5"),
        (quote_literal, "it's", "'it''s'"),
        (quote_literal, "\\'", " E'\\\\'''"),
        (quote_comment, "a*b/c", "a*b/c"),
        (quote_comment, "a */ b", "a ?/ b"),
        (quote_comment, "a /* *", "a /? ?"),
        (quote_comment, "a\nb\u2028", "a?b?"),
        (quote_word, "1.0.0-a_b+c!", "1.0.0-a_b+c!"),
        (quote_word, "", "''"),
        (quote_word, "a b's\\\n", "'a b''s\\\\?'"),
    ],
)
def test_the_forms(quote: Callable[[Any], str], value: str | float | None, meant: str) -> None:
    """What needs no quotes or escapes is written without: people read these texts."""
    assert quote(value) == meant


@pytest.mark.parametrize("name", ["größe", "a b", "表", ""])
def test_a_name_that_shows(name: str) -> None:
    """A name of visible characters shows itself; one with a control, a separator or a reversing character doesn't."""
    assert shows_itself(name)
    assert not any(shows_itself(f"a{character}b") for character in "\n\x7f\u200b\u202e\u2028\u2029")
