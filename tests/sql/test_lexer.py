"""SQL told apart into statements, and statements that would end a transaction found, as a server would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.sql.lexer import all_words, meaning, runs, tokens
from sartor.sql.quoting import quote_identifier
from sartor.sql.splitting import each_statement, split, transaction_control

WHOLE = [
    "select 1",
    "select ';'",
    "select 'it''s; fine'",
    r"select E'\'; commit; '",
    r"select '\'",  # a backslash is no escape in an ordinary string
    'select 1 as "semi;colon"',
    'select 1 as "quo""te;"',
    "do $$ begin perform 1; end $$",
    "do $body$ begin perform $$;$$; end $body$",
    "select $tag$;$other$;$tag$",
    "select a$b$c",  # dollars inside a name quote nothing
    "/* a; /* nested; */ still; */ select 1",
    "select 1 -- a comment; to the end\n + 1",
    "select U&'d\\0061t;a'",
    "select $$ -- no comment; $$",
    "select '-- no comment' + 1",
    "create rule r as on insert to t do also (insert into a values (1); insert into b values (2))",
    "create function f() returns int language sql begin atomic select 1; select 2; end",
    "CREATE OR REPLACE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
    "create function g() returns int begin atomic select case 1 when 1 then 2 end; end",
    "create function h() returns text language sql as 'select 1; select 2'",
    "select case when true then 1 else 2 end",
    "create table atomic (begin int)",
    "select größe from tabelle",
    "do $→$ begin perform 1; perform 2; end $→$",  # a tag may have any letter, and all beyond ASCII is letters
    "select 1 as a\u00a0b",
    "select 1.5e3, $1",
    "select E'one\\n'\n'it\\'s; fine'",  # the part behind a newline has escapes as well
    "select E'one'  -- so; it's\n -- and so\n\t 'it\\'s; fine'",
    "create function f() returns int begin atomic select ev.end, ev.begin, ev.case from ev; select 1 as end; end",
    "create function f() returns int begin atomic select 1 end; select begin from t; select case from t; end",
    "create function f() returns int begin atomic select case when true then 1 end end; end",
    "create procedure f() begin atomic end",
]
"""Each is one statement."""


@pytest.mark.parametrize("statement", WHOLE)
def test_a_statement_is_whole(statement: str) -> None:
    """Semicolons in strings, names, comments, dollar quotes, parentheses and SQL bodies end nothing."""
    assert [s.text for s in split(f"{statement};\nselect 'next'")][-1] == "select 'next'"
    assert len(split(f"{statement}; select 'next'")) == 2


@given(st.lists(st.sampled_from(WHOLE)), st.sampled_from([";", " ;\n\n", ";;", "; -- so; \n", "; /* ; */ "]))
def test_what_is_joined_is_split(pieces: list[str], separator: str) -> None:
    """Statements joined come back as they were, whatever comments and empty ones stand between, with their places."""
    text = separator.join(pieces) + separator
    found = split(text)
    bare = [s.removeprefix("/* a; /* nested; */ still; */ ") for s in pieces]
    assert [s.text for s in found] == bare
    assert all(text[s.start : s.start + len(s.text)] == s.text for s in found)


@given(st.text(st.sampled_from("'\"$-/*;()\\eEab1 \n.é"), max_size=30))
def test_runs_are_tokens_in_one_go(text: str) -> None:
    """Runs hold the same quotes, comments and semicolons, at the same places, and as many parentheses in between."""
    fine = [
        t for t in tokens(text) if t.kind not in {"word", "number", "space"} and (t.kind != "mark" or t.text == ";")
    ]
    coarse = list(runs(text))
    assert "".join(t.text for t in coarse) == text
    assert [t for t in coarse if t.kind != "run" and (t.kind != "mark" or t.text == ";")] == fine
    assert all(t.text.count("(") == t.text.count(")") for t in coarse if t.kind == "run")


@given(st.text(st.sampled_from("'();- a\n"), max_size=30))
def test_runs_are_split_as_tokens_are(text: str) -> None:
    """What is between parentheses in a run ends no statement, and begins none."""
    assert list(each_statement(text, runs(text))) == list(each_statement(text, tokens(text)))


@pytest.mark.parametrize("text", ["", " \n", ";", ";;;", "-- only a comment", "/* only; a comment", " ; -- x\n ;"])
def test_nothing_is_no_statement(text: str) -> None:
    """Empty statements and lone comments aren't sent to a server."""
    assert split(text) == []


@pytest.mark.parametrize(
    "text",
    ["select 'open; ended", 'select "open; ended', "select $$open; ended", r"select E'open\'; ended", "f(1; 2"],
)
def test_what_is_left_open_is_one_statement(text: str) -> None:
    """Something unterminated goes to the server as it is, which says what is wrong with it."""
    assert [s.text for s in split(text)] == [text]


@given(st.text(alphabet="ab1;'\"$-/*\\\nEe( )"))
def test_no_character_is_lost(text: str) -> None:
    """Tokens are the text, whatever it is."""
    assert "".join(t.text for t in tokens(text)) == text
    assert all(a.end == b.start for a, b in zip(list(tokens(text)), list(tokens(text))[1:], strict=False))


