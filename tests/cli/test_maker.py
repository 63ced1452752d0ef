"""Sartor's commands under a maker's name, mounted in applications of Typer's and Click's, and called by others."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import click.testing
import pytest
import typer
from typer.testing import CliRunner

import sartor
from support.database import Database
from support.folder import Folder

MAKER: dict[str, Any] = {"name": "acme", "alterations": "acme_makers.alterations"}
OF_DATABASE = ("psql", "seed", "backup", "restore", "serve")
OF_ALTERATIONS = (
    "new import release deploy rollback baseline fresh redo check prove snapshot squash rehearse watch list status"
    " history verify repair lint diagram"
)
HELPS = [(), ("alteration",), *((n,) for n in OF_DATABASE), *(("alteration", n) for n in OF_ALTERATIONS.split())]
HONEST = re.compile(r"\.sartor/embedded|sartor\.toml|-- sartor: |sartor_\w+|sartor\[\w+\]|\(Sartor [0-9.]+\)")
"""What is called so under every name: files, directives, tables, extras; and the version, which tells of both."""
AWAY = "postgresql://app:hunter2@127.0.0.1:1/app"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """The alterations of a product, in an import package; the working directory is empty."""
    folder = Folder(tmp_path / "source" / "acme_makers" / "alterations")
    folder.write(
        "1.0.0-1700000001-tailors.sql",
        "-- sartor: up\ncreate table tailors ();\n-- sartor: down\ndrop table tailors;\n",
    )
    folder.add("1.1.0-1700000002-thimbles.py", up="create table thimbles ()", down="drop table thimbles")
    monkeypatch.syspath_prepend(str(tmp_path / "source"))
    for name in [name for name in os.environ if name.startswith(("SARTOR_", "PG"))]:
        monkeypatch.delenv(name)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield folder
    for name in [name for name in sys.modules if name.startswith("acme_makers")]:
        del sys.modules[name]


def run(capfd: pytest.CaptureFixture[str], *words: str, **given: Any) -> tuple[int, str, str]:
    """The exit code of a command of `acme`, and what it printed to each stream."""
    code = sartor.main(words, **MAKER, **given)
    return (code, *capfd.readouterr())


def strange(text: str) -> list[str]:
    """The words of a text that speak of Sartor."""
    return re.findall(r".*\bsartor\b.*|.*SARTOR_.*", HONEST.sub("", text), re.IGNORECASE)


@pytest.mark.usefixtures("shipped")
def test_help_speaks_of_the_product(capfd: pytest.CaptureFixture[str]) -> None:
    """Every command's help has the product's name in its usage, its example and its variables, and no other."""
    for words in HELPS:
        code, out, err = run(capfd, *words, "--help")
        assert (code, err) == (0, "")
        assert out.startswith(" ".join(["Usage: acme db", *words]))
        assert strange(out) == []
        if words not in {(), ("alteration",)}:
            assert " ".join(["Example:\n    acme db", *words]) in out


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("alteration", 2, "Usage: acme db alteration"),
        ("alteration depoly", 2, "see `acme db alteration --help`"),
        ("alteration deploy --stepz 1", 2, "see `acme db alteration deploy --help`"),
        ("alteration deploy", 2, "`acme db alteration deploy 1.2.0`, or `latest`"),
        ("alteration status", 2, "ACME_DB_URL"),
        (f"alteration deploy latest --db-url {AWAY}", 6, "connection refused"),
        (f"alteration deploy latest --db-url {AWAY} --db-url {AWAY}", 6, "connection refused"),
        (f"alteration deploy latest --db-url {AWAY} --alterations nowhere", 2, "with --alterations"),
        (f"alteration deploy latest --db-url {AWAY}/%zz", 2, "give the password unencoded in ACME_PASSWORD"),
        (f"alteration deploy latest --db-url {AWAY} --wait soon", 2, "isn't a duration"),
        (f"alteration repair --db-url {AWAY}", 2, "acme db alteration verify"),
        ("restore", 2, "acme db restore FILE --into URL"),
        ("alteration status latest", 2, "add --wait 120s"),
        ("alteration fresh --yes --db-url " + AWAY, 6, "connection refused"),
    ],
)
def test_errors_speak_of_the_product(capfd: pytest.CaptureFixture[str], line: str, code: int, said: str) -> None:
    """An error names the product's commands and variables, and its exit code is that of `sartor`."""
    found, out, err = run(capfd, *line.split())
    assert (found, out) == (code, "")
    assert said in err
    assert strange(err) == []
    assert "hunter2" not in err
    found, out, _ = run(capfd, *line.split(), "--json")
    assert found == code
    assert strange(out) == []


