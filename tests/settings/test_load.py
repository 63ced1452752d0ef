"""Settings: where each comes from, what they may say, and what an error says of them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor import Limits
from sartor.errors import SettingsError
from sartor.settings.embedded import is_database_given
from sartor.settings.flags import Flags
from sartor.settings.lineages import LineageSource
from sartor.settings.load import Settings, load_ignored, load_settings, load_sources
from sartor.settings.lookup import Found, parse_duration
from sartor.settings.once import asked_once
from sartor.settings.product import Product

URL = "postgresql://db/app"


class Place:
    """A working directory with its secret files beside it."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "work"
        self.secrets = root / "secrets"
        self.directory.mkdir()
        self.secrets.mkdir()

    def load(self, flags: Flags | None = None, environ: Mapping[str, str] | None = None) -> Settings:
        return load_settings(flags or Flags(), environ=self._environ(environ), directory=self.directory)

    def sources(self, *alterations: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        flags = Flags(alterations=alterations)
        found = load_sources(flags, environ=self._environ(environ), directory=self.directory)
        return {source.name: source.location for source in found}

    def toml(self, text: str, name: str = "sartor.toml") -> None:
        (self.directory / name).write_text(text)

    def secret(self, name: str, text: str | bytes) -> None:
        (self.secrets / name).write_bytes(text.encode() if isinstance(text, str) else text)

    def _environ(self, environ: Mapping[str, str] | None) -> dict[str, str]:
        return {"SARTOR_SECRETS_DIR": str(self.secrets), **({"SARTOR_DB_URL": URL} if environ is None else environ)}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _urls(settings: Settings) -> list[str]:
    return [destination.url.removeprefix("postgresql://") for destination in settings.destinations]


def _schemas(settings: Settings) -> list[str]:
    return [destination.schema for destination in settings.destinations]


def test_a_url_is_enough(place: Place) -> None:
    """With a database and nothing else, every other setting has its default."""
    settings = place.load(Flags(db_url=(URL,)), {})
    (destination,) = settings.destinations
    assert (destination.url, destination.schema) == (URL, "public")
    assert settings.sources == (LineageSource(name="main", location=str(place.directory / "alterations")),)
    assert settings.limits == Limits()
    assert settings.environment is None
    assert not settings.strict_order


def test_flag_then_secret_file_then_variable_then_toml(place: Place) -> None:
    """Each setting is the first of its flag, its secret file, its variable and the toml file."""
    place.toml('db-url = "postgresql://toml"')
    assert _urls(place.load(environ={})) == ["toml"]
    assert _urls(place.load(environ={"SARTOR_DB_URL": "postgresql://variable"})) == ["variable"]
    place.secret("SARTOR_DB_URL", "postgresql://secret\n")
    assert _urls(place.load(environ={"SARTOR_DB_URL": "postgresql://variable"})) == ["secret"]
    assert _urls(place.load(Flags(db_url=("postgresql://flag",)))) == ["flag"]


def test_the_order_holds_for_every_other_setting(place: Place) -> None:
    """Durations, switches, names and places follow the same order."""
    place.toml('wait = "1s"\nschema = "a"\nstrict-order = true\nenvironment = "staging"\nlock-timeout = 100')
    settings = place.load()
    assert (settings.limits.wait, _schemas(settings), settings.strict_order) == (1, ["a"], True)
    assert (settings.environment, settings.limits.lock_timeout, settings.limits.fingerprint) == ("staging", 0.1, True)
    variables = {
        "SARTOR_WAIT": "2s",
        "SARTOR_SCHEMA": "b",
        "SARTOR_STRICT_ORDER": "no",
        "SARTOR_ENVIRONMENT": "production",
        "SARTOR_FINGERPRINT": "off",
    }
    settings = place.load(environ={"SARTOR_DB_URL": URL, **variables})
    assert (settings.limits.wait, _schemas(settings), settings.strict_order) == (2, ["b"], False)
    assert (settings.environment, settings.limits.fingerprint) == ("production", False)
    settings = place.load(Flags(wait="3s", schema=("c",), strict_order=True), {"SARTOR_DB_URL": URL, **variables})
    assert (settings.limits.wait, _schemas(settings), settings.strict_order) == (3, ["c"], True)


def test_the_makers_names_come_after_sartors(place: Place) -> None:
    """`db-url-env` names are tried in turn, each as a secret file and as a variable, before the file's own URL."""
    place.toml('db-url-env = ["DB_CONNECTION_URI", "DATABASE_URL"]\ndb-url = "postgresql://toml"')
    environ = {"DATABASE_URL": "postgresql://second"}
    assert _urls(place.load(environ=environ)) == ["second"]
    place.secret("DB_CONNECTION_URI", "postgresql://first")
    assert _urls(place.load(environ=environ)) == ["first"]
    assert _urls(place.load(environ={**environ, "SARTOR_DB_URL": "postgresql://own"})) == ["own"]


def test_numbers_behind_the_makers_names_mean_nothing(place: Place) -> None:
    """Only SARTOR_ settings are numbered: a stray DATABASE_URL_1 must not become a database to deploy to."""
    place.toml('db-url-env = "DATABASE_URL"')
    environ = {"DATABASE_URL": "postgresql://a", "DATABASE_URL_1": "postgresql://b"}
    assert _urls(place.load(environ=environ)) == ["a"]


def test_libpqs_environment_comes_last(place: Place) -> None:
    """Without any URL, PG* says where; with one, PG* fills what it leaves open."""
    environ = {"PGHOST": "db", "PGUSER": "app", "PGPASSWORD": "s3cret", "PGDATABASE": "app"}
    settings = place.load(environ=environ)
    assert _urls(settings) == ["app:s3cret@db/app"]
    assert settings.destinations[0].label == "app@db:5432/app, schema public"
    assert settings.destinations[0].secrets == ("s3cret",)
    assert _urls(place.load(Flags(db_url=("postgresql://me@other",)), environ)) == ["me:s3cret@other/app"]


def test_no_database_is_an_error_with_the_ways_out(place: Place) -> None:
    """PGPASSWORD or SARTOR_USER alone is no database; the error shows three ways to give one."""
    with pytest.raises(SettingsError, match=r"^no database is given$") as caught:
        place.load(environ={"PGPASSWORD": "x", "SARTOR_USER": "app"})
    assert all(way in caught.value.hint for way in ("--db-url", "SARTOR_DB_URL", "--embedded"))


def test_no_database_where_the_maker_has_a_name_for_it(place: Place) -> None:
    """Where the maker lists names for the URL, the error asks for the first of them."""
    place.toml('db-url-env = ["DB_CONNECTION_URI", "DATABASE_URL"]')
    with pytest.raises(SettingsError, match=r"^no database is given$") as caught:
        place.load(environ={})
    assert "set DB_CONNECTION_URI," in caught.value.hint


def test_user_and_password_apart(place: Place) -> None:
    """A password given apart is taken as it is, special characters and all."""
    place.secret("SARTOR_PASSWORD", "p@ss/w:rd?#%\n")
    settings = place.load(environ={"SARTOR_DB_URL": "postgresql://old:old@db/app", "SARTOR_USER": "me"})
    assert settings.destinations[0].keywords["password"] == "p@ss/w:rd?#%"  # noqa: S105 - a test's own
    assert settings.destinations[0].label == "me@db:5432/app, schema public"


def test_a_secret_is_the_files_text_but_for_its_last_newline(place: Place) -> None:
    """A password may begin and end with blanks: of a secret file, one line's end is no part of the secret."""
    place.secret("SARTOR_PASSWORD", " s3cret \t\n\r\n")
    settings = place.load(environ={"SARTOR_DB_URL": "postgresql://me@db/app"})
    assert settings.destinations[0].keywords["password"] == " s3cret \t\n"  # noqa: S105 - a test's own


def test_what_the_command_line_says_of_the_user_stands(place: Place) -> None:
    """SARTOR_USER and SARTOR_PASSWORD fill a `--db-url`, and replace nothing that it says."""
    environ = {"SARTOR_USER": "other", "SARTOR_PASSWORD": "pw", "SARTOR_PASSWORD_1": "pw1"}
    assert _urls(place.load(Flags(db_url=("postgresql://me@db",)), environ)) == ["me:pw@db"]
    assert _urls(place.load(Flags(db_url=("postgresql://me:x@db",)), environ)) == ["me:x@db"]


def test_numbered_settings_run_once_each(place: Place) -> None:
    """The longest list decides; the last value given repeats for those that are missing."""
    environ = {
        "SARTOR_DB_URL": "postgresql://zero",
        "SARTOR_DB_URL.1": "postgresql://one",
        "SARTOR_DB_URL_2": "postgresql://two",
        "SARTOR_USER": "app",
        "SARTOR_PASSWORD": "p0",
        "SARTOR_SCHEMA": "s0",
    }
    place.secret("SARTOR_PASSWORD.1", "p1")
    settings = place.load(environ=environ)
    assert _urls(settings) == ["app:p0@zero", "app:p1@one", "app:p1@two"]
    assert _schemas(settings) == ["s0", "s0", "s0"]


def test_a_schema_for_each_tenant(place: Place) -> None:
    """One URL and many schemas make a run a schema, more than nine of them in the order of their numbers."""
    schemas = {f"SARTOR_SCHEMA_{number}": f"tenant_{number}" for number in range(1, 12)}
    settings = place.load(environ={"SARTOR_DB_URL": URL, "SARTOR_SCHEMA": "tenant_0", **schemas})
    assert _schemas(settings) == ["tenant_0", *schemas.values()]


def test_the_file_adds_nothing_to_a_list(place: Place) -> None:
    """Numbered values take the place of the toml file's one."""
    place.toml('db-url = "postgresql://toml"')
    environ = {"SARTOR_DB_URL": "postgresql://zero", "SARTOR_DB_URL_1": "postgresql://one"}
    assert _urls(place.load(environ=environ)) == ["zero", "one"]


@pytest.mark.parametrize("name", ["DB_URL", "USER", "PASSWORD", "SCHEMA"])
def test_the_plain_setting_is_always_provided(place: Place, name: str) -> None:
    """A number behind a setting needs the setting itself, in a secret file or a variable: the first isn't left out."""
    place.toml('db-url = "postgresql://toml"\nuser = "app"\nschema = "a"')
    with pytest.raises(SettingsError, match=f"^SARTOR_{name} is missing, but SARTOR_{name}_1 is given$") as caught:
        place.load(environ={f"SARTOR_{name}_1": URL})
    assert caught.value.hint == f"name the first one SARTOR_{name}"


THREE_URLS = {f"SARTOR_DB_URL{suffix}": f"postgresql://connection-{at}" for at, suffix in enumerate(("", ".1", ".2"))}
THREE_USERS = {f"SARTOR_USER{suffix}": f"user-{at}" for at, suffix in enumerate(("", ".1", ".2"))}
THREE_PASSWORDS = {f"SARTOR_PASSWORD{suffix}": f"password-{at}" for at, suffix in enumerate(("", ".1", ".2"))}
ONE_OF_EACH = [f"user-{at}:password-{at}@connection-{at}" for at in range(3)]
RUNS: dict[str, tuple[dict[str, str], list[str]]] = {
    "the same user and password for each": (
        {**THREE_URLS, "SARTOR_USER": "user", "SARTOR_PASSWORD": "password"},
        [f"user:password@connection-{at}" for at in range(3)],
    ),
    "a user and a password for each": ({**THREE_URLS, **THREE_USERS, **THREE_PASSWORDS}, ONE_OF_EACH),
    "the last password is removed": (
        {**THREE_URLS, **THREE_USERS, **THREE_PASSWORDS, "SARTOR_PASSWORD.2": ""},
        [*ONE_OF_EACH[:2], "user-2:password-1@connection-2"],
    ),
    "the users are the longest list": (
        {"SARTOR_DB_URL": "postgresql://connection-0", **THREE_USERS, "SARTOR_PASSWORD": "password"},
        [f"user-{at}:password@connection-0" for at in range(3)],
    ),
}


@pytest.mark.parametrize("case", RUNS)
@pytest.mark.parametrize("in_files", [False, True], ids=["variables", "secret files"])
def test_as_many_runs_as_the_longest_list(place: Place, case: str, in_files: bool) -> None:
    """There are as many runs as the longest list has values; a shorter one repeats its last value."""
    given, expected = RUNS[case]
    if in_files:
        for name, text in given.items():
            if text:
                place.secret(name, f"{text}\n")
    assert _urls(place.load(environ={} if in_files else given)) == expected


def test_each_value_comes_from_a_secret_file_first(place: Place) -> None:
    """A value of a list is that of its secret file, else that of its variable; the two places make one list."""
    place.secret("SARTOR_PASSWORD", "file-0")
    place.secret("SARTOR_PASSWORD.2", "file-2")
    environ = {**THREE_URLS, **THREE_PASSWORDS, "SARTOR_USER": "user"}
    passwords = ["file-0", "password-1", "file-2"]
    assert _urls(place.load(environ=environ)) == [f"user:{p}@connection-{at}" for at, p in enumerate(passwords)]


def test_options_are_repeated_as_settings_are_numbered(place: Place) -> None:
    """Several `--db-url` and `--schema` are lists of the same kind; users and passwords go along with them."""
    flags = Flags(db_url=("postgresql://a", "postgresql://b"), schema=("one", "two", "three"))
    settings = place.load(flags, {**THREE_USERS, "SARTOR_SCHEMA": "other"})
    assert (_urls(settings), _schemas(settings)) == (["user-0@a", "user-1@b", "user-1@b"], ["one", "two", "three"])
    assert _schemas(place.load(Flags(schema=("one", "two")))) == ["one", "two"]
    assert _schemas(place.load(Flags(schema="one", db_url="postgresql://a"))) == ["one"]  # type: ignore[arg-type]


def test_a_flag_stands_for_the_whole_list(place: Place) -> None:
    """`--db-url` and `--schema` each replace every numbered value of their setting."""
    environ = {
        "SARTOR_DB_URL": "postgresql://one",
        "SARTOR_DB_URL_1": "postgresql://two",
        "SARTOR_SCHEMA": "a",
        "SARTOR_SCHEMA_1": "b",
    }
    settings = place.load(Flags(db_url=("postgresql://flag",)), environ)
    assert (_urls(settings), _schemas(settings)) == (["flag", "flag"], ["a", "b"])
    settings = place.load(Flags(schema=("c",)), environ)
    assert (_urls(settings), _schemas(settings)) == (["one", "two"], ["c", "c"])
    assert _urls(place.load(Flags(db_url=("postgresql://flag",), schema=("c",)), environ)) == ["flag"]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"SARTOR_DB_URL": URL, "SARTOR_DB_URL_1": URL, "SARTOR_DB_URL_3": URL},
            r"SARTOR_DB_URL\.2 is missing, but SARTOR_DB_URL\.3 is given",
        ),
        ({"SARTOR_DB_URL": URL, "SARTOR_DB_URL_999999999": URL}, r"SARTOR_DB_URL\.1 is missing"),
        ({"SARTOR_DB_URL_0": URL}, r"SARTOR_DB_URL\.0 isn't a setting: numbers begin at 1"),
        (
            {"SARTOR_SCHEMA.1": "a", "SARTOR_SCHEMA_1": "b"},
            r"SARTOR_SCHEMA\.1 and SARTOR_SCHEMA_1 are the same setting",
        ),
    ],
)
def test_numbers_that_do_not_add_up(place: Place, environ: dict[str, str], message: str) -> None:
    """A gap, a zero or a number given twice is an error: a database must not be left out in silence."""
    with pytest.raises(SettingsError, match=f"^{message}"):
        place.load(environ={"SARTOR_DB_URL": URL, **environ} if "SARTOR_SCHEMA_1" in environ else environ)


