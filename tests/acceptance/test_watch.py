"""`watch`: what is done after each save, and what doesn't end it."""

from __future__ import annotations

import json
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sartor.watching.files import require_watcher
from support.command import Command
from support.database import Database
from support.folder import Folder
from support.shapes import validator
from support.terminal import INTERRUPT, Terminal

SQL = "-- sartor: up\n{up};\n\n-- sartor: down\n{down};\n"
NAME = "next-1700000000-a.sql"


class Watching:
    """A `watch --json` at work: the next line that it prints."""

    def __init__(self, process: subprocess.Popen[str], folder: Folder) -> None:
        self.folder = folder
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line)

    def end(self) -> None:
        """End it with Ctrl-C, which is its end in order."""
        self._process.send_signal(signal.SIGINT)
        with self._process:
            assert self._process.wait(60) == 0
            self._reader.join()
            assert self._process.stderr
            assert "Traceback" not in self._process.stderr.read()

    def next(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._lines.get(timeout=60))
        validator("watch").validate(found)
        return found

    def save(self, name: str, up: str, down: str) -> dict[str, Any]:
        """Save a file as editors do, which write another one and rename it; what is said of it."""
        draft = self.folder.path / f".{name}.swp"
        draft.write_text(SQL.format(up=up, down=down))
        draft.rename(self.folder.path / name)
        return self.next()


@contextmanager
def watching(sartor: Command, folder: Folder) -> Iterator[Watching]:
    found = Watching(sartor.start("watch", "--json"), folder)
    try:
        yield found
    finally:
        found.end()


def names(found: dict[str, Any], key: str) -> list[str]:
    return [each["name"] for each in found[key]]


def test_a_save(sartor: Command, folder: Folder, database: Database) -> None:
    """A new file is deployed, proved and looked at; an edited one is undone first, by the code that was deployed."""
    folder.write("1.0.0-1-old.sql", SQL.format(up="create table old (id int)", down="drop table old"))
    with watching(sartor, folder) as watch:
        first = watch.next()
        assert (first["files"], names(first, "deployed"), first["proofs"]) == ([], ["1.0.0-1-old.sql"], [])
        made = watch.save(NAME, "create table a (id int primary key)", "drop table a")
        assert (made["files"], names(made, "undone"), names(made, "deployed")) == ([NAME], [], [NAME])
        assert [(p["result"], p["name"]) for p in made["proofs"]] == [("proved", NAME)]
        assert [each["verdict"] for each in made["alterations"]] == ["safe"]

        database.run("insert into old values (1)")
        # Its new `down` wouldn't undo the old `up`.
        again = watch.save(NAME, "create index b on old (id)", "drop index b")
        assert (names(again, "undone"), names(again, "deployed")) == ([NAME], [NAME])
        assert [(e["verdict"], e["statements"][0]["line"]) for e in again["alterations"]] == [("blocks-writes", 2)]
        assert database.tables() == {"old"}

        unproved = watch.save(NAME, "alter table old add c int", "select 'nothing'")
        assert [p["result"] for p in unproved["proofs"]] == ["fails"]
        assert [d["object"] for p in unproved["proofs"] for d in p["differences"]] == ["public.old.c"]
    assert database.value("select count(*) from pg_database where datname like 'sartor_scratch_%'") == 0


def test_what_fails_ends_nothing(sartor: Command, folder: Folder, database: Database) -> None:
    """A script that fails, one that can't be loaded and a bad name are told; what can't be loaded undoes nothing."""
    with watching(sartor, folder) as watch:
        watch.next()
        watch.save(NAME, "create table a (id int)", "drop table a")
        failed = watch.save(NAME, "create table a (id int);\ncreat index", "drop table a")
        assert (names(failed, "undone"), failed["deployed"]) == ([NAME], [])
        assert (failed["failed"]["line"], failed["failed"]["position"]) == (3, 0)
        assert names(watch.save(NAME, "create table a (b int)", "drop table a"), "deployed") == [NAME]

        folder.write("next-1700000001-b.py", "async def up(conn):\n    await conn.execute('create table b")
        broken = watch.next()
        assert (broken["undone"], broken["error"]["kind"]) == ([], "ScriptError")
        assert names(watch.save(NAME, "create table a (c int)", "drop table a"), "undone") == []
        (folder.path / "next-1700000001-b.py").unlink()
        assert (database.tables(), names(watch.next(), "undone")) == ({"a"}, [NAME])

        folder.write("next-soon-c.sql", "")
        assert watch.next()["error"]["kind"] == "CatalogueError"
        (folder.path / "next-soon-c.sql").unlink()
        assert watch.next()["error"] is None


