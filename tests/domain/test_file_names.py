"""The grammar of alterations' file names, their identity and their order."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import Catalogue, Checksum, make_lineage
from sartor.domain.alteration import checksum as checksum_of_all
from sartor.domain.file_names import FILE_NAME, parse_file_name
from sartor.domain.release import Release
from sartor.errors import CatalogueError
from support.ledgers import alteration, alterations, lineage

timestamps = st.from_regex(r"[0-9]{1,10}(\.[0-9]{1,6})?", fullmatch=True)
slugs = st.from_regex(r"\w[\w.-]{0,20}", fullmatch=True)
prefixes = st.sampled_from(["next", "1.0.0", "2.0.0_beta.1", "0.1", "2026.1"])


@given(prefixes, timestamps, slugs, st.sampled_from(["py", "sql"]))
def test_a_well_formed_name_is_taken_apart(prefix: str, timestamp: str, slug: str, kind: str) -> None:
    """`<release>-<timestamp>-<slug>.py` or `.sql` gives its release, and `<timestamp>-<slug>` as its identity."""
    assert parse_file_name(f"{prefix}-{timestamp}-{slug}.{kind}") == (Release.parse(prefix), f"{timestamp}-{slug}")


@given(prefixes, timestamps, slugs)
def test_a_release_renames_and_identity_stays(prefix: str, timestamp: str, slug: str) -> None:
    """Identity is what a release's rename leaves alone."""
    released, unreleased = (parse_file_name(f"{p}-{timestamp}-{slug}.py")[1] for p in (prefix, "next"))
    assert released == unreleased


@pytest.mark.parametrize(
    "name",
    [
        "1.0.0-1700000000.py",  # no slug
        "1.0.0-add-users.py",  # no timestamp
        "1700000000-users.py",  # no release
        "1.0.0-17000000001-users.py",  # 11 digits
        "1.0.0-1700000000.-users.py",
        "1.0.0-.5-users.py",
        "1.0.0--1700000000-users.py",
        "1.0.0-1700000000-users.PY",
        "1.0.0-1700000000-users.py\n",
        "1.0.0-1700000000-.py",
        "1.0.0-1700000000-a b.py",
        "1.0.0-beta.1-1700000000-users.py",  # a hyphen in the version
        "1.0.0-١٢٣-users.py",  # digits, and not those of Unix seconds
        "users.sql",
    ],
)
def test_a_malformed_name_is_named_with_the_form(name: str) -> None:
    """A name that doesn't parse is an error that quotes it and shows what a good one looks like."""
    with pytest.raises(CatalogueError) as caught:
        parse_file_name(name)
    assert name.replace("\n", "\\n") in str(caught.value)
    assert "1.3.0-1700000000-add-users.py" in caught.value.hint or "PEP 440" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "flaw"),
    [
        (
            "1.0.0-20240101120000-a.sql",
            "10 at most; 20240101120000, in UTC, is 1704110400",
        ),
        (
            "1.0.0-1700000000123-a.sql",
            "10 at most; 1700000000123 milliseconds are 1700000000",
        ),
        ("1.0.0-20249901120000-a.sql", "has 14 digits, and Unix seconds have 10 at most;"),
        ("1.0.0-1700000000-cafe\u0301.sql", "rename the file to 1.0.0-1700000000-caf\u00e9.sql"),
        ("1.0.0-add-users.py", "'add' isn't a timestamp;"),
        ("1.0.0-beta.1-1700000000-users.py", "'beta.1' isn't a timestamp; write the hyphen of a version as `_`"),
        ("1.0.0-1700000000.py", "there is no name behind the timestamp"),
        ("1.0.0-1700000000-a b.py", "'a b' begins with"),
        ("1.0.0-1700000000-a.PY", "'PY' is neither"),
        ("users.sql", "it doesn't begin with a release"),
    ],
)
def test_the_part_that_does_not_parse_is_named(name: str, flaw: str) -> None:
    """Of a malformed name the error says what is wrong with it, and what a date or milliseconds are in Unix seconds."""
    with pytest.raises(CatalogueError) as caught:
        parse_file_name(name)
    assert flaw in str(caught.value)


@given(st.text(max_size=40).filter(lambda name: not FILE_NAME.fullmatch(name)))
def test_any_other_text_is_refused(name: str) -> None:
    """Whatever the name, the error is about it."""
    with pytest.raises(CatalogueError, match="the form is"):
        parse_file_name(name)


@pytest.mark.parametrize("prefix", ["one", "1.0.0_nightly", "latest", "NEXT"])
def test_a_prefix_that_is_no_version_is_named(prefix: str) -> None:
    """A release that isn't a version is an error that names file and prefix, and says which versions there are."""
    with pytest.raises(CatalogueError) as caught:
        parse_file_name(f"{prefix}-1700000000-users.py")
    assert f"{prefix}-1700000000-users.py: {prefix!r}" in str(caught.value)
    assert "1.2.0_beta.1" in caught.value.hint