def test_the_search_path_is_a_list(place: Place) -> None:
    """Further schemas of the search path come from a variable, by commas, or from the file; each is a schema's name."""
    place.toml('search-path = ["extensions", "shared"]')
    assert place.load().destinations[0].search_path == ("extensions", "shared")
    environ = {"SARTOR_DB_URL": URL, "SARTOR_SEARCH_PATH": "own, extensions"}
    assert place.load(environ=environ).destinations[0].search_path == ("own", "extensions")
    with pytest.raises(SettingsError, match="SARTOR_SEARCH_PATH can't be used"):
        place.load(environ={**environ, "SARTOR_SEARCH_PATH": "own,"})


def test_prismas_schema_serves_where_no_other_is_given(place: Place) -> None:
    """`?schema=` of a URL counts, below every setting of Sartor's own."""
    environ = {"SARTOR_DB_URL": f"{URL}?schema=prisma"}
    assert _schemas(place.load(environ=environ)) == ["prisma"]
    assert _schemas(place.load(environ={**environ, "SARTOR_SCHEMA": "own"})) == ["own"]


@pytest.mark.parametrize(
    ("environ", "origin"),
    [
        ({"SARTOR_SCHEMA.1": "pg_x", "SARTOR_SCHEMA": "a"}, "SARTOR_SCHEMA.1"),
        ({"SARTOR_DB_URL": f"{URL}?schema=pg_x"}, "the schema in SARTOR_DB_URL"),
    ],
)
def test_a_schema_that_cannot_be_is_named_by_its_origin(place: Place, environ: dict[str, str], origin: str) -> None:
    """The error says which of the settings holds the schema that can't be used."""
    with pytest.raises(SettingsError, match=f"^{origin} can't be used: "):
        place.load(environ={"SARTOR_DB_URL": URL, **environ})


