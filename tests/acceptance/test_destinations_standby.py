"""A standby that asks for passwords: it can be read, and refuses a run before anything is done."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Command
from support.database import Database, with_name
from support.folder import Folder
from support.servers import PASSWORD, Strict, strict_standby

SHOP = "1.0.0-1700000000-shop.py"


@pytest.fixture(scope="module")
def standby(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    """A standby whose database `filled` has SHOP deployed, readable for `app`."""
    directory = tmp_path_factory.mktemp("primary")
    Folder(directory / "alterations").table(SHOP)

    def fill(database: Database) -> None:
        Command(directory, {"SARTOR_DB_URL": database.url})("deploy", "latest")
        database.run("grant select on all tables in schema public to app")

    with strict_standby(tmp_path_factory.mktemp("standby"), fill) as found:
        yield found


@pytest.fixture
def there(standby: Strict, tmp_path: Path, folder: Folder) -> Command:
    """The command, for `app` with its password on the standby's filled database; SHOP and a later one are shipped."""
    folder.table(SHOP)
    folder.table("1.1.0-1700000001-bills.py")
    return Command(tmp_path, {"SARTOR_DB_URL": standby.filled.as_user("app", PASSWORD)})


def test_reading_commands_work_on_a_standby(there: Command) -> None:
    """`status`, `history` and `list` write nothing: they work where nothing can be written."""
    status = there("status", "--json").json
    assert [a["id"] for a in status["deployed"]] == ["1700000000-shop"]
    assert [a["id"] for a in status["pending"]] == ["1700000001-bills"]
    assert [e["event"] for e in there("history", "--json").json["events"]] == ["created", "deployed"]


def test_a_standby_is_verified(there: Command) -> None:
    """`verify` writes nothing either, and its fingerprint came with the rest."""
    found = there("verify", "--json").json
    assert found["ok"]
    assert (found["unknown"], found["recorded"]["seq"]) == (None, 1)


def test_a_standby_can_be_backed_up(there: Command, standby: Strict, tmp_path: Path) -> None:
    """`pg_dump` gets the password that the server asks for; the journal, which can't be written, doesn't have it.

    A backup can't be restored there.
    """
    done = there.run("db", "backup", str(tmp_path / "x.dump"), "--json")
    assert (done.json["verified"], done.json["journal"]) == (True, False)
    assert "is a standby" in done.err
    assert PASSWORD not in done.out + done.err
    into = with_name(standby.filled.url, "made")
    refused = there.run("db", "restore", str(tmp_path / "x.dump"), "--into", into, "--create", expect=6)
    assert "hint: give the address of the primary, if this is a standby" in refused.err


def test_an_empty_standby_can_be_read(there: Command, standby: Strict) -> None:
    """Without a ledger there is nothing to read, and none is made."""
    env = {"SARTOR_DB_URL": standby.empty.as_user("app", PASSWORD)}
    assert "no ledger" in there("status", env=env).out
    assert "no ledger" in there("history", env=env).out


def test_nothing_pending_is_no_error_on_a_standby(there: Command, folder: Folder) -> None:
    """A deploy that has nothing to do needs no right to write."""
    (folder.path / "1.1.0-1700000001-bills.py").unlink()
    assert there("deploy", "latest").out == "Found 0 alteration to deploy\n"


@pytest.mark.parametrize("arguments", [["deploy", "latest"], ["rollback", "0"], ["fresh", "--yes"]])
def test_writing_commands_refuse_a_standby(there: Command, arguments: list[str]) -> None:
    """A standby is recognised, and the way out is the primary's address."""
    done = there(*arguments, expect=6)
    assert "filled is a standby" in done.err
    assert "hint: give the address of the primary" in done.err
    assert done.out == ""


def test_seeding_refuses_a_standby(there: Command, folder: Folder) -> None:
    """So does `seed`."""
    folder.write("seeds/010_shop.py", "async def seed(conn):\n    await conn.execute('insert into shop values (1)')\n")
    assert "filled is a standby" in there.run("db", "seed", expect=6).err


@pytest.mark.parametrize("login", ["app:wrong", "nobody-known:wrong"])
def test_wrong_credentials(there: Command, standby: Strict, login: str) -> None:
    """A wrong password and an unknown role are told alike, with where the password came from; it isn't told itself."""
    user, _, password = login.partition(":")
    url = standby.filled.as_user(user, password)
    done = there("deploy", "latest", env={"SARTOR_DB_URL": url, "PGPASSFILE": "/nonexistent"}, expect=6)
    assert f'password authentication failed for user "{user}"' in done.err
    assert "check user and password" in done.err
    assert "with the password from SARTOR_DB_URL" in done.err
    assert "wrong" not in done.err


def test_no_password_at_all(there: Command, standby: Strict, tmp_path: Path) -> None:
    """A password that is missing is told as such; so is a password file that isn't read, and the mode that it has."""
    passfile = tmp_path / "pgpass"
    env = {"SARTOR_DB_URL": standby.filled.as_user("app"), "PGPASSFILE": str(passfile)}
    done = there("status", env=env, expect=6)
    assert "the server asks for a password, but none is given\n" in done.err
    assert "SARTOR_PASSWORD" in done.err
    passfile.write_text(f"*:*:*:app:{PASSWORD}\n")
    passfile.chmod(0o644)
    done = there("status", env=env, expect=6)
    assert f"{passfile} was ignored: other users can access it (mode 0644; run: chmod 600 {passfile})" in done.err
    passfile.write_text("*:*:*:other:x\n")
    passfile.chmod(0o600)
    assert f"{passfile} has no line for this host" in there("status", env=env, expect=6).err


def test_the_password_of_a_passfile(there: Command, standby: Strict, tmp_path: Path) -> None:
    """Libpq's password file serves, as it does `psql`."""
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"*:*:*:app:{PASSWORD}\n")
    passfile.chmod(0o600)
    there("status", env={"SARTOR_DB_URL": standby.filled.as_user("app"), "PGPASSFILE": str(passfile)})


def test_the_password_of_a_secret_file(there: Command, standby: Strict, tmp_path: Path) -> None:
    """A secret file gives the password to a URL that has none."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "SARTOR_PASSWORD").write_text(f"{PASSWORD}\n")
    url = standby.filled.as_user("app")
    done = there("status", "--json", env={"SARTOR_DB_URL": url, "SARTOR_SECRETS_DIR": str(secrets)})
    destination = done.json["destination"]
    assert (destination["database"], destination["schema"]) == ("filled", "public")
    shutil.rmtree(secrets)