def test_the_order_is_release_timestamp_slug() -> None:
    """Order is (release, timestamp as a number, slug), prereleases before their release and `next` last."""
    expected = [
        "1.0.0-9-z.py",
        "1.0.0-10-a.py",
        "1.0.0-10-b.sql",
        "1.0.0-10.05-a.py",
        "1.0.0-10.5-a.py",
        "1.0.0-11-a.py",
        "1.9.0-1-a.py",
        "1.10.0_beta.1-2-a.py",
        "1.10.0-1-b.py",
        "next-0-a.py",
    ]
    assert [a.name for a in make_lineage("main", "", map(alteration, reversed(expected))).alterations] == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1.0.0-9-a-b.py", "1.0.0-10-a.py"),
        ("1.0.0-0000000001-a.py", "1.0.0-2-b.py"),
        ("1.0.0-999999999-b.py", "1.0.0-1000000000-a.py"),
        ("1.0.0-5-a.5.py", "1.0.0-5.5-a.py"),
        ("1.0.0-2-add-user-x.py", "1.0.0-10-a.py"),
        ("1.0.0-1.001-1-10-0.py", "1.0.0-1.002-x.py"),
    ],
)
def test_timestamps_are_numbers(first: str, second: str) -> None:
    """A timestamp counts as a number, however many digits and zeros it has, and whatever the slug is."""
    assert alteration(first).key < alteration(second).key
    assert alteration(first).timestamp <= alteration(second).timestamp
    assert alteration(second).timestamp == int(second.split("-")[1].partition(".")[0])


@pytest.mark.parametrize(
    ("number", "ids"),
    [
        (0, [[], []]),
        (1, [["1-a"], []]),
        (2, [["1-a", "2-b"], []]),
        (3, [["1-a", "2-b"], ["3-c"]]),
        (9, [["1-a", "2-b"], ["3-c"]]),
    ],
)
def test_the_first_of_a_catalogue(number: int, ids: list[list[str]]) -> None:
    """The first alterations are taken lineage by lineage, and no lineage is left out."""
    found = Catalogue((lineage("1.0.0-1-a.py", "1.0.0-2-b.py"), lineage("1.0.0-3-c.py", name="own"))).first(number)
    assert [(each.name, each.location) for each in found.lineages] == [("main", "/main"), ("own", "/own")]
    assert [[each.id for each in own.alterations] for own in found.lineages] == ids


@given(alterations())
def test_the_order_is_total(found: list) -> None:  # type: ignore[type-arg]
    """No two alterations of a lineage share a place, and a timestamp's fraction counts as a number's does."""
    ordered = make_lineage("main", "", found).alterations
    keys = [(a.release, Decimal(a.id.partition("-")[0]), a.id.partition("-")[2]) for a in ordered]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_two_files_of_one_identity_are_refused() -> None:
    """A copy under a release's name beside the `next` file is an error that names both."""
    with pytest.raises(CatalogueError) as caught:
        make_lineage("main", "/here", map(alteration, ["next-1-a.py", "1.0.0-1-a.py"]))
    assert "next-1-a.py" in str(caught.value)
    assert "1.0.0-1-a.py" in str(caught.value)
    assert "/here" in caught.value.hint


def checksum(text: str, blocks: int = 100) -> str:
    """The checksum of a text that comes in blocks of so many bytes."""
    summing, content = Checksum(), text.encode()
    for at in range(0, len(content), blocks):
        summing.update(content[at : at + blocks])
    return summing.text


@given(st.text(alphabet=st.sampled_from("ab \r\n")), st.integers(1, 4))
def test_blocks_do_not_change_a_checksum(text: str, size: int) -> None:
    """A file's checksum is the same however it is read."""
    assert checksum(text, size) == checksum(text)


@given(st.text(alphabet=st.sampled_from("ab\r\n")), st.integers(4, 9))
def test_what_an_editor_adds_does_not_change_a_checksum(text: str, size: int) -> None:
    """A byte order mark at the start and line ends don't count; a mark further on does."""
    plain = text.replace("\r", "")
    edited = "\ufeff" + plain.replace("\n", "\r\n")
    assert checksum(edited, size) == checksum_of_all(edited.encode()) == checksum(plain)
    assert checksum(f"a{plain}\ufeff") != checksum(f"a{plain}")


def test_a_checksum_names_its_algorithm() -> None:
    """A checksum in a ledger says what it is of, and stays the same for ever."""
    assert checksum("") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.text(alphabet=st.sampled_from("ab \n")))
def test_line_ends_do_not_change_a_checksum(text: str) -> None:
    """A checkout on Windows has the same checksums."""
    assert checksum(text) == checksum(text.replace("\n", "\r\n"))


@given(st.text(alphabet="ab \n"), st.text(alphabet="ab \n"))
def test_everything_else_changes_it(one: str, other: str) -> None:
    """Any other difference, white space too, is an edit."""
    assert (checksum(one) == checksum(other)) is (one == other)