def test_an_empty_variable_is_none(place: Place) -> None:
    """`SARTOR_WAIT=`, as compose files leave it, is a variable that isn't there."""
    assert place.load(environ={"SARTOR_DB_URL": URL, "SARTOR_WAIT": "", "SARTOR_SCHEMA_1": ""}).limits.wait == 60


def test_unknown_variables_are_left_alone(place: Place) -> None:
    """SARTOR_ variables of other programs, or of a later Sartor, are no error."""
    assert place.load(environ={"SARTOR_DB_URL": URL, "SARTOR_COLOUR": "x"}).limits.wait == 60


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "isn't UTF-8"), (b"a\0", "contains a NUL")],
)
def test_a_useless_secret_file_is_an_error(place: Place, content: bytes, reason: str) -> None:
    """A secret file that holds nothing is named; the variable of its name isn't taken in its place."""
    place.secret("SARTOR_PASSWORD", content)
    with pytest.raises(SettingsError, match=f"SARTOR_PASSWORD {reason}"):
        place.load(environ={"SARTOR_DB_URL": URL, "SARTOR_PASSWORD": "x"})


def test_an_unreadable_secret_file_is_an_error(place: Place) -> None:
    """A secret that is there and can't be read is named, with the reason."""
    (place.secrets / "SARTOR_DB_URL").mkdir()
    with pytest.raises(SettingsError, match="SARTOR_DB_URL can't be read: Is a directory"):
        place.load()
    (place.secrets / "SARTOR_DB_URL").rmdir()
    os.mkfifo(place.secrets / "SARTOR_DB_URL")
    with pytest.raises(SettingsError, match="SARTOR_DB_URL is a pipe"):  # it doesn't wait for a writer
        place.load()


