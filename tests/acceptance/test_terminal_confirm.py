"""What destroys data asks a terminal first, and says what will be lost; elsewhere it is told to go on, or refuses."""

from __future__ import annotations

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.terminal import ENTER, ESCAPE, INTERRUPT, Terminal


@pytest.fixture(autouse=True)
def _deployed(folder: Folder, sartor: Command, database: Database) -> None:
    folder.table("1.0.0-1700000000-users.py")
    folder.add(
        "1.1.0-1710000000-bills.py",
        up="create table bills (id int); alter table users add column email text",
        down="drop table bills; alter table users drop column email",
    )
    sartor("deploy", "latest")
    database.run("insert into bills select generate_series(1, 1234)", "insert into users values (1)", "analyze")


def test_a_rollback_tells_what_will_be_lost(sartor: Command, database: Database) -> None:
    """The question shows the alterations, newest first, and the tables and columns with about their rows."""
    with Terminal(sartor, "rollback", "0") as terminal:
        terminal.until("(y/N)")
        shown = terminal.lines
        terminal.press("y", ENTER)
        assert terminal.end() == 0
    assert shown[0] == "This rolls back, newest first:"
    assert shown[1].startswith("  1.1.0-1710000000-bills.py  deployed ")
    assert shown[2].startswith("  1.0.0-1700000000-users.py  deployed ")
    assert shown[3:7] == [
        "and drops, with the data:",
        "  table bills  (about 1,234 rows)",
        "  column users.email  (about 1 row)",
        "  table users  (about 1 row)",
    ]
    assert shown[7].startswith("? Roll back 2 alterations in ")
    assert database.name in shown[7]
    assert database.tables() == set()


@pytest.mark.parametrize(("key", "code"), [(ENTER, 2), (ESCAPE, 130)])
def test_anything_but_yes_leaves_all_as_it_is(sartor: Command, database: Database, key: str, code: int) -> None:
    """No is the default; no and Esc do nothing."""
    with Terminal(sartor, "rollback", "0") as terminal:
        terminal.until("(y/N)")
        terminal.press(key)
        assert terminal.end() == code
    assert "nothing was done" in terminal.lines[-1]
    assert database.tables() == {"users", "bills"}


def test_a_key_alone_confirms_nothing(sartor: Command, database: Database) -> None:
    """A `y` that was typed ahead for something else is no answer: it takes Enter, and may be taken back."""
    with Terminal(sartor, "rollback", "0") as terminal:
        terminal.until("(y/N)")
        terminal.press("y", "n", ENTER)
        assert terminal.end() == 2
    assert database.tables() == {"users", "bills"}


def test_a_rollback_without_a_target_asks_for_one(sartor: Command, database: Database) -> None:
    """The releases below what is deployed are offered, each with what it undoes, and then the confirmation."""
    with Terminal(sartor, "rollback") as terminal:
        terminal.until("undoes 2 alterations")
        shown = [" ".join(line.split()) for line in terminal.lines]
        terminal.press(ENTER)
        terminal.until("(y/N)")
        terminal.press("y", ENTER)
        assert terminal.end() == 0
    assert database.name in shown[0]
    assert shown[2:] == ["» 1.0.0 undoes 1 alteration", "0 undoes 2 alterations"]
    assert database.tables() == {"users"}


def test_yes_asks_nothing(sartor: Command, database: Database) -> None:
    """`--yes` is the answer."""
    with Terminal(sartor, "rollback", "--steps", "1", "--yes") as terminal:
        assert terminal.end() == 0
    assert "(y/N)" not in terminal.output
    assert database.tables() == {"users"}


def test_nothing_to_roll_back_asks_nothing(sartor: Command) -> None:
    """Where nothing would be undone there is nothing to confirm."""
    with Terminal(sartor, "rollback", "1.1.0") as terminal:
        assert terminal.end() == 0
    assert terminal.lines[-1] == "Found 0 alteration to roll back"


def test_fresh_has_the_databases_name_typed(sartor: Command, database: Database) -> None:
    """The right name, typed in full, is what starts `fresh`."""
    with Terminal(sartor, "fresh", "1.0.0") as terminal:
        terminal.until("To continue, type the name of the database")
        terminal.press(database.name, ENTER)
        assert terminal.end() == 0
    assert database.tables() == {"users"}
    assert database.value("select count(*) from users") == 0


@pytest.mark.parametrize(("keys", "code"), [(("shop", ENTER), 2), ((INTERRUPT,), 130)])
def test_fresh_does_nothing_without_the_name(
    sartor: Command, database: Database, keys: tuple[str, ...], code: int
) -> None:
    """Another name and Ctrl-C leave everything as it is."""
    with Terminal(sartor, "fresh") as terminal:
        terminal.until("To continue, type the name of the database")
        terminal.press(*keys)
        assert terminal.end() == code
    assert "nothing was done" in terminal.lines[-1]
    assert database.value("select count(*) from bills") == 1234


def test_fresh_needs_yes_without_a_terminal(sartor: Command, database: Database) -> None:
    """In a pipeline `--yes` is the confirmation, and nothing is done without it."""
    done = sartor("fresh", expect=2)
    assert "confirm with --yes" in done.err
    assert database.value("select count(*) from bills") == 1234
    sartor("fresh", "--yes")
    assert database.value("select count(*) from bills") == 0


@pytest.mark.parametrize("word", ["production", "Production"])
def test_nothing_destructive_runs_in_production(sartor: Command, database: Database, folder: Folder, word: str) -> None:
    """`fresh` and `seed` refuse where the environment is production, `--yes` or not, variable or settings file."""
    toml = folder.path.parent / "sartor.toml"
    toml.write_text(f'environment = "{word}"\n' if word == "Production" else "")
    env = {"SARTOR_ENVIRONMENT": word} if word == "production" else {}
    for arguments in (["alteration", "fresh", "--yes"], ["seed"], ["seed", "--reset", "--yes"]):
        done = sartor.run("db", *arguments, env=env, expect=2)
        assert "destroys data, so it is refused in the environment production" in done.err
        assert "SARTOR_ENVIRONMENT" in done.err
    assert database.value("select count(*) from bills") == 1234