def test_a_run(capfd: pytest.CaptureFixture[str], shipped: Folder, database: Database, monkeypatch: Any) -> None:
    """A failed deploy prints the command that resumes it as it is typed, with a shortcut's words written out."""
    shipped.add("1.2.0-1700000003-failing.py", up="select 1/0")
    monkeypatch.setenv("ACME_DB_URL", database.url)
    monkeypatch.setenv("SARTOR_SCHEMA", "elsewhere")
    code, _, err = run(capfd, "upgrade", shortcuts={"upgrade": "alteration deploy latest"}, prog="acme-admin db")
    assert code == 1
    assert "acme-admin db alteration deploy latest" in err
    assert "note: SARTOR_SCHEMA is ignored: acme reads ACME_SCHEMA" in err
    assert strange(err.replace("SARTOR_SCHEMA", "")) == []
    code, out, err = run(capfd, "alteration", "status", "--schema", "public")
    assert (code, strange(out + err.replace("SARTOR_SCHEMA", ""))) == (0, [])
    assert "release 1.1.0; 2 deployed, 1 pending" in out


@pytest.mark.usefixtures("shipped")
def test_the_process_is_given_back(database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    """A call leaves signal handlers, streams, descriptors and settings of the process as they were."""

    def state() -> list[object]:
        handlers = [
            signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
        ]
        opened = {name: Path("/proc/self/fd", name).readlink() for name in ("0", "1", "2")}
        return [
            handlers,
            gc.get_threshold(),
            sys.stdout,
            sys.stderr,
            opened,
            len(list(Path("/proc/self/fd").iterdir())),
        ]

    for words in (["alteration", "list"], ["alteration", "deploy", "latest"], ["oops"], ["--version"]):
        sartor.main([*words, *(["--db-url", database.url] if "deploy" in words else [])], **MAKER)
        before = state()  # after the first run, which imports
        sartor.main([*words, *(["--db-url", database.url] if "deploy" in words else [])], **MAKER)
        assert state() == before
    capfd.readouterr()
    print("the host goes on")  # noqa: T201
    assert capfd.readouterr().out == "the host goes on\n"


@pytest.mark.usefixtures("shipped")
def test_in_a_thread(database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    """A host with an event loop calls it in a thread; on the loop's own it is refused."""

    async def host() -> tuple[int, int]:
        words = ["alteration", "deploy", "latest", "--db-url", database.url]
        assert threading.current_thread() is threading.main_thread()
        return sartor.main(words, **MAKER), await asyncio.to_thread(sartor.main, words, **MAKER)

    assert asyncio.run(host()) == (2, 0)
    assert "await asyncio.to_thread(sartor.main, [...], ...)" in capfd.readouterr().err


def _typer_host() -> typer.Typer:
    app, admin = typer.Typer(), typer.Typer()
    mounted = sartor.command(**MAKER)
    mounted.command("vacuum")(lambda: typer.echo("vacuumed"))
    admin.add_typer(mounted, name="database", help="The database.")
    app.add_typer(admin, name="admin")
    app.command("hello")(lambda: typer.echo("hello"))
    return app


@pytest.mark.usefixtures("shipped")
def test_in_typer() -> None:
    """Mounted in an application of Typer's, at any depth, it has that place's name; the host's commands stay."""
    host = CliRunner()

    def invoke(line: str) -> tuple[int, str]:
        done = host.invoke(_typer_host(), line.split(), prog_name="acme")
        return done.exit_code, done.output

    assert invoke("hello") == (0, "hello\n")
    assert invoke("admin database vacuum") == (0, "vacuumed\n")
    assert invoke("admin database alteration list")[1].startswith("1.0.0  (1 alteration")
    assert invoke("admin database alt list --json")[0] == 0
    code, out = invoke("admin database alteration deploy")
    assert code == 2
    assert "hint: `acme admin database alteration deploy 1.2.0`, or `latest`" in out
    code, out = invoke("--help")
    assert (code, "admin" in out, strange(out)) == (0, True, [])
    code, out = invoke("admin database --help")
    assert (code, strange(out)) == (0, [])
    assert "Usage: acme admin database [OPTIONS] COMMAND" in out
    assert "vacuum" in out
    assert invoke(f"admin database alteration status --db-url {AWAY}")[0] == 6
    assert invoke("admin database --version") == (0, f"acme (Sartor {sartor.__version__})\n")


@pytest.mark.usefixtures("shipped")
def test_in_click() -> None:
    """A host of Click's mounts the command that Typer makes of it; exit codes are the same."""
    cli = click.Group("acme")
    cli.add_command(typer.main.get_command(sartor.command(**MAKER)), "db")  # type: ignore[arg-type]  # as it is used
    host = click.testing.CliRunner()

    def invoke(line: str) -> tuple[int, str]:
        done = host.invoke(cli, line.split(), prog_name="acme")
        return done.exit_code, done.output

    assert "Work on the database of acme." in invoke("--help")[1]
    assert invoke("db alteration list")[1].startswith("1.0.0  (1 alteration")
    code, out = invoke(f"db alteration deploy latest --db-url {AWAY}")
    assert (code, "connection refused" in out) == (6, True)
    assert "Usage: acme db alteration deploy" in invoke("db alteration deploy --help")[1]


@pytest.mark.usefixtures("shipped")
def test_by_itself(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With no host above it, it is a program whose exit codes are Sartor's."""
    monkeypatch.setattr(sys, "argv", ["/usr/bin/acme-db", "alteration", "lst"])
    with pytest.raises(SystemExit) as ended:
        sartor.command(**MAKER)()
    assert ended.value.code == 2
    assert "see `acme-db alteration --help`" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["Acme", "", "a b", "1st", "acme;", "äcme", "-acme"])
def test_names(name: str) -> None:
    """A name that can't be a command and a variable is refused where the maker's program begins."""
    with pytest.raises(sartor.UsageError, match="can't be the name of a product"):
        sartor.command(name=name, alterations="acme.alterations")


@pytest.mark.parametrize("alterations", ["", [], "./alterations", "a b", "=acme.own", "acme.alterations:deploy"])
def test_alterations(alterations: Any) -> None:
    """Only import packages are shipped: without any, a folder of the place where the program is called would count."""
    with pytest.raises(sartor.UsageError, match="isn't the name of a package"):
        sartor.command(name="acme", alterations=alterations)


@pytest.mark.parametrize(
    ("name", "words"),
    [("upgrade", ""), ("upgrade", "upgrade"), ("seed", "alteration list"), ("alt", "psql"), ("--up", "psql"), ("", "")],
)
def test_shortcuts(name: str, words: str) -> None:
    """A shortcut hides no command, and stands for one: else it would do nothing, and end with success."""
    with pytest.raises(sartor.UsageError, match="shortcut"):
        sartor.command(name="acme", alterations="acme.alterations", shortcuts={name: words})


def test_one_at_a_time(shipped: Folder, database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    """A command that a thread or a script calls while another runs is refused: it would read its variables."""
    shipped.write(
        "1.2.0-1700000003-nested.py",
        "import asyncio, sartor\n\nasync def up(database):\n"
        "    await asyncio.to_thread(sartor.main, ['alteration', 'list'], name='other', alterations='other.own')\n\n"
        "async def down(database): ...\n",
    )
    code, out, err = run(capfd, "alteration", "deploy", "latest", "--db-url", database.url)
    assert (code, "UsageError: another command runs in this process" in err) == (1, True)
    code, out, _ = run(capfd, "alteration", "status", "--db-url", database.url)
    assert (code, "2 deployed, 1 pending" in out) == (0, True)


@pytest.mark.usefixtures("shipped")
def test_a_timer_of_the_host(database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    """A timer that the host has set goes on behind a run, and one that would have run out meanwhile does so then."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: rung.append(number))
    try:
        for seconds in (3600, 0.001):
            signal.setitimer(signal.ITIMER_REAL, seconds, 3600)
            assert run(capfd, "alteration", "status", "--db-url", database.url)[0] == 0
            left, interval = signal.getitimer(signal.ITIMER_REAL)
            assert (0 < left <= 3600, interval) == (True, 3600)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rung == [signal.SIGALRM]


@pytest.mark.usefixtures("shipped")
def test_sartor_at_another_place(capfd: pytest.CaptureFixture[str]) -> None:
    """A tool that mounts it under its own name still prints commands as they are typed there."""
    words = ["alteration", "deploy"]
    assert sartor.main(words, name="sartor", alterations="acme_makers.alterations", prog="tool database") == 2
    assert "`tool database alteration deploy 1.2.0`" in capfd.readouterr().err


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("alterations", "reason"),
    [
        (("main=acme_makers.alterations", "main=acme.more"), "two lineages with the name 'main'"),
        (("acme_makers.alterations", "a.more", "b.more"), "two lineages with the name 'more'"),
        (("Own=acme_makers.alterations",), "'Own' isn't a valid name of a lineage"),
    ],
)
def test_lineages(capfd: pytest.CaptureFixture[str], alterations: tuple[str, ...], reason: str) -> None:
    """The lineages of a product have names of their own, which are valid in the ledger."""
    assert sartor.main(["alteration", "list"], name="acme", alterations=alterations) == 2
    assert reason in capfd.readouterr().err


@pytest.mark.usefixtures("shipped")
def test_psql_where_the_host_collects(database: Database) -> None:
    """What psql prints goes to the file that the host has in place of standard output."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = sartor.main(["psql", "--db-url", database.url, "--", "-XAtc", "select 'gr\u00fcn'"], **MAKER)
    assert (code, out.getvalue()) == (0, "gr\u00fcn\n")


class Collected:
    """A host's own kind of stream: it can be written to, and nothing else."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None: ...


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("kind", [Collected, io.StringIO])
def test_where_the_host_collects(database: Database, kind: Any) -> None:
    """Texts and pictures go to files that have no descriptor, and that may not say whether they are closed."""
    found: dict[str, Any] = {}
    for words in ("alteration list", "alteration diagram", "alteration nope"):
        url = ("--scratch-url", database.url) if "diagram" in words else ()
        out, err = kind(), kind()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = sartor.main([*words.split(), *url], **MAKER)
        texts = (each.text if isinstance(each, Collected) else each.getvalue() for each in (out, err))
        found[words] = (code, *texts)
    assert found["alteration list"][:1] == (0,)
    assert found["alteration list"][1].startswith("1.0.0  (1 alteration")
    assert found["alteration diagram"][0] == 0, found
    assert "tailors" in found["alteration diagram"][1]
    assert (found["alteration nope"][0], "No such command" in found["alteration nope"][2]) == (2, True)