def test_a_secrets_folder_that_is_named_must_be_there(place: Place) -> None:
    """SARTOR_SECRETS_DIR with a slip in it must not mean "no secrets"."""
    with pytest.raises(SettingsError, match=r"^SARTOR_SECRETS_DIR, /nowhere, can't be read: No such file"):
        place.load(environ={"SARTOR_DB_URL": URL, "SARTOR_SECRETS_DIR": "/nowhere"})


def test_no_error_shows_a_url(place: Place) -> None:
    """A broken URL is named by where it stands: flag, secret file, variable or toml file."""
    broken = "postgresql://app:hunter2@x@db"
    place.toml(f'db-url = "{broken}"')
    place.secret("SARTOR_DB_URL.1", broken)
    cases = [
        (Flags(db_url=(broken,)), {}, "--db-url"),
        (Flags(), {"SARTOR_DB_URL": URL}, f"{place.secrets / 'SARTOR_DB_URL.1'}"),
        (Flags(), {"SARTOR_DB_URL": broken}, "SARTOR_DB_URL"),
    ]
    for flags, environ, origin in cases:
        with pytest.raises(SettingsError) as caught:
            place.load(flags, environ)
        assert str(caught.value).startswith(f"{origin} can't be used: ")
        assert "hunter2" not in f"{caught.value} {caught.value.hint} {flags!r}"


