"""`embedded` as a setting: a server of one's own where no database is given, and never in place of one that is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Command
from support.folder import Folder
from support.memory import open_folder

SOCKET = "/.sartor/embedded/run]"


@pytest.fixture
def project() -> Iterator[Command]:
    """The command in a project whose settings ask for the embedded server, with no database given."""
    with open_folder() as place:
        Folder(place / "alterations").table("next-1-a.py")
        (place / "sartor.toml").write_text('embedded = true\ndb-url-env = ["APP_URL"]\n')
        (place / "urls").write_text("postgresql://app@db.invalid/app\n")
        yield Command(place, {})


def test_a_contributor_gives_no_flag(project: Command) -> None:
    """Commands use the server of the project, from a folder below it as well, where `--embedded` means the same."""
    assert SOCKET in project("deploy", "next").err
    below = project.directory / "src"
    below.mkdir()
    inner = Command(below, {})
    where = ("--alterations", "../alterations")
    for words in ((), ("--embedded",)):
        assert inner("status", *where, *words, "--json").json["pending"] == []
    assert not (below / ".sartor").exists()


NEARER = {
    "the flag": (("--db-url", "postgresql://app@db.invalid/app"), {}),
    "SARTOR_DB_URL": ((), {"SARTOR_DB_URL": "postgresql://app@db.invalid/app"}),
    "two of them": ((), dict.fromkeys(("SARTOR_DB_URL", "SARTOR_DB_URL_1"), "postgresql://app@db.invalid/app")),
    "a list by the flag": (("--urls-from", "urls"), {}),
    "a list by the variable": ((), {"SARTOR_URLS_FROM": "urls"}),
    "the maker's name": ((), {"APP_URL": "postgresql://app@db.invalid/app"}),
    "libpq's": ((), {"PGHOST": "db.invalid"}),
    "beside the variable": ((), {"SARTOR_EMBEDDED": "1", "SARTOR_DB_URL": "postgresql://app@db.invalid/app"}),
}


@pytest.mark.parametrize("nearer", NEARER)
def test_a_database_that_is_given_comes_first(project: Command, nearer: str) -> None:
    """However it is given: nothing is deployed anywhere else where it can't be reached."""
    words, environment = NEARER[nearer]
    assert "db.invalid" in project("deploy", "next", *words, env=environment, expect=6).err
    assert not (project.directory / ".sartor").exists()


REFUSED = {
    "production": ({"SARTOR_ENVIRONMENT": "Production"}, "doesn't count in the environment Production"),
    "a variable without a value": ({"APP_URL": ""}, "APP_URL is set, but empty"),
    "another value": ({"SARTOR_EMBEDDED": "soon"}, "SARTOR_EMBEDDED: 'soon' is neither true nor false"),
    "switched off": ({"SARTOR_EMBEDDED": "off"}, "no database is given"),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_where_a_database_is_expected(project: Command, refused: str) -> None:
    """In production, or where a variable of the URL is empty, no server takes the place of the database."""
    environment, said = REFUSED[refused]
    assert said in project("deploy", "next", env=environment, expect=2).err
    assert not (project.directory / ".sartor").exists()


def test_the_file_names_one_of_both(project: Command) -> None:
    """A file with a URL and the setting is an error; the variable is nearer than the file's URL."""
    settings = project.directory / "sartor.toml"
    before = settings.read_text()
    for line in ('urls-from = "urls"', '[[destination]]\ndb-url = "postgresql://app@db.invalid/app"'):
        settings.write_text(f"{before}{line}\n")
        assert "exclude each other" in project("status", expect=2).err
    settings.write_text(f'{before}db-url = "postgresql://app@db.invalid/app"\n')
    assert "exclude each other" in project("status", expect=2).err
    assert SOCKET in project("status", env={"SARTOR_EMBEDDED": "true"}).out


def test_schemas_of_the_file(project: Command) -> None:
    """Tables that name no database are schemas of the embedded server."""
    settings = project.directory / "sartor.toml"
    settings.write_text(f'{settings.read_text()}[[destination]]\nschema = "a"\n[[destination]]\nschema = "b"\n')
    done = project("deploy", "next")
    assert [text in done.err for text in ("schema a", "schema b", "schema public")] == [True, True, False]


def test_a_new_project_has_it(tmp_path: Path) -> None:
    """What `init` writes asks for it, and says so."""
    done = Command(tmp_path, {}).run("init", "--yes")
    assert "embedded = true" in (tmp_path / "sartor.toml").read_text()
    assert done.err.endswith("deploy next\n  sartor db alteration new --help\n")