CONTROL = [
    "begin",
    "BEGIN ISOLATION LEVEL SERIALIZABLE",
    "start transaction",
    "START\n  /* x */ TRANSACTION",
    "commit",
    "COMMIT AND CHAIN",
    "commit prepared 'x'",
    "end",
    "END WORK",
    "rollback",
    "rollback and chain",
    "abort",
    "prepare transaction 'x'",
    "/* why */ -- not\n commit",
]
BEHIND = [
    "select E'one'\n'it\\'s'; {}; select E'one\\'s'",
    "create function f() returns begin.atomic language sql as 'select 1'; {}",
    "create function f(begin atomic) returns int language sql as 'select 1'; {}",
    "create function f() returns int begin atomic select 1 end; end; {}",
    "create function f() returns int begin atomic select ev.end, case from ev; end; {}",
    "select 'a' /* so */\n'b\\'; {}; select ''",
]
"""What a reader that isn't exact takes for the rest of a string, or of a routine's body."""
HARMLESS = [
    "savepoint a",
    "release savepoint a",
    "rollback to a",
    "ROLLBACK TO SAVEPOINT a",
    "rollback work to savepoint a",
    "rollback transaction to a",
    "prepare q as select 1",
    "select 'commit'",
    "-- commit;\nselect 1",
    "select 1 as commit",
    "do $$ begin null; end $$",
    "create function f() returns int language sql begin atomic select 1; end",
    "select case when true then 1 end",
    "update t set begin = 1",
    "set transaction read only",
    "start_transaction()",
    "comment on table t is $$begin; commit; $$",
]


@pytest.mark.parametrize("statement", CONTROL)
def test_transaction_control_is_found(statement: str) -> None:
    """What begins or ends a transaction is found, alone and amid others, in any case and behind comments."""
    found = transaction_control(statement)
    assert found is not None
    assert statement.endswith(found)
    assert transaction_control(f"select 1; {statement}; select 2") == found


@pytest.mark.parametrize("before", BEHIND)
def test_it_is_found_behind_what_is_hard_to_read(before: str) -> None:
    """Nothing hides a `commit`: not how a string goes on, nor a keyword that is a name."""
    assert transaction_control(before.format("commit")) == "commit"


@pytest.mark.parametrize("statement", HARMLESS)
def test_nothing_else_is_transaction_control(statement: str) -> None:
    """Savepoints, bodies, strings, comments and names that look like it are a script's own affair."""
    assert transaction_control(statement) is None
    assert transaction_control(f"{statement}; select 1; {statement}") is None


@given(st.lists(st.sampled_from(HARMLESS), max_size=3), st.sampled_from(CONTROL), st.lists(st.sampled_from(HARMLESS)))
def test_it_is_found_anywhere(before: list[str], control: str, after: list[str]) -> None:
    """However much surrounds it."""
    assert transaction_control(";".join([*before, control, *after])) == transaction_control(control)


@pytest.mark.parametrize(("name", "quoted"), [("a", '"a"'), ('a"b', '"a""b"'), ("", '""'), ("Ä;--", '"Ä;--"')])
def test_a_name_is_quoted(name: str, quoted: str) -> None:
    """A quoted identifier means its name and nothing else."""
    assert quote_identifier(name) == quoted


@pytest.mark.parametrize(
    ("text", "literal", "code"),
    [
        ("'it''s'", "it''s", "it's"),
        ("E'E\\''", "E\\'", "E\\'"),
        ("U&'U'", "U", "U"),
        ("'$''x'", "$''x", "$'x"),
        ("$a$b''$a$", "b''", "b''"),
        ("$a$a$a$", "a", "a"),
        ("$$$$", "", ""),
        ("'open", "open", "open"),
        ("E'op\\'", "op\\'", "op\\'"),
        ("$a$open$", "open$", "open$"),
        ('"name"', None, None),
        ("word", None, None),
    ],
)
def test_what_a_literal_holds(text: str, literal: str | None, code: str | None) -> None:
    """What is between the quotes, whichever they are, as it is written and as the SQL that it may be."""
    (token,) = tokens(text)
    assert (token.literal, token.code) == (literal, code)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A1$É", "a1$É"),
        ('"A""b"', 'A"b'),
        ('U&"d\\0061\\+000062""\\\\e"', 'dab"\\e'),
        ("'a'", None),
        ("$1", None),
        ('"open', None),
        (";", None),
    ],
)
def test_a_name(text: str, name: str | None) -> None:
    """A word is its letters in lower case, a quoted name what its quotes and its code points mean."""
    (token,) = tokens(text)
    assert token.name == name


def test_what_means_nothing() -> None:
    """Blanks and comments mean nothing; a no-break space is a letter to the server."""
    found = meaning("\f\v a /* b */ -- c\n \u00a0 ;")
    assert [(token.kind, token.text) for token in found] == [("word", "a"), ("word", "\u00a0"), ("mark", ";")]


def test_words_of_any_text() -> None:
    """All words of a text are found, in whatever they stand."""
    assert all_words("a 'B_1' -- \"c\" d.e") == {"a", "B_1", "c", "d", "e"}
