"""Settings shown: each with its place, all that is wrong at once, and nothing of a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartor.settings.flags import Flags
from sartor.settings.product import Product
from sartor.settings.shown import ShownSettings, show_settings

URL = "postgresql://app@db/x"


def _show(place: Path, flags: Flags | None = None, **environ: str) -> ShownSettings:
    return show_settings(flags or Flags(), environ=environ, directory=place)


def _rows(shown: ShownSettings) -> dict[str, tuple[str | None, str | None]]:
    return {each.key: (each.value, each.origin) for each in shown.settings}


def test_all_that_is_wrong_at_once(tmp_path: Path) -> None:
    """Names and values that can't be used are told together, and what can be is shown beside them."""
    file = tmp_path / "sartor.toml"
    file.write_text(
        'lokc-timeout = "1s"\nshema = "a"\nwait = "soon"\nfingerprint = "perhaps"\nmax-hazard = "bad"\nuser = "app"'
    )
    shown = _show(tmp_path, SARTOR_DB_URL=URL, SARTOR_LOCK_TIMEOT="1s", SARTOR_SCHEMA="pg_x", SARTOR_ODD="1")
    told = "\n".join(f"{error}; {error.hint}" for error in shown.problems)
    for words in (
        "unknown setting 'lokc-timeout'; did you mean lock-timeout?",
        "unknown setting 'shema'; did you mean schema?",
        "'soon' isn't a duration",
        "'perhaps' is neither true nor false",
        "invalid value 'bad' for max-hazard",
        "SARTOR_LOCK_TIMEOT isn't a setting of Sartor; did you mean SARTOR_LOCK_TIMEOUT?",
        "SARTOR_SCHEMA can't be used",
    ):
        assert told.count(words) == 1, told
    assert len(shown.problems) == 7
    assert [note for note in shown.notes if "SARTOR_ODD" in note]
    rows = _rows(shown)
    assert rows["wait"] == ("soon", f"wait in {file}")
    assert rows["user"] == ("app", f"user in {file}")
    assert rows["config"] == (str(file), "found")


@pytest.mark.parametrize("text", ["schema = ", "schema = 7\nalterations = [1]"])
def test_a_file_that_cant_be_used(tmp_path: Path, text: str) -> None:
    """Without the file, what other places give is still shown."""
    (tmp_path / "sartor.toml").write_text(text)
    shown = _show(tmp_path, SARTOR_DB_URL=URL)
    assert shown.problems
    assert _rows(shown)["db-url"] == (URL, "SARTOR_DB_URL")


def test_a_provider_that_isnt_there(tmp_path: Path) -> None:
    """A vault that can't be asked is one of the problems."""
    shown = _show(tmp_path, SARTOR_DB_URL=URL, SARTOR_SETTINGS_FROM="vualt", SARTOR_SECRETS_DIR=str(tmp_path / "no"))
    assert str(shown.problems[0]).startswith("SARTOR_SECRETS_DIR")
    assert any("there is no provider 'vualt'" in str(error) for error in shown.problems)
    assert _rows(shown)["db-url"] == (URL, "SARTOR_DB_URL")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:geheim@db/x",
        "postgresql://app@db/x?password=geheim",
        "postgresql://app@db/x?sslpassword=geheim&sslkey=k",
        "host=db password = 'geheim' dbname=x",
        "postgresql://app:a/geheim@db/x",
        "postgresql://app:geheim?db",
        "app:geheim@db/x",
        "jdbc:postgresql://db/x?user=app&password=geheim",
        "postgresql://app:ge%68eim@db/x",
        "pass geheim",
    ],
)
def test_no_password_is_shown(tmp_path: Path, url: str) -> None:
    """A URL is shown without its passwords; one that can't be parsed isn't shown at all."""
    shown = _show(tmp_path, SARTOR_DB_URL=url)
    said = f"{shown.settings} {shown.destinations} {[(str(e), e.hint) for e in shown.problems]}"
    assert "geheim" not in said
    assert "ge%68eim" not in said
    assert any(each.key == "db-url" and each.origin == "SARTOR_DB_URL" for each in shown.settings)


def test_the_embedded_server_is_no_error(tmp_path: Path) -> None:
    """Where the embedded server stands in, no database need be given; where none does, that is told."""
    assert [str(error) for error in _show(tmp_path).problems] == ["no database is given"]
    shown = show_settings(embedded=True, environ={}, directory=tmp_path)
    assert (shown.destinations, shown.problems) == (("the embedded server",), ())
    (tmp_path / "sartor.toml").write_text("embedded = true")
    assert _show(tmp_path).destinations == ("the embedded server",)
    assert _show(tmp_path, SARTOR_DB_URL=URL).destinations == ("app@db:5432/x, schema public",)


def test_every_place(tmp_path: Path) -> None:
    """Flags come first; numbered values have their own names; a file that is named is said to be."""
    file = tmp_path / "x.toml"
    file.write_text("require-tls = true")
    environ = {"ACME_CONFIG": str(file), "ACME_DB_URL": URL, "ACME_DB_URL.1": f"{URL}2", "ACME_WAIT": "2s"}
    shown = show_settings(Flags(wait="3s"), environ=environ, directory=tmp_path, product=Product("acme"))
    rows = _rows(shown)
    assert rows["wait"] == ("3s", "--wait")
    assert rows["require-tls"] == ("true", f"require-tls in {file}")
    assert rows["config"] == (str(file), "ACME_CONFIG")
    assert [each.origin for each in shown.settings if each.key == "db-url"] == ["ACME_DB_URL", "ACME_DB_URL.1"]
    assert len(shown.destinations) == 2
    assert shown.problems == ()


def test_a_named_file_that_cant_be_used(tmp_path: Path) -> None:
    """It is still the file that is said to be named, and none that happens to be there."""
    (tmp_path / "sartor.toml").touch()
    shown = _show(tmp_path, SARTOR_DB_URL=URL, SARTOR_CONFIG="gone.toml")
    assert _rows(shown)["config"] == (str(tmp_path / "gone.toml"), "SARTOR_CONFIG")
    assert [str(error) for error in shown.problems] == [f"{tmp_path / 'gone.toml'} isn't there, or has no settings"]