def test_the_nearest_toml_file_holds(place: Place) -> None:
    """The file of the directory or of its nearest parent counts; a pyproject.toml without the table doesn't."""
    (place.directory.parent / "pyproject.toml").write_text('[tool.sartor]\nschema = "parent"')
    place.toml('[tool.other]\nnote = "sartor"', "pyproject.toml")
    assert _schemas(place.load()) == ["parent"]
    place.toml('[tool.sartor]\nschema = "own"\nwait = 5', "pyproject.toml")
    assert _schemas(place.load()) == ["own"]
    place.toml('schema = "wins"')
    assert (_schemas(place.load()), place.load().limits.wait) == (["wins"], 60)


@pytest.mark.parametrize(
    "text",
    [
        "[tool.sartor]\nwait = 5",
        "[ tool . 'sartor' ]\nwait = 5",
        "[tool]\nother = 1\nsartor = {wait = 5}",
        "tool.sartor.wait = 5",
        "tool = {sartor = {wait = 5}}",
        '[tool]\n[tool.other]\n[tool."sartor"]\nwait = 5',
    ],
)
def test_every_spelling_of_the_table_is_found(place: Place, text: str) -> None:
    """However TOML lets the table be written, it counts."""
    place.toml(text, "pyproject.toml")
    assert place.load().limits.wait == 5


def test_a_foreign_pyproject_is_not_parsed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file that speaks of Sartor, the toml parser isn't even imported: start-up counts."""
    place.toml('[tool.poetry.dependencies]\nsartor = "1"\nthis is [no toml', "pyproject.toml")
    monkeypatch.setitem(sys.modules, "tomllib", None)
    assert place.load().limits.wait == 60


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("db_url = 'x'", "has an unknown setting 'db_url'", "did you mean db-url?"),
        ("lock-timout = 1", "has an unknown setting 'lock-timout'", "did you mean lock-timeout?"),
        ("password = 'x'", "has an unknown setting 'password'", "SARTOR_PASSWORD"),
        ("xyzzy = 1", "has an unknown setting 'xyzzy'", "the settings are alterations,"),
        ("schema = ", "isn't valid TOML: Invalid value", "fix the file"),
        ("schema = ['a']", "schema in .*toml can't be used: not a single value", "give a string"),
        ("alterations = 1", "alterations in .*toml must be a string", "or a table"),
        ("alterations = {a = 1}", "alterations in .*toml must be a string", "or a table"),
        ("alterations = []", "alterations in .*toml is empty", "leave the setting out"),
        ("db-url-env = [1]", "db-url-env in .*toml must be a string", "write db-url-env"),
        ("db-url-env = '../x'", "db-url-env in .*toml can't be used: '../x' isn't a valid name", "DATABASE_URL"),
        ("strict-order = 'perhaps'", "strict-order in .*toml: 'perhaps' is neither", "true or false"),
    ],
)
def test_a_wrong_toml_file_is_explained(place: Place, text: str, message: str, hint: str) -> None:
    """The error names the key and the file, and what to write."""
    place.toml(text)
    with pytest.raises(SettingsError, match=message) as caught:
        place.load(environ={"PGHOST": "db"})
    assert str(place.directory / "sartor.toml") in str(caught.value)
    assert hint in caught.value.hint


