"""Password files: what libpq finds in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.conninfo.libpq_files import LOCAL, find_password

TEXTS = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]))
NAMES = TEXTS.filter(bool)
AWKWARD = st.text(":\\*#'\" a", min_size=1, max_size=6)
FIELDS = st.one_of(AWKWARD, NAMES)
WANTED = {"host": "db", "port": "5432", "database": "shop", "user": "app"}


def escaped(text: str) -> str:
    """A field as the manual has it written."""
    return text.replace("\\", r"\\").replace(":", r"\:")


def line(*fields: str) -> str:
    """A line of a password file; a `*` alone is all of them, and one that is meant has a backslash."""
    return ":".join(r"\*" if field == "*" else escaped(field) for field in fields) + "\n"


@given(host=FIELDS, port=FIELDS, database=FIELDS, user=FIELDS, password=FIELDS, before=st.lists(TEXTS, max_size=3))
def test_what_is_written_is_found(
    host: str, port: str, database: str, user: str, password: str, before: list[str]
) -> None:
    """A line that is written as the manual says is found by its four names, behind comments and lines of others."""
    own = line(host, port, database, user, password)
    others = "".join(f"#{text}\n" for text in before) + line("elsewhere", port, database, user, "other")
    wanted = {"host": host, "port": port, "database": database, "user": user}
    if not own.startswith("#") and host != "elsewhere":
        assert find_password(others + own, **wanted) == password
        assert find_password(others + own.rstrip("\n") + "\r\n", **wanted) == password
        assert find_password(own, **{**wanted, "user": f"{user}x"}) is None


@given(text=st.text(st.one_of(st.sampled_from(":\\*#\n\r"), st.characters())), user=TEXTS)
def test_any_text_is_read(text: str, user: str) -> None:
    """No text is too odd to be read, and what is found is of one line."""
    found = find_password(text, **{**WANTED, "user": user})
    assert found is None or "\n" not in found


@given(password=AWKWARD, taken=st.sets(st.sampled_from([*WANTED])))
def test_stars(password: str, taken: set[str]) -> None:
    """A `*` stands for any host, port, database and user, and not for a part of a name."""
    fields = ["*" if key in taken else value for key, value in WANTED.items()]
    assert find_password(":".join([*fields, escaped(password)]), **WANTED) == password
    assert find_password(":".join(["d*", *fields[1:], "x"]), **WANTED) is None


@pytest.mark.parametrize("folder", [*LOCAL, ""])
def test_the_usual_socket_is_localhost(folder: str) -> None:
    """The folder where a server has its socket by default is `localhost` to the file; any other is itself."""
    text = "localhost:*:*:*:here\n/srv/run:*:*:*:there\n"
    assert find_password(text, **{**WANTED, "host": folder}) == "here"
    assert find_password(text, **{**WANTED, "host": "/srv/run"}) == "there"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("*:*:*:app:\n", ""),
        ("*:*:*:app:a:b\n", "a"),
        ("*:*:*:app\n*:*:*:app:x", "x"),
        ("  *:*:*:*:x\n", None),
        ("*:*:*:app:x  \n", "x  "),
        ("*:*:*:app:XX\r\n", "XX"),
        ("\\d\\b:*:*:*:\\x\n", "x"),
        ("\n\n#*:*:*:*:x\n", None),
    ],
)
def test_lines(text: str, found: str | None) -> None:
    """Blanks count, a backslash takes any character as it is, what is behind a fifth colon isn't read."""
    assert find_password(text, **WANTED) == found


def test_a_comment_is_no_line() -> None:
    """A line that begins with # is a comment, also where a host is called like it; with a backslash it is none."""
    wanted = {**WANTED, "host": "#db"}
    assert find_password("#db:*:*:*:x\n", **wanted) is None
    assert find_password("\\#db:*:*:*:x\n", **wanted) == "x"
