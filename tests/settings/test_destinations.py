"""Destinations that lists name: tables of the settings file, files of URLs, registries; and labels that choose some."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.destination import Destination
from sartor.domain.labels import choose, make_labels, parse_choice
from sartor.errors import SettingsError
from sartor.settings.flags import Flags
from sartor.settings.listed import _of_line
from sartor.settings.load import Settings, load_settings
from sartor.settings.shown import show_settings

URL = "postgresql://db/app"


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Settings]:
    def go(flags: Flags | None = None, **environ: str) -> Settings:
        return load_settings(flags or Flags(), environ=environ, directory=tmp_path)

    return go


def _shown(settings: Settings) -> list[tuple[str, str, dict[str, str]]]:
    places = settings.destinations
    return [(each.url.removeprefix("postgresql://"), each.schema, dict(each.labels)) for each in places]


def _toml(folder: Path, text: str) -> None:
    (folder / "sartor.toml").write_text(text)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Installs a function as the registry `acme`."""

    def install(function: Callable[[], Any]) -> None:
        class Point:
            name = "acme"

            def load(self) -> Callable[[], Any]:
                return function

        def entry_points(*, group: str) -> list[Point]:
            return [Point()] if group == "sartor.destinations" else []

        monkeypatch.setattr(metadata, "entry_points", entry_points)

    return install


TABLES = """
[[destination]]
db-url = "postgresql://one/app"
labels = { region = "eu", tier = 1, trial = true }
[[destination]]
db-url = "postgresql://two/app?schema=own"
user = "deployer"
[[destination]]
db-url = "postgresql://two/app"
schema = "tenant"
"""


def test_tables_of_the_file(load: Callable[..., Settings], tmp_path: Path) -> None:
    """Each `[[destination]]` is one; the settings fill in what it leaves out."""
    _toml(tmp_path, f'user = "app"\n{TABLES}')
    assert _shown(load(SARTOR_PASSWORD="pw")) == [  # noqa: S106 - a test's own
        ("app:pw@one/app", "public", {"region": "eu", "tier": "1", "trial": "true"}),
        ("deployer:pw@two/app", "own", {}),
        ("app:pw@two/app", "tenant", {}),
    ]
    assert {schema for _, schema, _ in _shown(load(Flags(schema=("other",))))} == {"other"}


def test_tables_about_the_settings_database(load: Callable[..., Settings], tmp_path: Path) -> None:
    """A table without a URL is a schema in the database that the settings name, in each of several."""
    tables = "".join(f'[[destination]]\nschema = "t{n}"\nlabels = {{ n = "{n}" }}\n' for n in (1, 2))
    _toml(tmp_path, tables)
    assert _shown(load(SARTOR_DB_URL=URL)) == [("db/app", "t1", {"n": "1"}), ("db/app", "t2", {"n": "2"})]
    several = load(Flags(db_url=("postgresql://a", "postgresql://b")))
    assert [url for url, *_ in _shown(several)] == ["a", "a", "b", "b"]
    assert _shown(load(Flags(db_url=(URL,), schema=("x",)))) == [("db/app", "x", {})]
    with pytest.raises(SettingsError, match="no database is given"):
        load()