def test_a_helper(sartor: Command, folder: Folder, database: Database) -> None:
    """A helper that changes is mentioned, and what imports it has it in its new form from the next save on."""
    helper = folder.write("_names.py", "NAME = 'a'\n")
    text = "from ._names import NAME\n\nasync def up(conn):\n    await conn.execute(f'create table {NAME} (id int)')\n"
    name = "next-1700000000-a.py"
    with watching(sartor, folder) as watch:
        watch.next()
        folder.write(name, f"{text}\nasync def down(conn):\n    await conn.execute('drop table a')\n")
        assert names(watch.next(), "deployed") == [name]
        helper.write_text("NAME = 'other'\n")
        assert [note.partition(":")[0] for note in watch.next()["notes"]] == ["_names.py"]
        folder.write(name, f"{text}\nasync def down(conn):\n    await conn.execute('drop table other')\n")
        assert (names(watch.next(), "deployed"), database.tables()) == ([name], {"other"})


def test_a_repeatable_script(sartor: Command, folder: Folder, database: Database) -> None:
    """It runs with each save of its own, and again where an alteration is undone and done anew."""
    folder.write(NAME, SQL.format(up="create table a (id int)", down="drop table a cascade"))
    with watching(sartor, folder) as watch:
        watch.next()
        draft = folder.write(".draft", "create or replace view v as select id from a;\n")
        draft.rename(folder.path / "repeatable-v.sql")
        assert names(watch.next(), "deployed") == ["repeatable-v.sql"]
        found = watch.save(NAME, "create table a (id int, more int)", "drop table a cascade")
        assert names(found, "deployed") == [NAME, "repeatable-v.sql"]
        assert [each["result"] for each in found["proofs"]] == ["proved"]
    assert database.value("select count(*) from v") == 0


def test_many_files_at_once(sartor: Command, folder: Folder, database: Database) -> None:
    """A checkout of another branch undoes what is gone, newest first, and deploys what came; the folder may be new."""
    files = [
        folder.write(f"next-{n}-t{n}.sql", SQL.format(up=f"create table t{n} ()", down=f"drop table t{n}"))
        for n in (1, 2)
    ]
    other = sartor.directory / "other"
    shutil.copytree(folder.path, other)
    for file in files:
        (other / file.name).unlink()
    for n in (3, 4):
        text = SQL.format(up=f"create table t{n} ()", down=f"drop table t{n}")
        (other / f"next-{n}-t{n}.sql").write_text(text)
    with watching(sartor, folder) as watch:
        watch.next()
        shutil.move(folder.path, sartor.directory / "gone")
        shutil.move(other, folder.path)
        found = watch.next()
        while found["error"]:  # it may have looked in between
            found = watch.next()
        assert names(found, "undone") == ["next-2-t2.sql", "next-1-t1.sql"]
        assert names(found, "deployed") == ["next-3-t3.sql", "next-4-t4.sql"]
        (folder.path / "next-4-t4.sql").rename(folder.path / "next-9-new.sql")
        assert watch.next()["notes"] == ["next-4-t4.sql was renamed to next-9-new.sql"]
    assert database.rows("select id from sartor_ledger order by id") == [("3-t3",), ("9-new",)]
    assert database.tables() == {"t3", "t4"}


def test_a_server_that_comes_back(sartor: Command, folder: Folder, database: Database) -> None:
    """Sessions that the server ended are made again with the next save."""
    with watching(sartor, folder) as watch:
        watch.next()
        watch.save(NAME, "create table a (id int)", "drop table a")
        database.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'sartor %'")
        again = watch.save(NAME, "create table a (b int)", "drop table a")
        assert (again["error"], names(again, "deployed")) == (None, [NAME])
        proved = watch.save(NAME, "create table a (c int)", "drop table a")
        assert [p["result"] for p in proved["proofs"]] == ["proved"]


def test_on_a_terminal(sartor: Command, folder: Folder) -> None:
    """A block for each save, with the place of a mistake; another watch is refused; Ctrl-C ends it with 0."""
    with Terminal(sartor, "watch") as terminal:
        terminal.until("to end it, press Ctrl-C")
        folder.write(NAME, SQL.format(up="create table a (id int);\ncreat index", down="drop table a"))
        terminal.until(f"saved {NAME}")
        terminal.until("line 3")
        terminal.until("^")
        folder.write(NAME, SQL.format(up="create table a (id int)", down="drop table a"))
        terminal.until(f"deployed  {NAME}")
        terminal.until(f"proved    {NAME}")
        terminal.until(f"safe      {NAME}")
        assert "another `watch` is in progress in schema public" in sartor("watch", expect=5).err
        terminal.press(INTERRUPT)
        terminal.until("stopped watching")
        assert terminal.end() == 0


def test_refused(sartor: Command, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """In production, and without the library that watches files."""
    refused = sartor("watch", env={"SARTOR_ENVIRONMENT": "production"}, expect=2)
    assert "`watch` destroys data, so it is refused in the environment production" in refused.err
    monkeypatch.setitem(__import__("sys").modules, "watchfiles", None)
    with pytest.raises(Exception, match="needs watchfiles") as raised:
        require_watcher()
    assert "pip install 'sartor[watch]'" in str(getattr(raised.value, "hint", ""))
    assert Path(folder.path).is_dir()
