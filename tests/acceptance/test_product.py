"""A product whose maker ships Sartor under its own name: built as a wheel, installed alone, run by its operators."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from sartor import __version__
from support.command import finish
from support.database import Database
from support.folder import Folder
from support.product import LIMIT, SOURCE, Acme, Maker
from support.sessions import until
from support.terminal import DOWN, ENTER, ESCAPE


@pytest.fixture(scope="module")
def maker() -> Iterator[Maker]:
    """A maker who has installed the product."""
    # Not pytest's own folder, which other users can't get into.
    with tempfile.TemporaryDirectory(prefix="sartor-product-") as folder:
        Path(folder).chmod(0o755)
        made = Maker(Path(folder))
        made.install(SOURCE)
        yield made


@pytest.fixture
def acme(maker: Maker, database: Database, tmp_path: Path) -> Acme:
    """The product's command, in an empty working directory."""
    return Acme(maker, tmp_path, {"ACME_DB_URL": database.url})


def test_from_release_to_release(acme: Acme) -> None:
    """An operator deploys, looks, rolls back and upgrades, and reads the product's name alone."""
    assert acme("--version").out == f"acme 1.2.0 (Sartor {__version__})\n"
    shown = [acme("alteration", "deploy", "1.1.0"), acme("alteration", "status", expect=0)]
    assert "pending:\n  1.2.0-1700000003-notes.sql" in shown[-1].out
    shown.append(acme("alteration", "check", "latest", expect=3))
    assert "alter table orders add column notes text" in shown[-1].out
    shown += [acme("upgrade"), acme("alteration", "rollback", "1.0.0", "--yes"), acme("alteration", "history")]
    status = acme("alteration", "status", "--json").json
    assert [each["id"] for each in status["deployed"]] == ["1700000001-customers"]
    shown += [acme("alteration", "verify"), acme("upgrade"), acme("alteration", "list")]
    text = "".join(done.out + done.err for done in shown).replace(f"Written by Sartor {__version__}", "")
    assert [line for line in text.splitlines() if "SARTOR_" in line or "sartor db" in line or "Sartor" in line] == []


def test_tenants(acme: Acme, database: Database) -> None:
    """An operator creates tenants and drops them by the product's command, with a ledger of the product's."""
    shown = [acme("tenant", "create", "tenant_a", "--release", "1.0.0"), acme("tenant", "create", "tenant_a", expect=3)]
    assert "Tenant tenant_a exists, at 1.0.0; nothing was done; 2 alterations pending" in shown[-1].out
    shown += [
        acme("tenant", "drop", "tenant_a", expect=2),
        acme("tenant", "--help"),
        acme("tenant", "create", "--help"),
    ]
    assert "--confirm tenant_a" in shown[2].err
    assert "ACME_TENANT_PASSWORD" in shown[-1].out
    shown.append(acme("tenant", "drop", "tenant_a", "--confirm", "tenant_a"))
    assert database.value("select count(*) from pg_namespace where nspname = 'tenant_a'") == 0
    text = "".join(done.out + done.err for done in shown)
    assert [
        line for line in text.splitlines() if "SARTOR_" in line or "sartor tenant" in line or "Sartor" in line
    ] == []


def test_its_own_settings(acme: Acme, database: Database) -> None:
    """The file in its package names variables of the maker's, and an operator's own settings come first."""
    acme("upgrade", env={"ACME_DB_URL": "", "DATABASE_URL": database.url})
    acme("alteration", "status", env={"ACME_DB_URL": database.url, "DATABASE_URL": "postgresql://nowhere.invalid/x"})
    failed = acme("alteration", "status", env={"ACME_DB_URL": "", "SARTOR_DB_URL": database.url}, expect=2)
    assert "set DATABASE_URL" in failed.err
    assert "no database is given: SARTOR_DB_URL is ignored: acme reads ACME_DB_URL" in failed.err
    noted = acme("alteration", "status", env={"SARTOR_WAIT": "1s"}).err
    assert noted == "note: SARTOR_WAIT is ignored: acme reads ACME_WAIT\n"