def test_the_operators_database_comes_first(load: Callable[..., Settings], tmp_path: Path) -> None:
    """A URL in a variable takes the place of those in the file, and that is told; a flag's does it silently."""
    _toml(tmp_path, TABLES)
    settings = load(SARTOR_DB_URL=URL)
    assert _shown(settings) == [("db/app", "public", {})]
    file = tmp_path / "sartor.toml"
    assert settings.notes == (f"the databases of destination in {file} don't count, as SARTOR_DB_URL names one",)
    assert load(Flags(db_url=(URL,))).notes == ()


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ('destination = "a"', "isn't a list of tables", "[[destination]]"),
        ("[[destination]]\nlabels = { a = 'b' }", "table 1 has neither db-url nor schema", "give one"),
        ("[[destination]]\nschema = 7", "table 1: schema isn't a text", "schema ="),
        ("[[destination]]\nschema = 'pg_x'", "table 1 can't be used", "another schema"),
        ("[[destination]]\nschema = 'a'\npassword = 'geheim'", "unknown key 'password'", "SARTOR_PASSWORD"),
        ("[[destination]]\nschema = 'a'\nshcema = 'geheim'", "unknown key 'shcema'", "did you mean schema?"),
        ("[[destination]]\nschema = 'a'\nlabels = 'eu'", "labels isn't a table", "region"),
        ("[[destination]]\nschema = 'a'\nlabels = { schema = 'b' }", "schema can't be a label", "another name"),
        ("[[destination]]\nschema = 'a'\nlabels = { r = ['b'] }", "a label isn't a text", "region"),
        ("[[destination]]\ndb-url = 'postgresql://u:geheim@h:x/d'", "table 1 can't be used", "port"),
        ("db-url = 'postgresql://h'\n[[destination]]\ndb-url = 'postgresql://i'", "exclude each other", "remove"),
        ("db-url = 'postgresql://h'\nurls-from = 'urls'", "exclude each other", "remove"),
        ("db-url = 'postgresql://h'\nschemas = 'a*'\nschema = 'b'", "exclude each other", "remove"),
        ("db-url = 'postgresql://h'\nschemas = 'a*'\nschemas-from = 'b'", "exclude each other", "remove"),
        ("embedded = true\nurls-from = 'urls'", "no database is given", "--db-url"),
    ],
)
def test_tables_that_cant_be_used(
    load: Callable[..., Settings], tmp_path: Path, text: str, said: str, hint: str
) -> None:
    """The error names the file and the table, and shows no value that may be a password."""
    (tmp_path / "urls").write_text(URL if "db-url" in text else "# none")
    if "embedded" in text:
        said, hint = "names no database", "a URL a line"
    _toml(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load()
    assert said in str(caught.value)
    assert hint in caught.value.hint
    assert "geheim" not in f"{caught.value} {caught.value.hint}"


URLS = """\ufeff# servers of Europe
postgresql://app@one/app region=eu tier=1   # the first
\t
postgresql://two/app?schema=own\tregion=us\r
  postgresql://two/app
postgresql://two:5432/app region=twice
"""


def test_a_file_of_urls(load: Callable[..., Settings], tmp_path: Path) -> None:
    """A URL a line, with labels behind it and comments; what it leaves out is the settings'; each counts once."""
    (tmp_path / "urls").write_text(URLS, "utf-8")
    expected = [
        ("app@one/app", "public", {"region": "eu", "tier": "1"}),
        ("other@two/app", "own", {"region": "us"}),
        ("other@two/app", "public", {}),
    ]
    assert _shown(load(Flags(urls_from="urls"), SARTOR_USER="other", SARTOR_DB_URL=URL)) == expected
    assert _shown(load(SARTOR_URLS_FROM="urls", SARTOR_USER="other")) == expected
    _toml(tmp_path, 'urls-from = "urls"\nuser = "other"')
    assert _shown(load()) == expected
    assert len(load(Flags(urls_from="urls", schema=("a", "b"))).destinations) == 4


def test_standard_input(load: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads the URLs from standard input; one that is closed, or isn't text, is an error."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(URLS.encode())))
    assert len(load(Flags(urls_from="-")).destinations) == 3
    for stdin, said in (
        (None, "standard input is closed"),
        (io.TextIOWrapper(io.BytesIO(b"\xff")), "isn't UTF-8"),
        (io.StringIO(""), "names no database"),
    ):
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(SettingsError, match=said):
            load(Flags(urls_from="-"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("postgresql://u:geheim@h:port/d", "line 2 can't be used: invalid host or port"),
        ("postgresql://u:ge heim@h/d", "line 2 can't be used"),
        ("postgresql://u:5432 x=geheim@h/d", "what stands behind the URL isn't a label"),
        ("postgresql://u:5432 x=y://geheim", "what stands behind the URL isn't a label"),
        ("postgresql://h/d geheim", "what stands behind the URL isn't a label"),
        ("postgresql://h/d schema=geheim", "schema can't be a label"),
        ("postgresql://h/d a=b a=geheim", "the label a is given twice"),
        ("postgresql://h/d a=", "the label a is empty"),
        ("postgresql://h/d?schema=pg_x", "can't be used"),
        ("postgresql://u:geheim@h/d?sslmod=x", "line 2 can't be used"),
        ("host=h password=geheim", "it doesn't begin with a Postgres URL"),
        ("mysql://u:geheim@h/d", "it isn't a Postgres URL"),
        ("\0://geheim", "line 2 can't be used"),
    ],
)
def test_lines_that_cant_be_used(load: Callable[..., Settings], tmp_path: Path, line: str, said: str) -> None:
    """The error names the file and the line, and shows nothing of it."""
    (tmp_path / "urls").write_text(f"{URL}\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        load(Flags(urls_from="urls"))
    assert f"{tmp_path / 'urls'}, line 2" in str(caught.value)
    assert said in str(caught.value)
    assert "geheim" not in f"{caught.value} {caught.value.hint}"
    assert "heim@" not in f"{caught.value} {caught.value.hint}"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_line(line: str) -> None:
    """A line is a destination, a comment, or an error that shows nothing of it: never anything else."""
    said = ""
    try:
        _of_line(f"postgresql://u:geheim{line}", "the line")
    except SettingsError as error:
        said = f"{error} {error.hint}"
    assert "geheim" not in said


def test_a_file_that_isnt_there(load: Callable[..., Settings], tmp_path: Path) -> None:
    """The error names the option and the file."""
    with pytest.raises(SettingsError, match=r"^--urls-from: .*none can't be read: No such file"):
        load(Flags(urls_from="none"))
    with pytest.raises(SettingsError, match=r"^--db-url and --urls-from exclude each other"):
        load(Flags(urls_from="none", db_url=(URL,)))
    (tmp_path / "urls").write_text(URL)
    with pytest.raises(SettingsError, match=r"^SARTOR_DB_URL and SARTOR_URLS_FROM exclude each other"):
        load(SARTOR_URLS_FROM="urls", SARTOR_DB_URL=URL)


def test_a_registry(
    load: Callable[..., Settings], tmp_path: Path, registry: Callable[[Callable[[], Any]], None]
) -> None:
    """A function that a setting names lists URLs and mappings; without the setting it is never called."""

    def tenants() -> Any:
        yield "postgresql://one/app?schema=a"
        yield {"db_url": "postgresql://two/app", "schema": "b", "labels": {"region": "eu"}}

    registry(tenants)
    assert _shown(load(SARTOR_DB_URL=URL)) == [("db/app", "public", {})]
    expected = [("one/app", "a", {}), ("two/app", "b", {"region": "eu"})]
    assert _shown(load(SARTOR_DESTINATIONS_FROM="acme")) == expected
    _toml(tmp_path, 'destinations-from = "acme"')
    assert _shown(load()) == expected
    registry(lambda: [{"schema": "a"}, {"schema": "b", "db_url": None}])
    assert _shown(load(SARTOR_DB_URL=URL)) == [("db/app", "a", {}), ("db/app", "b", {})]


def _raises() -> Any:
    raise RuntimeError("geheim")


def _exits() -> Any:
    raise SystemExit("geheim")


def _raises_late() -> Any:
    yield URL
    raise ValueError("geheim")


def _tells() -> Any:
    raise SettingsError("the registry is closed", hint="come back")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (_raises, "acme fails: it raised RuntimeError"),
        (_exits, "acme fails: it raised SystemExit"),
        (_raises_late, "acme fails: it raised ValueError"),
        (_tells, "acme: the registry is closed"),
        (lambda: None, "acme fails: it raised TypeError"),
        (lambda: [7], "destination 1 is neither a URL nor a mapping"),
        (lambda: [URL, {"db_url": "geheim"}], "destination 2 can't be used: it isn't a Postgres URL"),
        (lambda: [{"schema": "a", "password": "geheim"}], "unknown key 'password'"),
        (lambda: [{"db_url": URL, "labels": {"a": None}}], "a label isn't a text"),
    ],
)
def test_a_registry_that_fails(
    load: Callable[..., Settings], registry: Callable[[Callable[[], Any]], None], function: Callable[[], Any], said: str
) -> None:
    """What it raises is told by its kind alone, but for a SettingsError; a destination that can't be by its number."""
    registry(function)
    with pytest.raises(SettingsError) as caught:
        load(SARTOR_DESTINATIONS_FROM="acme")
    assert said in str(caught.value)
    assert str(caught.value).startswith("destinations-from")
    assert "geheim" not in f"{caught.value} {caught.value.hint}"


def test_a_registry_that_isnt_installed(load: Callable[..., Settings]) -> None:
    """The error names it."""
    with pytest.raises(SettingsError, match=r"^destinations-from: there is no registry 'acme'"):
        load(SARTOR_DESTINATIONS_FROM="acme")


def test_what_a_server_is_asked_for(load: Callable[..., Settings], tmp_path: Path) -> None:
    """Patterns and queries aren't destinations yet: nobody deploys to the place where they are asked for."""
    settings = load(Flags(schemas=("a*", "b*"), databases=("d*",), only=("region=eu",)), SARTOR_DB_URL=URL)
    assert settings.destinations == ()
    found = settings.discovery
    assert found is not None
    assert [each.url for each in found.places] == [URL]
    assert (found.schemas, found.databases) == ((("a*", "b*"), "--schemas"), (("d*",), "--databases"))
    assert (found.only, found.query, found.longest) == ((("region", "eu"),), None, 30)
    _toml(tmp_path, 'schemas = ["tenant_*"]\ndatabases = "app_*"\nstatement-timeout = "5s"')
    found = load(SARTOR_DB_URL=URL, SARTOR_SCHEMAS_FROM="select 1").discovery
    assert found is not None
    assert (found.query, found.schemas) == (("select 1", "SARTOR_SCHEMAS_FROM"), None)
    assert found.databases is not None
    assert (found.databases.texts, found.longest) == (("app_*",), 5)
    found = load(Flags(db_url=URL, schemas="a*"), SARTOR_DB_URL=URL).discovery  # type: ignore[arg-type]
    assert found is not None
    assert found.schemas == (("a*",), "--schemas")
    found = load(SARTOR_DB_URL=URL, SARTOR_SCHEMAS="x_*, y_*").discovery
    assert found is not None
    assert found.schemas == (("x_*", "y_*"), "SARTOR_SCHEMAS")


def test_what_is_named_is_not_asked_for(load: Callable[..., Settings], tmp_path: Path) -> None:
    """A schema or a URL that is nearer than the patterns takes their place: one destination can be named."""
    _toml(tmp_path, 'schemas = "tenant_*"\ndatabases = "app_*"')
    assert _shown(load(Flags(db_url=(URL,), schema=("a",)))) == [("db/app", "a", {})]
    settings = load(SARTOR_DB_URL=URL, SARTOR_SCHEMA="a")
    assert settings.discovery is not None
    assert (settings.discovery.schemas, settings.discovery.places[0].schema) == (None, "a")
    for flags, said in (
        (Flags(schema=("a",), schemas=("b",)), "--schema and --schemas exclude each other"),
        (Flags(schemas_from="a", schemas=("b",)), "--schemas and --schemas-from exclude each other"),
        (Flags(schemas=("",)), "--schemas: a pattern is empty"),
    ):
        with pytest.raises(SettingsError, match=f"^{said}$"):
            load(flags, SARTOR_DB_URL=URL)


def test_only_some(load: Callable[..., Settings], tmp_path: Path) -> None:
    """Values of one key are alternatives, keys add up; the place has labels of its own."""
    (tmp_path / "urls").write_text(
        "postgresql://one/app region=eu tier=1\npostgresql://two/app region=us\npostgresql://three:1/other region=ap\n"
    )

    def chosen(*only: str) -> list[str]:
        return [each.server for each in load(Flags(urls_from="urls", only=only)).destinations]

    assert chosen("region=eu") == ["one:5432"]
    assert chosen("region=eu", "region=us") == ["one:5432", "two:5432"]
    assert chosen("region=eu", "region=us", "tier=1") == ["one:5432"]
    assert chosen("database=other") == chosen("server=three:1") == ["three:1"]
    assert chosen("schema=public") == ["one:5432", "two:5432", "three:1"]
    with pytest.raises(SettingsError) as caught:
        chosen("region=africa", "tier=1")
    assert str(caught.value) == "none of 3 destinations has region=africa and tier=1"
    assert caught.value.hint.startswith("the labels are region=ap, region=eu, region=us, tier=1, database=app,")
    with pytest.raises(SettingsError, match=r"^--only: 'region' isn't a label$"):
        chosen("region")


def test_the_labels_of_ten_thousand() -> None:
    """An error lists some of the labels, and not ten thousand schemas."""
    base = Destination.parse(URL)
    with pytest.raises(SettingsError) as caught:
        choose([base._replace(schema=f"t{number}") for number in range(10_000)], [("schema", "x")])
    assert caught.value.hint.endswith("schema=t10015 ...") or caught.value.hint.endswith(" ...")
    assert len(caught.value.hint) < 1000


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_labels_are_what_can_be_asked_for(labels: Mapping[str, str]) -> None:
    """Whatever can be a label can be chosen by it."""
    try:
        made = make_labels(labels.items(), origin="x")
    except SettingsError:
        return
    place = Destination.parse(URL)._replace(labels=made)
    for key, value in made:
        assert choose([place], [parse_choice(f"{key}={value}", origin="x")]) == (place,)


def test_shown(tmp_path: Path) -> None:
    """`config show` has the lists with their places, all of their destinations, and what a server will be asked."""
    (tmp_path / "urls").write_text("postgresql://u:geheim@one/app\npostgresql://two/app\n")
    shown = show_settings(Flags(urls_from="urls"), environ={}, directory=tmp_path)
    assert shown.problems == ()
    assert shown.destinations == ("u@one:5432/app, schema public", "two:5432/app, schema public")
    assert ("urls-from", "urls", "--urls-from") in shown.settings
    _toml(tmp_path, f'schemas = "tenant_*"\n{TABLES}')
    shown = show_settings(environ={}, directory=tmp_path)
    assert ("destination", "3", f"destination in {tmp_path / 'sartor.toml'}") in shown.settings
    assert shown.destinations[0] == "one:5432/app: schemas 'tenant_*'"
    (tmp_path / "urls").write_text("postgresql://u:geheim@one:port/app\n")
    shown = show_settings(Flags(urls_from="urls"), environ={}, directory=tmp_path)
    assert "line 1" in str(shown.problems[0])
    assert "geheim" not in str(shown)
