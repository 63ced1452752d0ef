"""Where the environment is production, what destroys data or deploys what isn't released has to be confirmed."""

from __future__ import annotations

import shlex

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.terminal import DOWN, ENTER, Terminal

PRODUCTION = {"SARTOR_ENVIRONMENT": "production"}


@pytest.fixture(autouse=True)
def _deployed(folder: Folder, sartor: Command) -> None:
    folder.table("1.0.0-1700000000-users.py")
    folder.table("1.1.0-1710000000-bills.py")
    folder.table("next-1720000000-drafts.py")
    sartor("deploy", "latest")


@pytest.mark.parametrize("environment", ["production", "Production", "prod"])
@pytest.mark.parametrize(
    "words",
    [
        ["rollback", "1.0.0"],
        ["rollback", "--steps", "1"],
        ["rollback", "--to-timestamp", "1700000000", "--json"],
        ["deploy", "next"],
        ["deploy", "--steps", "1", "next"],
    ],
)
def test_a_pipeline_has_to_say_yes(sartor: Command, database: Database, words: list[str], environment: str) -> None:
    """Without a terminal and without `--yes` nothing is done, and the command that does it is told."""
    env = {"SARTOR_ENVIRONMENT": environment}
    before = database.tables()
    done = sartor(*words, env=env, expect=2)
    assert f"the environment is {environment}" in done.err
    assert database.tables() == before
    (hint,) = [line.partition("to confirm: ")[2] for line in done.err.splitlines() if "to confirm: " in line]
    sartor(*shlex.split(hint)[3:], env=env)
    assert database.tables() != before


def test_what_needs_no_yes(sartor: Command, database: Database) -> None:
    """Releases go up, and checks look, as elsewhere; elsewhere a pipeline's rollback needs no `--yes`."""
    sartor("deploy", "latest", env=PRODUCTION)
    sartor("rollback", "1.0.0", "--check", env=PRODUCTION, expect=3)
    sartor("check", "next", env=PRODUCTION, expect=3)
    sartor("rollback", "1.0.0", env={"SARTOR_ENVIRONMENT": "staging"})
    assert database.tables() == {"users"}
    sartor("deploy", "latest", env=PRODUCTION)
    assert database.tables() == {"users", "bills"}


@pytest.mark.parametrize("words", [["rollback", "1.0.0"], ["deploy", "next"]])
def test_a_question_names_the_environment(sartor: Command, database: Database, words: list[str]) -> None:
    """On a terminal the question says that this is production; Enter alone does nothing."""
    before = database.tables()
    with Terminal(sartor, *words, env=PRODUCTION) as terminal:
        terminal.until("environment production?")
        terminal.until("(y/N)")
        terminal.press(ENTER)
        assert terminal.end() == 2
    assert database.tables() == before


def test_next_is_never_preselected(sartor: Command, database: Database) -> None:
    """Where `next` alone is pending, Enter chooses nothing; it has to be gone to."""
    with Terminal(sartor, "deploy", env=PRODUCTION) as terminal:
        terminal.until("environment production")
        terminal.until("next ")
        terminal.press(ENTER)
        assert terminal.end() == 2
    assert database.tables() == {"users", "bills"}
    with Terminal(sartor, "deploy", env=PRODUCTION) as terminal:
        terminal.until("next ")
        terminal.press(DOWN, ENTER)
        assert terminal.end() == 0
    assert database.tables() == {"users", "bills", "drafts"}