def test_a_database_that_is_away(acme: Acme) -> None:
    """A URL at which nothing listens ends with 6 and a sentence, and without its password."""
    failed = acme("upgrade", env={"ACME_DB_URL": "postgresql://app:hunter2@127.0.0.1:1/app"}, expect=6)
    assert "connection refused" in failed.err
    assert "hunter2" not in failed.err


def test_who_may_write_alterations(acme: Acme, tmp_path: Path) -> None:
    """What is installed is shipped: commands that write alterations aren't offered, and say where they belong."""
    shown = acme("alteration", "--help").out
    offered = {line.split()[0] for line in shown.splitlines() if line.startswith("  ")}
    assert "deploy" in offered
    assert not {"new", "import", "release", "prove", "snapshot", "squash", "watch"} & offered
    refused = acme("alteration", "new", "more", expect=2).err
    assert "`new` is for those who write alterations; those of acme are installed" in refused
    acme("alteration", "new", "more", "--alterations", str(tmp_path / "own"), expect=2)
    (tmp_path / "own").mkdir()
    acme("alteration", "new", "more", "--alterations", str(tmp_path / "own"))


def test_another_user(acme: Acme, maker: Maker, database: Database) -> None:
    """Another user than the one who installed it runs it, and writes nothing into the packages."""
    if os.geteuid() != 0 or not Path("/usr/bin").samefile((maker.programs / "python").resolve().parent):
        pytest.skip("needs root, to be another user, and an interpreter for all users")
    before = sorted(maker.packages.rglob("*"))
    acme.directory = Path("/")
    environment = {"HOME": "/nonexistent", "ACME_DB_URL": database.url}
    acme("upgrade", env=environment, user="nobody")
    assert acme("alteration", "status", "--json", env=environment, user="nobody").json["pending"] == []
    assert sorted(maker.packages.rglob("*")) == before


def test_interrupted(acme: Acme, database: Database, tmp_path: Path) -> None:
    """Ctrl-C ends the run in order: the script is rolled back, the earlier ones stay, and the exit code is 130."""
    slow = Folder(tmp_path / "own")
    slow.add("9.0.0-1700000009-slow.py", up="select pg_sleep(3600)")
    words = ["alteration", "deploy", "latest", "--alterations", "acme.alterations", "--alterations", f"own={slow.path}"]
    process = acme.start(*words)
    sleeping = "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
    until(lambda: database.rows(sleeping))
    stopped = finish(process, signal.SIGINT)
    assert stopped.code == 130
    assert "SIGINT: stopping" in stopped.err
    assert "3 completed before" in stopped.err
    assert "acme db alteration deploy latest --alterations acme.alterations --alterations own=" in stopped.err
    assert len(acme("alteration", "status", "--json").json["deployed"]) == 3


def test_its_question(acme: Acme) -> None:
    """On a terminal, `deploy` without a target asks for the product's release; Esc leaves, Enter deploys."""

    def ask(*keys: str) -> tuple[int | None, str]:
        child = pexpect.spawn(
            str(acme.executable),
            ["db", "alteration", "deploy"],
            cwd=str(acme.directory),
            env={**acme.environment, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "CI": ""},
            encoding="utf-8",
            dimensions=(60, 160),
            timeout=LIMIT,
        )
        child.expect_exact("Choose the release to deploy")
        child.expect_exact("1.0.0")
        for key in keys:
            child.send(key)
        child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus, child.before or ""

    assert ask(ESCAPE)[0] == 130
    code, shown = ask(DOWN, ENTER)
    assert (code, "1.1.0" in shown) == (0, True)


def test_in_a_zip_file(maker: Maker, database: Database) -> None:
    """A product that is run from a zip file is told that alterations are files."""
    (wheel,) = (maker.folder / "source" / "dist").glob("*.whl")
    done = subprocess.run(
        [maker.programs / "python", "-c", "from acme.cli import app; app(prog_name='acme')", "db", "upgrade"],
        check=False,
        cwd="/",
        env={**maker.environment, "PYTHONPATH": str(wheel), "ACME_DB_URL": database.url},
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 2
    assert f"the package acme.alterations is at {wheel}/acme/alterations, which isn't a folder" in done.stderr
    assert "not in a zip file" in done.stderr
