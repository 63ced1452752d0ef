"""With `--json`, stdout is JSON and nothing else, also where the command ends with an error."""

from __future__ import annotations

import pytest

from support.command import Command
from support.folder import Folder
from support.servers import closed_port
from support.shapes import check


@pytest.mark.parametrize("command", ["list", "status", "deploy latest"])
def test_a_folder_that_is_not_there(sartor: Command, command: str) -> None:
    """Alterations that can't be read end every command that needs them with 2."""
    done = sartor(*command.split(), "--json", expect=2)
    error = check(done, command.partition(" ")[0])["error"]
    assert error["kind"] == "CatalogueError"
    assert f"error: {error['message']}" in done.err


@pytest.mark.parametrize("command", ["history", "rollback 0", "fresh --yes"])
def test_a_database_that_is_not_there(sartor: Command, folder: Folder, command: str) -> None:
    """Nobody listens: `error` has the message, the hint and the exit code of the command."""
    folder.table("1.0.0-1700000000-a.py")
    env = {"SARTOR_DB_URL": f"postgresql://app@127.0.0.1:{closed_port()}/shop"}
    error = check(sartor(*command.split(), "--json", env=env, expect=6), command.partition(" ")[0])["error"]
    assert (error["kind"], error["exit_code"]) == ("Unreachable", 6)
    assert "check the host and the port" in error["hint"]


@pytest.mark.parametrize(
    "words",
    [
        "deploy --json",
        "deploy latest --steps many --json",
        "deploy latest --bogus --json",
        "deploy one two --json",
        "rollback --json",
        "status --json --schema pg_x",
        "bogus --json",
        "--json",
    ],
)
def test_wrong_use(sartor: Command, folder: Folder, words: str) -> None:
    """A command line or a setting that is wrong gives `error` alone, exit code 2."""
    folder.table("1.0.0-1700000000-a.py")
    error = check(sartor(*words.split(), expect=2), "error")["error"]
    assert error["exit_code"] == 2
    assert error["message"]


def test_wrong_settings(sartor: Command, folder: Folder) -> None:
    """So does a settings file that can't be used."""
    (folder.path.parent / "sartor.toml").write_text("nonsense = 1\n")
    assert check(sartor("deploy", "latest", "--json", expect=2), "error")["error"]["kind"] == "SettingsError"
    assert check(sartor.run("db", "seed", "--json", expect=2), "error")["error"]["kind"] == "SettingsError"


def test_a_refused_seed(sartor: Command, folder: Folder) -> None:
    """`seed` without a ledger, and in production."""
    folder.write("seeds/010_a.py", "async def seed(conn): ...\n")
    folder.table("1.0.0-1700000000-a.py")
    refused = check(sartor.run("db", "seed", "--json", expect=6), "seed")
    assert refused["error"]["kind"] == "DestinationError"
    done = sartor.run("db", "seed", "--json", env={"SARTOR_ENVIRONMENT": "production"}, expect=2)
    assert check(done, "seed")["error"]["kind"] == "RefusedError"