def test_paths_are_relative_to_where_they_are_written(place: Place) -> None:
    """A toml file's paths start at the file, a flag's or a variable's at the working directory."""
    (place.directory.parent / "sartor.toml").write_text('alterations = "./scripts"')
    assert place.sources() == {"main": str(place.directory.parent / "scripts")}
    assert place.sources("./scripts") == {"main": str(place.directory / "scripts")}
    assert place.sources(environ={"SARTOR_ALTERATIONS": "./a"}) == {"main": str(place.directory / "a")}
    assert place.sources("/opt/scripts") == {"main": "/opt/scripts"}


def test_a_package_stays_a_package(place: Place) -> None:
    """A dotted name is an import package; a folder of that name in the directory comes first."""
    assert place.sources("acme.alterations", "own") == {"main": "acme.alterations", "own": "own"}
    (place.directory / "own").mkdir()
    assert place.sources("own") == {"main": str(place.directory / "own")}


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["acme.alterations", "./own"], ["main", "own"]),
        (["product=acme.alterations", "./own"], ["product", "main"]),
        (["a", "b=./x", "acme.extra", "./dir/c/"], ["main", "b", "extra", "c"]),
    ],
)
def test_how_lineages_are_named(place: Place, texts: list[str], names: list[str]) -> None:
    """`NAME=` names it; the first without one is `main`, later ones are called by the end of their place."""
    assert list(place.sources(*texts)) == names
    assert list(place.sources(environ={"SARTOR_ALTERATIONS": os.pathsep.join(texts)})) == names
    place.toml(f"alterations = {texts}")
    assert list(place.sources()) == names


def test_a_table_names_its_lineages(place: Place) -> None:
    """In the toml file a table does it, in its order."""
    place.toml('[alterations]\nproduct = "acme.alterations"\nown = "./own"')
    assert place.sources() == {"product": "acme.alterations", "own": str(place.directory / "own")}


@pytest.mark.parametrize(
    ("texts", "message", "hint"),
    [
        (["a", "x/own", "y/own", "z/own"], "has two lineages with the name 'own'", "own=.*x/own and other_name=y/own"),
        (["main=a", "b"], "has two lineages with the name 'main'", "main=a and other_name=b"),
        (["Own=./own"], "'Own' isn't a valid name of a lineage", "lower-case letters"),
        (["a", "./Own"], "'Own' isn't a valid name of a lineage", "write name=./Own"),
        (["-x=a"], "'-x' isn't a valid name", "lower-case"),
        (["own="], "has no folder or package for the lineage 'own'", "own=FOLDER"),
    ],
)
def test_lineages_that_cannot_be_told_apart(place: Place, texts: list[str], message: str, hint: str) -> None:
    """Two of one name, or a name that the ledger can't hold, are errors that show how to name them."""
    with pytest.raises(SettingsError, match=f"^--alterations:? {message}") as caught:
        place.sources(*texts)
    assert re.search(hint, caught.value.hint)


