"""The plugin for pytest, as a project of a maker's uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sartor import RefusedError
from sartor.testing.databases import opened
from sartor.testing.project import opened_project
from support.database import Database
from support.folder import Folder
from support.memory import open_folder
from support.sessions import until

USE = """
    import asyncio
    import asyncpg
    import pytest

    async def tables(url):
        connection = await asyncpg.connect(url)
        try:
            query = "select relname::text from pg_class where relkind = 'r' and relname in ('a', 'b')"
            return {row[0] for row in await connection.fetch(query)}
        finally:
            await connection.close()

    async def drop(url):
        connection = await asyncpg.connect(url)
        await connection.execute("drop table a")
        await connection.close()

    @pytest.mark.parametrize("number", range(2))
    def test_each_has_its_own(database_at, number):
        url = database_at("1.0.0")
        assert asyncio.run(tables(url)) == {"a"}
        asyncio.run(drop(url))

    def test_several(database_at):
        assert asyncio.run(tables(database_at())) == {"a", "b"}
        assert asyncio.run(tables(database_at(None))) == set()

    def test_seeded(database_at):
        async def rows(url):
            connection = await asyncpg.connect(url)
            try:
                return await connection.fetchval("select count(*) from a")
            finally:
                await connection.close()

        assert asyncio.run(rows(database_at("1.0.0", seeded=True))) == 1
        assert asyncio.run(rows(database_at("1.0.0"))) == 0

    def test_in_a_running_loop(database_at):
        async def go():
            assert await tables(database_at("1.0.0")) == {"a"}

        asyncio.run(go())

    @pytest.fixture(scope="module")
    def shared(sartor_databases):
        with sartor_databases.at("1.1.0") as url:
            yield url

    def test_a_wider_fixture(shared):
        assert asyncio.run(tables(shared)) == {"a", "b"}
"""


class Project:
    """A project with tests, which are run by a pytest of their own."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self.folder = Folder(path / "alterations")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SARTOR_", "PG", "PYTEST"))}
        self.environment = {**kept, **environment}
        (path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")

    def test(self, text: str, *arguments: str) -> tuple[int, str]:
        """Runs these tests; gives the exit code and what pytest shows."""
        Folder(self.path).write("test_it.py", text)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(
            command, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path, server_url: str) -> Project:
    """A project whose settings name a server; two releases, each with a table."""
    found = Project(tmp_path, {"SARTOR_DB_URL": server_url})
    found.folder.table("1.0.0-1700000001-a.py")
    found.folder.table("1.1.0-1700000002-b.py")
    found.folder.write(
        "seeds/010_rows.py", "async def seed(conn):\n    await conn.execute('insert into a values (1)')\n"
    )
    return found


@pytest.fixture
def left(server_url: str) -> Iterator[None]:
    """Checks that no database stays."""
    query = "select datname::text from pg_database where datname like 'sartor_scratch%'"
    server = Database(server_url, "postgres")
    before = {*server.rows(query)}
    yield
    assert {*server.rows(query)} <= before


@pytest.mark.usefixtures("left")
def test_databases(project: Project) -> None:
    """Each call gives a database of its own at its release; all are dropped."""
    code, shown = project.test(USE)
    assert code == 0, shown
    assert "6 passed" in shown


@pytest.mark.usefixtures("left")
def test_a_failing_alteration(project: Project) -> None:
    """A release that can't be deployed fails the test with the reason and the way out, without a traceback."""
    project.folder.add("1.2.0-1700000003-c.py", up="create table a ()")
    text = """
        def test_it(database_at):
            database_at()

        def test_a_typo(database_at):
            database_at("one")
    """
    code, shown = project.test(text)
    assert code == 1
    assert "1.2.0-1700000003-c.py failed" in shown
    assert 'relation "a" already exists' in shown
    assert "create table a ()" in shown
    assert "there is no release 'one'" in shown
    assert "hint: to list the releases: `sartor db alteration list`" in shown
    assert "Traceback" not in shown
    assert "During handling" not in shown


@pytest.mark.usefixtures("left")
def test_checks(project: Project) -> None:
    """A rollback that leaves something, or a hazard that is worse than allowed, fails the test with what was seen."""
    project.folder.add("next-1700000003-c.py", up="alter table a alter id type bigint", down="")
    text = """
        def test_round_trip_of_next(assert_round_trip):
            assert_round_trip()

        def test_round_trip_of_a_release(assert_round_trip):
            assert_round_trip("1.0.0", "1700000002-b")

        def test_safe(assert_safe):
            assert_safe("blocks-writes")

        def test_allowed(assert_safe):
            assert_safe("rewrites")
            assert_safe(target="1.1.0")
    """
    code, shown = project.test(text)
    assert code == 1
    assert "2 failed, 2 passed" in shown
    assert "next-1700000003-c.py: `down` doesn't restore the schema before `up`" in shown
    assert not (project.folder.path / "manifest.toml").exists()
    assert "next-1700000003-c.py: rewrites" in shown
    assert "alter table a alter id type bigint" in shown


@pytest.mark.usefixtures("left")
def test_killed(project: Project, server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed session leaves is dropped by the next one."""
    code = """if True:
        import pathlib, sys
        from sartor.testing.databases import opened
        with opened(pathlib.Path.cwd()) as databases, databases.at("1.0.0") as url:
            print(url, flush=True)
            sys.stdin.read()
    """
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=project.path, env=project.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip().rpartition("/")[2]
        process.kill()
    there = "select count(*) from pg_database where datname = $1"
    server = Database(server_url, "postgres")
    assert server.value(there, name) == 1
    held = "select count(*) from pg_locks where locktype = 'advisory'"
    until(lambda: server.value(held) == 0, what="the end of the killed process's session")
    monkeypatch.setenv("SARTOR_DB_URL", server_url)
    with opened(project.path) as databases, databases.at(None):
        assert server.value(there, name) == 0


def test_an_embedded_server() -> None:
    """Without a database in the settings, all workers share a server of the tests' own, as root too."""
    with open_folder() as path:
        project = Project(path, {})
        project.folder.table("1.0.0-1700000001-a.py")
        project.folder.table("1.1.0-1700000002-b.py")
        text = """
            import pytest

            @pytest.mark.parametrize("number", range(2))
            def test_it(database_at, number):
                assert database_at("1.0.0") != database_at("1.0.0")
        """
        code, shown = project.test(text, "-n", "2")
        assert code == 0, shown
        assert (path / ".sartor" / "embedded-test").is_dir()


def test_production(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment is production, nothing is created."""
    monkeypatch.setenv("SARTOR_DB_URL", project.environment["SARTOR_DB_URL"])
    monkeypatch.setenv("SARTOR_ENVIRONMENT", "production")
    with pytest.raises(RefusedError, match="refused in the environment production"), opened_project(project.path):
        pass


def test_the_plugin_is_light() -> None:
    """Pytest loads nothing of Sartor's but the fixtures, until a test uses one."""
    code = """if True:
        import sys
        import pytest
        before = set(sys.modules)
        import sartor.testing.plugin
        print(*sorted(set(sys.modules) - before))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"sartor", "sartor.testing", "sartor.testing.plugin"}
