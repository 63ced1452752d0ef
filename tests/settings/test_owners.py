"""Whose files settings come from, and names that are nearly settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sartor.errors import SettingsError
from sartor.settings.flags import Flags
from sartor.settings.load import Settings, load_settings, load_sources
from sartor.settings.product import SARTOR
from support.command import Command

URL = "postgresql://db/app"
STRANGER = 65534
TOML = f'db-url = "{URL}"\n'


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A working directory in a project's folder."""
    folder = tmp_path / "project" / "work"
    folder.mkdir(parents=True)
    return folder


def load(work: Path, **environ: str) -> Settings:
    """The settings of a command in that directory."""
    given = {"SARTOR_DB_URL": URL, **environ}
    return load_settings(Flags(), environ={name: text for name, text in given.items() if text}, directory=work)


def planted(work: Path, what: str) -> Path:
    """A file, or a folder, that a stranger has left; its path."""
    path = {
        "above": work.parent / "sartor.toml",
        "here": work / "sartor.toml",
        "a project": work / "pyproject.toml",
        "a link": work / "sartor.toml",
        "a link's target": work / "sartor.toml",
        "alterations": work / "alterations",
    }[what]
    aim = work / "aim.toml"
    match what:
        case "alterations":
            path.mkdir()
        case "a link" | "a link's target":
            aim.write_text(TOML)
            path.symlink_to(aim)
        case "a project":
            path.write_text(f"[tool.sartor]\n{TOML}")
        case _:
            path.write_text(TOML)
    os.chown(aim if what == "a link's target" else path, STRANGER, STRANGER, follow_symlinks=False)
    return path


PLANTED = ["above", "here", "a project", "a link", "a link's target", "alterations"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's files")
@pytest.mark.parametrize("what", PLANTED)
def test_what_strangers_left(work: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A settings file or a folder of alterations of another user's is refused by name, unless it is trusted."""
    monkeypatch.delenv("SUDO_UID", raising=False)
    path = planted(work, what)
    for folder in ("", "/nowhere", f"{path.parent}-beside"):
        with pytest.raises(SettingsError, match="belongs to") as caught:
            load(work, **{SARTOR.safe_directory: folder})
        assert str(caught.value).startswith(f"{path} belongs to user nobody, but Sartor runs as user root")
        assert caught.value.hint == f"if you trust the owner: export {SARTOR.safe_directory}={path.parent}"
        with pytest.raises(SettingsError, match="belongs to"):
            load_sources(Flags(), environ={SARTOR.safe_directory: folder}, directory=work)
    for folder in ("*", str(path.parent), f"/nowhere:{path.parent.parent}"):
        load(work, **{SARTOR.safe_directory: folder})
    monkeypatch.setenv("SUDO_UID", str(STRANGER))
    load(work)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's files")
def test_the_password_stays_here(sartor: Command, tmp_path: Path) -> None:
    """A stranger's file names no host that the environment's password would go to: nothing connects, exit 2."""
    (tmp_path / "alterations").mkdir()
    (tmp_path / "sartor.toml").write_text('db-url = "postgresql://app@127.0.0.1:1/app"\n')
    os.chown(tmp_path / "sartor.toml", STRANGER, STRANGER)
    refused = sartor("status", env={"SARTOR_DB_URL": "", "PGPASSWORD": "x" * 9, "SUDO_UID": ""}, expect=2)
    assert f"hint: if you trust the owner: export {SARTOR.safe_directory}={tmp_path}" in refused.err


@pytest.mark.parametrize("name", ["sartor.toml", "pyproject.toml"])
def test_a_file_that_everybody_may_write(work: Path, name: str) -> None:
    """A settings file that everybody may write to is anybody's; what a group may write to is its own matter."""
    file = work / name
    file.write_text(f"[tool.sartor]\n{TOML}" if name == "pyproject.toml" else TOML)
    file.chmod(0o664)
    load(work)
    file.chmod(0o666)
    with pytest.raises(SettingsError, match=r"can be written by every user \(mode 0666\)"):
        load(work)
    load(work, **{SARTOR.safe_directory: str(work)})


NEAR = {
    "SARTOR_DBURL": "SARTOR_DB_URL",
    "SARTOR_LOCK_TIMOUT": "SARTOR_LOCK_TIMEOUT",
    "SARTOR_STATEMENT_TIMEOUTS": "SARTOR_STATEMENT_TIMEOUT",
    "SARTOR_PASSWROD": "SARTOR_PASSWORD",
    "SARTOR_ENVIROMENT": "SARTOR_ENVIRONMENT",
    "SARTOR_SAFE_DIRECTORIES": "SARTOR_SAFE_DIRECTORY",
    "SARTOR_schema": "SARTOR_SCHEMA",
}


@pytest.mark.parametrize("place", ["a variable", "a secret file"])
@pytest.mark.parametrize("name", NEAR)
def test_names_that_are_nearly_settings(work: Path, tmp_path: Path, name: str, place: str) -> None:
    """A misspelt setting isn't passed over: it is named, with the one that is meant."""
    environ = {name: "x"}
    if place == "a secret file":
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / name).write_text("x")
        environ = {"SARTOR_SECRETS_DIR": str(tmp_path / "secrets")}
    with pytest.raises(SettingsError, match=f"{name} isn't a setting") as caught:
        load(work, **environ)
    assert caught.value.hint == f"did you mean {NEAR[name]}?"


@pytest.mark.parametrize("name", ["SARTOR_FAVOURITE_COLOUR", "SARTOR_X", "SARTOR_LOCK_TIMEOUT_1"])
def test_other_unknown_names_are_told(work: Path, name: str) -> None:
    """Any other unknown name is mentioned, and counts for nothing; its value isn't shown."""
    try:
        (note,) = load(work, **{name: "hunter2"}).notes
    except SettingsError as error:
        note = str(error)
    assert note.startswith(f"{name} isn't a setting of Sartor")
    assert "hunter2" not in note


@pytest.mark.parametrize(
    "name",
    [
        "SARTOR_SERVICE_HOST",
        "SARTOR_DB_SERVICE_PORT_HTTP",
        "SARTOR_PORT_5432_TCP_ADDR",
        "SARTOR_DB_URL.1",
        "SARTOR_SCHEMA_1",
        SARTOR.safe_directory,
        "sartor_lock_timeot",
        "MY_SARTOR_LOCK_TIMEOT",
    ],
)
def test_names_that_are_right_or_of_others(work: Path, name: str) -> None:
    """Settings, numbered ones, what Kubernetes puts beside a service called sartor, and names of others go through."""
    assert load(work, **{"SARTOR_SCHEMA": "a", name: "postgresql://db/app" if "URL" in name else "x"}).notes == ()