def test_sources_need_no_database(place: Place) -> None:
    """`list` works where no database is given, or a broken one."""
    assert place.sources(environ={"SARTOR_DB_URL": "nonsense", "PGPORT": "x"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300ms", 0.3),
        ("2s", 2),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("1m", 60),
        ("2min", 120),
        ("1h", 3600),
        ("0", 0),
        ("0.25", 0.25),
        (" 5 s ", 5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """A duration says its unit; a bare number counts seconds."""
    assert parse_duration(Found(text=text, origin="--wait"), unit="s") == pytest.approx(seconds)


def test_a_bare_lock_timeout_counts_milliseconds(place: Place) -> None:
    """As Postgres's own lock_timeout does; a bare fraction may mean either, and is asked about."""
    assert place.load(Flags(lock_timeout="250")).limits.lock_timeout == 0.25
    assert place.load(Flags(lock_timeout="0.25s")).limits.lock_timeout == 0.25
    with pytest.raises(SettingsError, match=r"^--lock-timeout: '0\.3' has no unit$") as caught:
        place.load(Flags(lock_timeout="0.3"))
    assert "0.3s" in caught.value.hint


@pytest.mark.parametrize("text", ["", "-1s", "5 parsecs", "1e3", "inf", "nan", "1,5s", "s", "٣s", "0.1ms", "1000h"])
def test_a_wrong_duration_is_explained(place: Place, text: str) -> None:
    """The error names the option and shows what to write."""
    with pytest.raises(SettingsError, match=r"^--statement-timeout: ") as caught:
        place.load(Flags(statement_timeout=text))
    assert any(character.isdigit() for character in caught.value.hint)


@given(milliseconds=st.integers(0, 2_147_483_000))
def test_each_unit_says_the_same(milliseconds: int) -> None:
    """A duration is the same in milliseconds and in seconds."""
    in_ms, in_s = (Found(text=text, origin="x") for text in (f"{milliseconds}ms", f"{milliseconds / 1000:.3f}s"))
    assert parse_duration(in_ms, unit="s") == pytest.approx(parse_duration(in_s, unit="s"))


@given(text=st.text(max_size=8))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """Whatever is written, the result is a time that Postgres can wait, or an error."""
    try:
        seconds = parse_duration(Found(text=text, origin="--wait"), unit="ms")
    except SettingsError:
        return
    assert seconds == 0 or 0.001 <= seconds <= 2_147_483


def test_a_product_has_variables_of_its_own(place: Place) -> None:
    """A product's settings come from variables and secret files of its own name; Sartor's mean nothing to it."""
    acme = Product("acme-id")
    place.secret("ACME_ID_PASSWORD", "s3cret")
    environ = {
        "ACME_ID_SECRETS_DIR": str(place.secrets),
        "ACME_ID_DB_URL": "postgresql://one/a",
        "ACME_ID_DB_URL_1": "postgresql://two/b",
        "ACME_ID_VAR_REGION": "eu",
        "SARTOR_SCHEMA": "other",
        "SARTOR_WAIT": "1h",
    }
    settings = load_settings(environ=environ, directory=place.directory, product=acme)
    assert [each.database for each in settings.destinations] == ["a", "b"]
    assert (_schemas(settings), settings.limits.wait) == (["public"] * 2, Limits().wait)
    assert settings.destinations[0].secrets == ("s3cret",)
    assert settings.sources[0].variables == {"region": "eu"}
    for variables, hint in (({"ACME_ID_DB_URI": "x"}, "ACME_ID_DB_URL"), ({}, "set ACME_ID_DB_URL")):
        with pytest.raises(SettingsError) as caught:
            load_settings(environ=variables, directory=place.directory, product=acme)
        assert hint in caught.value.hint


def test_a_file_that_is_named(place: Place, tmp_path: Path) -> None:
    """A file that is named, by a variable or in the call, is read in place of the one that would be found."""
    place.toml('schema = "found"')
    named = tmp_path / "other.toml"
    named.write_text('schema = "named"\nimport-path = "lib"\n')
    by_variable = place.load(environ={"SARTOR_DB_URL": URL, "SARTOR_CONFIG": str(named)})
    by_call = load_settings(
        environ={"SARTOR_DB_URL": URL}, directory=place.directory, product=Product(config=str(named))
    )
    for settings in (by_variable, by_call):
        assert _schemas(settings) == ["named"]
        assert settings.sources[0].import_path == (str(tmp_path / "lib"),)
    for text, reason in (("", "isn't there"), ('shema = "x"', "unknown setting")):
        named.unlink(missing_ok=True)
        if text:
            named.write_text(text)
        with pytest.raises(SettingsError, match=reason):
            place.load(environ={"SARTOR_DB_URL": URL, "SARTOR_CONFIG": str(named)})


@pytest.mark.parametrize("name", ["", ".", "pipe"])
def test_a_name_that_is_no_files(place: Place, tmp_path: Path, name: str) -> None:
    """A name in a call or a flag that is empty, a folder's or a pipe's is an error: no other file is looked for."""
    place.toml('schema = "found"')
    os.mkfifo(tmp_path / "pipe")
    named = str(tmp_path / "pipe") if name == "pipe" else name
    with pytest.raises(SettingsError, match="is no settings file"):
        load_settings(environ={"SARTOR_DB_URL": URL}, directory=place.directory, product=Product(config=named))


def test_a_package_carries_settings(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file beside a package of alterations counts last, and can't say what isn't its maker's to say."""
    package = tmp_path / "lib" / f"acme_{tmp_path.name.replace('-', '_')}"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    shipped = package / "sartor.toml"
    shipped.write_text(
        'schema = "acme"\nwait = "5s"\ndb-url-env = "DB_CONNECTION_URI"\nscratch-bootstrap = "base.sql"\n'
    )
    monkeypatch.syspath_prepend(tmp_path / "lib")
    place.toml('wait = "7s"')
    environ = {"SARTOR_ALTERATIONS": package.name, "DB_CONNECTION_URI": URL}
    settings = place.load(environ=environ)
    assert (_schemas(settings), settings.limits.wait) == (["acme"], 7)
    assert settings.limits.scratch_bootstrap == str(package / "base.sql")
    assert _schemas(place.load(Flags(schema=("own",)), environ=environ)) == ["own"]
    assert _schemas(place.load(environ={"SARTOR_DB_URL": URL})) == ["public"]
    shipped.write_text('db-url = "postgresql://maker/x"')
    with pytest.raises(SettingsError, match="can't have db-url"):
        place.load(environ=environ)


PROVIDER = """
import os, pathlib, sartor

def settings():
    return dict(line.split("=", 1) for line in pathlib.Path(os.environ["VAULT"]).read_text().splitlines())

def fails():
    raise ValueError("the token s3cret has expired")

def odd():
    return {"SARTOR_USER": 7}

def exits():
    raise SystemExit("the token s3cret has expired")

def told():
    raise sartor.SettingsError("the token has expired", hint="vault login")
"""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that an installed package takes settings from."""
    module = f"vault_{tmp_path.name.replace('-', '_')}"
    site = tmp_path / "site"
    about = site / f"{module}-1.0.dist-info"
    about.mkdir(parents=True)
    (site / f"{module}.py").write_text(PROVIDER)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    points = "\n".join(f"{name} = {module}:{name}" for name in ("settings", "fails", "odd", "exits", "told"))
    (about / "entry_points.txt").write_text(f"[sartor.settings]\n{points}\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("VAULT", str(tmp_path / "vault"))
    return tmp_path / "vault"


def test_settings_from_a_package(place: Place, vault: Path) -> None:
    """A provider comes after secret files and variables, and before the file; its values are secrets."""
    vault.write_text(f"SARTOR_DB_URL={URL}\nSARTOR_PASSWORD=s3cret\nSARTOR_SCHEMA=given\nSARTOR_VAR_KEY=hidden\n")
    place.toml('settings-from = "settings"\nschema = "file"\nuser = "file"')
    settings = place.load(environ={"SARTOR_USER": "variable"})
    (destination,) = settings.destinations
    assert (destination.schema, destination.secrets[0]) == ("given", "s3cret")
    assert "hidden" in destination.withheld
    assert settings.sources[0].variables == {"key": "hidden"}
    assert _schemas(place.load(environ={"SARTOR_SCHEMA": "variable"})) == ["variable"]


def test_a_provider_is_asked_once(place: Place, vault: Path) -> None:
    """A command asks it once, however often settings are loaded; what needs no database doesn't ask it at all."""
    place.toml('settings-from = "settings"')
    place.sources()
    load_ignored(environ={}, directory=place.directory)
    vault.write_text(f"SARTOR_DB_URL={URL}\n")
    with asked_once():
        assert is_database_given(environ={}, directory=place.directory)
        vault.unlink()
        assert _urls(place.load(environ={})) == ["db/app"]
    with pytest.raises(SettingsError, match="raised FileNotFoundError"):
        place.load(environ={})


@pytest.mark.parametrize("key", ["wait", "lock-timeout", "strict-order", "existing"])
def test_no_error_quotes_a_secret(place: Place, vault: Path, key: str) -> None:
    """A value of a secret file or a provider is hidden in errors about it, too; one of a variable is quoted."""
    name = f"SARTOR_{key.upper().replace('-', '_')}"
    vault.write_text(f"{name}=s3cret!\n")
    with pytest.raises(SettingsError, match="s3cret!"):
        place.load(environ={"SARTOR_DB_URL": URL, name: "s3cret!"})
    with pytest.raises(SettingsError, match=f"{name} of settings-from settings") as provided:
        place.load(environ={"SARTOR_DB_URL": URL, "SARTOR_SETTINGS_FROM": "settings"})
    place.secret(name, "s3cret!")
    with pytest.raises(SettingsError, match=name) as kept:
        place.load(environ={"SARTOR_DB_URL": URL})
    for error in (provided.value, kept.value):
        assert "s3cret" not in f"{error} {error.hint}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("told", "told: the token has expired"),
        ("fails", "raised ValueError"),
        ("exits", "raised SystemExit"),
        ("odd", "isn't text"),
        ("vualt", "no provider 'vualt'"),
    ],
)
def test_a_provider_that_fails(place: Place, vault: Path, name: str, reason: str) -> None:
    """A provider that fails is named, and nothing of what it says is shown: that may be a secret."""
    vault.touch()
    with pytest.raises(SettingsError, match=reason) as caught:
        place.load(environ={"SARTOR_DB_URL": URL, "SARTOR_SETTINGS_FROM": name})
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"
