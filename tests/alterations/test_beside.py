"""A large folder read by a child process: the same catalogue, the same errors, and no child left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sartor.alterations.beside import MANY
from support.folder import Folder

CODE = """
import json, os, signal, sys, threading
import psutil
from sartor import api
from sartor.alterations.files import read_script
from sartor.errors import CatalogueError

location, before, meanwhile = sys.argv[1:]
forks, exec_ = [], exec
sys.addaudithook(lambda event, _: forks.append(event) if event == "os.fork" else None)

def listed(sources):
    try:
        return api.list_alterations(sources)
    except CatalogueError as error:
        return str(error)

def child_ends():
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)

def child_is_killed():
    psutil.Process().children()[0].kill()
    child_ends()

plain = [api.LineageSource("main", location)]
exec_(before)
with api.reading_beside(plain) as sources:
    exec_(meanwhile)
    found = listed(sources)
    again = listed(sources)
try:
    left = bool(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    left = False
done = {"forks": len(forks), "left": left, "same": found == listed(plain), "again": again == listed(plain)}
if isinstance(found, str):
    done["error"] = found
else:
    for alteration in found:
        try:
            read_script(alteration)
        except CatalogueError as error:
            done["changed"] = str(error)
print(json.dumps(done))
"""
"""Reads a folder beside something else, in a process of its own: one of the tests' own may have threads."""

ONCE = {"forks": 1, "left": False, "same": True, "again": True}
NEVER = {**ONCE, "forks": 0}


def read(folder: Folder, *, before: str = "pass", meanwhile: str = "pass") -> dict[str, Any]:
    """What CODE finds where this is done before the reading begins, and this while it goes on."""
    command = [sys.executable, "-c", CODE, str(folder.path), before, meanwhile]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return dict(json.loads(done.stdout))


@pytest.fixture
def many(folder: Folder) -> Folder:
    """A folder of many files, odd ones among them."""
    for i in range(MANY):
        folder.write(f"1.{i % 7}.0-{1_700_000_000 + i}-t{i}.py", f"# {i}\n")
    folder.write("1.0.0-1600000000-empty.sql", "")
    folder.write("next-17-früh.sql", "-- sartor: up\r\n-- sartor: down\r\n")
    folder.write("1.10.0_rc.1-1700000000.5-large.py", "# large\n" * 40_000)
    folder.write("README.md", "none\n")
    folder.write("seeds.py/none.py", "")
    return folder


def break_one(folder: Folder, name: str) -> Path:
    """Make a dead link of the first file, the last, or one between."""
    file = folder.path / name
    file.unlink(missing_ok=True)
    file.symlink_to(folder.path / "gone.py")
    return file


@pytest.mark.parametrize("meanwhile", ["pass", "child_ends()", "child_is_killed()"])
def test_the_lineage_is_the_same(many: Folder, meanwhile: str) -> None:
    """Whoever reads how much of it, the lineage is as if one had read it, for once; and the child is gone."""
    assert read(many, meanwhile=meanwhile) == ONCE


@pytest.mark.parametrize("meanwhile", ["pass", "child_ends()", "child_is_killed()"])
@pytest.mark.parametrize("name", ["1.0.0-1-first.py", "1.3.0-1700001053-t1053.py", "next-2-last.py"])
def test_errors_are_the_same(many: Folder, name: str, meanwhile: str) -> None:
    """A file that can't be read is told as it is without a child, wherever in the order it stands."""
    break_one(many, name)
    done = read(many, meanwhile=meanwhile)
    assert f"{name} can't be read" in done.pop("error")
    assert done == ONCE


def test_a_slip_in_a_name(many: Folder) -> None:
    """A file that is misnamed is told likewise."""
    many.write("1.0.0_nightly-1-a.sql", "")
    done = read(many)
    assert "1.0.0_nightly-1-a.sql" in done.pop("error")
    assert done == ONCE


def test_a_file_that_changes_meanwhile(many: Folder) -> None:
    """What runs is what was read: a file that changed since then is found when its turn comes."""
    change = "child_ends(); open(f'{location}/1.1.0-1700000001-t1.py', 'w').write('# other')"
    done = read(many, meanwhile=change)
    assert "1.1.0-1700000001-t1.py changed while the run was going on" in done.pop("changed")
    assert done == {**ONCE, "same": False}


def test_what_is_not_taken(many: Folder) -> None:
    """Where nobody asks for the lineage, as another error came first, the child is gone as well."""
    assert read(many, meanwhile="sources = plain") == ONCE


@pytest.mark.parametrize(
    "before",
    [
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "location = 'nowhere.at_all'; plain = [api.LineageSource('main', location)]",
    ],
)
def test_where_nothing_is_forked(many: Folder, before: str) -> None:
    """No process with other threads is copied, nor one that doesn't wait for its children; nor one for no folder."""
    assert {**NEVER, "error": ""} == {**read(many, before=before), "error": ""}


def test_few_files_need_no_child(folder: Folder) -> None:
    """Where a child would cost more than it saves, there is none."""
    for i in range(9):
        folder.table(f"1.0.0-{1_700_000_000 + i}-t{i}.py")
    assert read(folder) == NEVER


def test_no_descriptor_is_used(many: Folder) -> None:
    """The two share memory alone: no descriptor is opened for the reading."""
    count = "opened = len(os.listdir('/proc/self/fd'))"
    assert read(many, before=count, meanwhile="assert len(os.listdir('/proc/self/fd')) == opened") == ONCE
