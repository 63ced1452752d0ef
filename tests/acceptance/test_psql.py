"""`db psql`: psql on the destination, with its schema, its exit code and its own Ctrl-C."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sartor.archive import tools
from sartor.archive.psql import find_program
from sartor.errors import PsqlUnavailable
from support.command import Command, finish
from support.database import Database
from support.folder import Folder
from support.pooler import find_pgbouncer, pooler
from support.shapes import check
from support.terminal import INTERRUPT, Terminal

PATH = ("--", "-XAtc", "show search_path")


def test_names_are_found_as_a_script_finds_them(sartor: Command, folder: Folder) -> None:
    """The product's schema comes first, whatever it is called, then those of the settings; --json says the same."""
    (sartor.directory / "sartor.toml").write_text("search-path = ['ext, \\\\ra']\n")
    assert sartor.run("db", "psql", *PATH).out == '"public", "ext, \\\\ra"\n'
    odd = ("--schema", 'it\'s a "b\\c"')
    assert sartor.run("db", "psql", *odd, *PATH).out == '"it\'s a ""b\\c""", "ext, \\\\ra", "public"\n'
    shown = check(sartor.run("db", "psql", *odd, "--json", "--", "-l", "--json"), "psql")
    assert shown["search_path"] == ['it\'s a "b\\c"', "ext, \\\\ra", "public"]
    assert shown["arguments"] == ["-l", "--json"]
    folder.table("1.0.0-1-a.py")
    sartor("deploy", "latest", "--schema", "app")
    assert sartor.run("db", "psql", "--schema", "app", "--", "-XAtc", "table a", "-c", "select 2").out == "2\n"


def test_its_exit_code_is_passed_on(sartor: Command) -> None:
    """That of a script that failed, and of a psql that a signal ended."""
    failed = sartor.run("db", "psql", "--", "-Xv", "ON_ERROR_STOP=1", "-c", "select 1/0", expect=1)
    assert "division by zero" in failed.err
    process = sartor.launch("db", "psql", "--", "-XAt", "-c", "select 7", "-c", "select pg_sleep(60)")
    assert process.stdout
    assert process.stdout.readline() == "7\n"
    assert finish(process, signal.SIGTERM).code == 128 + signal.SIGTERM


def test_a_terminal(sartor: Command) -> None:
    """Ctrl-C cancels the statement and leaves psql open; a production database is named first."""
    with Terminal(sartor, "--", "-X", words=("db", "psql"), env={"SARTOR_ENVIRONMENT": "production"}) as terminal:
        terminal.until("note: the environment is production")
        terminal.until("=# ")
        terminal.press("select 'beg' || 'un', pg_sleep(60);\r")
        terminal.until("pg_sleep(60);")
        terminal.press(INTERRUPT)
        terminal.until("canceling statement due to user request")
        terminal.press("select 40 + 2;\r")
        terminal.until("42")
        terminal.press("\\q\r")
        assert terminal.end() == 0


def test_one_database(sartor: Command) -> None:
    """Of several destinations one has to be named, and the command for it is shown."""
    several = {"SARTOR_SCHEMA": "a", "SARTOR_SCHEMA_1": "b"}
    refused = sartor.run("db", "psql", env=several, expect=2)
    assert "psql needs one database, but there are 2" in refused.err
    assert "--schema a" in refused.err


@pytest.mark.skipif(find_pgbouncer() is None, reason="needs pgbouncer")
def test_behind_a_pooler(sartor: Command, database: Database) -> None:
    """The session's settings are left alone, as it is lent to others; a note says how to set the schema."""
    with pooler(database.url) as url:
        done = sartor.run("db", "psql", "--db-url", url, "--schema", "app", *PATH)
    assert done.out == '"$user", public\n'
    assert 'in a transaction: set local search_path = "app";' in done.err


def test_none_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no psql, or none with TLS for an encrypted connection, the way out is told."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "PLACES", ())
    assert find_program(encrypted=False).parent.name == "bin"  # the embedded server's
    with pytest.raises(PsqlUnavailable, match="has no TLS"):
        find_program(encrypted=True)
    monkeypatch.setattr("sartor.embedded.server.PACKAGE", "nowhere")
    with pytest.raises(PsqlUnavailable, match="no psql") as raised:
        find_program(encrypted=False)
    assert "postgresql-client" in raised.value.hint
