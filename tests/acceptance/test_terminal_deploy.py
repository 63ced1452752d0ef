"""`deploy` on a terminal: which release it asks for, how it is left, what it shows."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.terminal import DOWN, ENTER, ESCAPE, INTERRUPT, Terminal

QUESTION = "Choose the release to deploy"


@pytest.fixture(autouse=True)
def _history(folder: Folder) -> None:
    folder.table("1.0.0-1700000000-a.py")
    folder.table("1.0.0-1700200000-b.py")
    folder.table("2.0.0_beta.1-1710000000-c.py")
    folder.table("2.0.0-1720000000-d.py")
    folder.table("next-1730000000-e.py")


def test_releases_are_offered_newest_first(sartor: Command, folder: Folder, database: Database) -> None:
    """Each release has its dates and its number of alterations, the unreleased last; above them stands where.

    A release of the manifest's list is offered without alterations too, where something below it is pending.
    """
    listed = '"0.9", "1.0.0", "1.5.0", "2.0.0-beta.1", "2.0.0"'
    folder.write("manifest.toml", f"format = 1\nreleases = [{listed}]\n[alterations]\n")
    with Terminal(sartor, "deploy") as terminal:
        terminal.until("next ")
        terminal.until("1 alteration")
        offered = terminal.lines[2:]
    assert database.name in terminal.lines[0]
    assert [" ".join(line.removeprefix(" »").split()) for line in offered] == [
        "2.0.0 2024-07-03, 1 alteration",
        "2.0.0-beta.1 2024-03-09, 1 alteration",
        "1.5.0 no alterations of its own",
        "1.0.0 2023-11-14 to 2023-11-17, 2 alterations",
        "next 2024-10-27, 1 alteration",
    ]


def test_the_chosen_release_is_deployed(sartor: Command, database: Database) -> None:
    """Arrow keys and Enter choose; all up to the chosen release is deployed, and nothing above it."""
    with Terminal(sartor, "deploy") as terminal:
        terminal.until(QUESTION)
        terminal.press(DOWN, ENTER)
        assert terminal.end() == 0
    assert database.tables() == {"a", "b", "c"}
    assert terminal.lines[-1].startswith("Deployed 3 alterations in ")


def test_only_what_is_pending_is_offered(sartor: Command, database: Database) -> None:
    """A release that is deployed whole isn't offered again; `next` alone may be left."""
    sartor("deploy", "latest")
    with Terminal(sartor, "deploy") as terminal:
        terminal.until("next")
        terminal.press(ENTER)
        assert terminal.end() == 0
    assert "2.0.0  " not in terminal.output
    assert database.tables() == {"a", "b", "c", "d", "e"}


@pytest.mark.parametrize("key", [INTERRUPT, ESCAPE])
def test_leaving_does_nothing(sartor: Command, database: Database, key: str) -> None:
    """Ctrl-C and Esc leave with 130, a word, and nothing done."""
    with Terminal(sartor, "deploy") as terminal:
        terminal.until(QUESTION)
        terminal.press(DOWN, key)
        assert terminal.end() == 130
    assert terminal.lines[-1] == "error: no answer was given; nothing was done"
    assert database.rows("select 1 from pg_class where relname like 'sartor%'") == []


def test_nothing_pending_asks_nothing(sartor: Command) -> None:
    """Where nothing is pending there is nothing to choose."""
    sartor("deploy", "next")
    with Terminal(sartor, "deploy") as terminal:
        assert terminal.end() == 0
    assert terminal.lines == ["Found 0 alteration to deploy"]


def test_ci_is_no_terminal(sartor: Command, database: Database) -> None:
    """With CI set nothing prompts, terminal or not: the command to write is given."""
    with Terminal(sartor, "deploy", env={"CI": "true"}) as terminal:
        assert terminal.end() == 2
    assert terminal.lines[-1] == "  hint: `sartor db alteration deploy 1.2.0`, or `latest`"
    assert database.tables() == set()


@pytest.mark.parametrize("alias", ["alteration", "alt", "alter"])
def test_without_a_terminal_nothing_prompts(sartor: Command, alias: str) -> None:
    """In a pipeline a target must be given; the hint is the command as it was written, with one."""
    done = sartor.run("db", alias, "deploy", "--schema", "shop", expect=2)
    assert "error: no target is given, and there is no terminal to ask on" in done.err
    assert f"hint: `sartor db {alias} deploy 1.2.0 --schema shop`, or `latest`" in done.err
    done = sartor.run("db", alias, "rollback", expect=2)
    assert f"hint: `sartor db {alias} rollback 1.0.0`, or --steps 1" in done.err


def test_json_is_no_terminal(sartor: Command) -> None:
    """Whoever wants JSON is a program: it isn't asked."""
    with Terminal(sartor, "deploy", "--json") as terminal:
        assert terminal.end() == 2
    assert '"message": "no target is given, and there is no terminal to ask on"' in terminal.output


def test_a_failure_names_the_chosen_target(sartor: Command, folder: Folder) -> None:
    """The command that goes on after a failure has the target that was chosen at the prompt."""
    folder.add("1.0.0-1700300000-f.py", up="select 1 / 0")
    with Terminal(sartor, "deploy") as terminal:
        terminal.until(QUESTION)
        terminal.press(DOWN, DOWN, ENTER)
        assert terminal.end() == 1
    assert "resume with: sartor db alteration deploy 1.0.0" in terminal.lines[-1]
