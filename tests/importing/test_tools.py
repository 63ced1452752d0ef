"""Tests of how the files and tables of other tools are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import sartor
from sartor.errors import CatalogueError, UsageError
from sartor.importing.alteration_text import alteration_text
from sartor.importing.files import write_import
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.tool import ReadOptions
from sartor.importing.tools import TOOLS, find_tool

OFF = "-- sartor: transaction off\n"


def read(tool: str, folder: Path, files: Mapping[str, str]) -> Reading:
    """What a tool's folder with these files gives."""
    for name, text in files.items():
        (folder / name).write_text(text, newline="")
    return find_tool(tool).read(folder, ReadOptions())


def applied(tool: str, scripts: tuple[ForeignScript, ...], *rows: Mapping[str, Any]) -> Applied:
    """What the tool's table with these rows means."""
    return find_tool(tool).interpret(rows, scripts)


def test_goose(tmp_path: Path) -> None:
    """Versions are numbers, sections are told by annotations, and a program in Go is to be written by hand."""
    function = "create function f() returns int language sql as $$ select 1; $$;\n"
    begin, end = "-- +goose StatementBegin\n", "-- +goose StatementEnd\n"
    reading = read(
        "goose",
        tmp_path,
        {
            "00002_b.sql": f"-- +goose Up\n{begin}{function}{end}-- +goose down\n",
            "1_a.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nvacuum;\n-- +goose Down\nvacuum;\n",
            "10_c.go": "package migrations\n",
            "10_c_test.go": "package migrations\n",
            "00011_d.sql": "-- +goose ENVSUB ON\n-- +goose Up\nselect ${X};\n",
        },
    )
    assert [(each.version, each.slug, each.transaction_up) for each in reading.scripts] == [
        ("1", "a", False),
        ("2", "b", True),
        ("10", "c", None),
    ]
    assert reading.scripts[1].up == function
    assert (reading.scripts[1].down, reading.scripts[2].by_hand) == (None, "it is a program in Go")
    assert ["ENVSUB" in each for each in reading.refused] == [True]
    rows = [{"version": v, "is_applied": on} for v, on in (("0", True), ("1", True), ("2", False), ("12", True))]
    found = applied("goose", reading.scripts, *rows)
    assert (set(found.versions), len(found.refused)) == ({"1"}, 1)


def test_a_statement_of_goose_without_a_semicolon(tmp_path: Path) -> None:
    """What stands between StatementBegin and StatementEnd ends there; its lines end as goose sends them."""
    begin, end = "-- +goose StatementBegin\r\n", "-- +goose StatementEnd\r\n"
    function = "create function f() returns int language sql as $$ select 1;\r\n $$"
    text = f"-- +goose Up\r\n{begin}{function}\r\n{end}{begin}select 1; -- a\r\n{end}select 2;\r\n"
    reading = read("goose", tmp_path, {"00000000000001_a.sql": text})
    lines = function.replace("\r\n", "\n")
    assert [(each.version, each.up) for each in reading.scripts] == [("1", f"{lines}\n;\nselect 1; -- a\nselect 2;\n")]


def test_dbmate(tmp_path: Path) -> None:
    """SQL stays as it is byte for byte, the ends of its lines too, and options count."""
    text = "-- migrate:up transaction:false\r\nselect '\r\n';\r\n-- migrate:downwards\r\n-- migrate:down\r\nselect 1;"
    (script,) = read("dbmate", tmp_path, {"1_a.sql": text}).scripts
    assert (script.up, script.down) == ("select '\r\n';\r\n-- migrate:downwards\r\n", "select 1;")
    assert (script.transaction_up, script.transaction_down) == (False, True)


def test_golang_migrate(tmp_path: Path) -> None:
    """A pair is one migration; the table's one version means all up to it, and a failed one is refused."""
    names = ("000001_a.up.sql", "000001_a.down.sql", "000002_b.up.sql", "000003_c.down.sql")
    reading = read("golang-migrate", tmp_path, dict.fromkeys(names, "select 1;\n"))
    assert [(each.version, each.down is None) for each in reading.scripts] == [("1", False), ("2", True)]
    assert len(reading.refused) == 1
    assert applied("golang-migrate", reading.scripts, {"version": "1", "dirty": False}).versions == {"1"}
    assert applied("golang-migrate", reading.scripts) == Applied(frozenset())
    assert "dirty" in applied("golang-migrate", reading.scripts, {"version": "2", "dirty": True}).refused[0]
    assert applied("golang-migrate", reading.scripts, {"version": "9", "dirty": False}).refused


def test_sqlx(tmp_path: Path) -> None:
    """A file that changed since it was run is noted, one that failed is refused."""
    names = {"1_a.sql": "select 1;\n", "2_b.up.sql": "-- no-transaction\nvacuum;\n", "2_b.down.sql": "vacuum;\n"}
    reading = read("sqlx", tmp_path, names)
    assert [(each.transaction_up, each.down) for each in reading.scripts] == [(True, None), (False, "vacuum;\n")]
    checksum = hashlib.sha384(b"select 1;\n").hexdigest()
    rows = [{"version": "1", "success": True, "checksum": checksum}, {"version": "2", "success": True, "checksum": ""}]
    found = applied("sqlx", reading.scripts, *rows)
    assert (set(found.versions), found.refused, len(found.notes)) == ({"1", "2"}, (), 1)
    assert applied("sqlx", reading.scripts, {"version": "2", "success": False, "checksum": ""}).refused


def test_a_folder_of_sql(tmp_path: Path) -> None:
    """Files run in the order of their names, and a row names its file in any of its columns."""
    outside = "-- migrate:run-in-tx false\nselect 1;\n"
    reading = read("sql", tmp_path, {"010_z.sql": "select 1;\n", "006_b.sql": outside, "006_a.up.sql": "select 1;\n"})
    assert [each.version for each in reading.scripts] == ["006_a.up.sql", "006_b.sql", "010_z.sql"]
    assert [each.transaction_up for each in reading.scripts] == [None, False, None]
    rows = ({"row": json.dumps({"id": 1, "name": name})} for name in ("006_a.up.sql", "010_z", "011_gone.sql"))
    found = applied("sql", reading.scripts, *rows)
    assert (set(found.versions), len(found.refused)) == ({"006_a.up.sql", "010_z.sql"}, 1)
    with pytest.raises(UsageError, match="a way back"):
        read("sql", tmp_path, {"011_x.down.sql": ""})


DOUBLES = {
    "dbmate": ("-- migrate:up\nselect 1;\n", "1_a.sql", "1_b.sql"),
    "goose": ("-- +goose Up\nselect 1;\n", "1_a.sql", "01_b.sql"),
    "golang-migrate": ("select 1;\n", "1_a.up.sql", "01_b.up.sql"),
    "sqlx": ("select 1;\n", "1_a.sql", "1_b.up.sql"),
}


@pytest.mark.parametrize("tool", DOUBLES)
def test_one_version_twice(tool: str, tmp_path: Path) -> None:
    """Of two files with one version none is passed over: the tool runs no such folder, and neither is it imported."""
    text, *names = DOUBLES[tool]
    reading = read(tool, tmp_path, dict.fromkeys(names, text))
    assert len(reading.refused) == 1
    assert all(name in reading.refused[0] for name in names)


@pytest.mark.parametrize(
    ("tool", "name"), [("sql", "1_a.sql"), ("pairs", "1_a.up.sql"), ("flyway", "V1__a.sql"), ("dbmate", "1_a.sql")]
)
def test_no_file_is_passed_over(tool: str, name: str, tmp_path: Path) -> None:
    """A link to nothing is refused, and a file with a line's end in its name is read as any other."""
    (tmp_path / name).symlink_to("nowhere")
    other = name.replace("1", "2").replace("a", "a\nb")
    refused = read(tool, tmp_path, {other: "-- migrate:up\nselect 1;\n"})
    assert [("can't be read" in each) for each in refused.refused] == [True]
    assert [Path(each.source).name for each in refused.scripts] == [other]


@pytest.mark.parametrize("tool", TOOLS)
def test_an_empty_folder(tool: str, tmp_path: Path) -> None:
    """A folder without the tool's migrations says which files are expected."""
    with pytest.raises(UsageError) as caught:
        find_tool(tool).read(tmp_path, ReadOptions())
    assert caught.value.hint


@pytest.mark.parametrize(
    ("up", "inside", "section"),
    [
        ("begin; create table t (); commit;", None, " create table t (); \n"),
        (
            "begin; select 1; commit; select 2;",
            True,
            f"{OFF}begin; select 1; commit; select 2;\n",
        ),
        (
            "create index concurrently i on t (a)",
            None,
            f"{OFF}create index concurrently i on t (a)\n",
        ),
        ("create table t ();", False, f"{OFF}create table t ();\n"),
        ("-- nothing", None, "-- nothing\nselect 'nothing to do';\n"),
    ],
)
def test_sections(up: str, inside: bool | None, section: str) -> None:
    """SQL stays as it is, but for a transaction around all of it; what refuses one runs outside."""
    text = alteration_text(ForeignScript("1", "a", up, None, "a.sql", transaction_up=inside, irreversible="why"))
    assert text == f"-- sartor: up\n{section}\n-- sartor: irreversible why\n"


def test_two_imports_at_once(tmp_path: Path) -> None:
    """What another process imported since it was planned isn't written again under another release."""
    folder, written = str(tmp_path / "db"), str(tmp_path / "alterations")
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "1_a.sql").write_text("select 1;\n")
    plans = [sartor.preview_import("sql", folder, written, version=each) for each in ("1.0", "2.0")]
    write_import(plans[0])
    with pytest.raises(CatalogueError, match=r"1\.0-1-a\.sql was made meanwhile; nothing was written"):
        write_import(plans[1])
    assert [each.name for each in Path(written).glob("*")] == ["1.0-1-a.sql"]


@pytest.mark.parametrize("up", ["insert into t values ('", "/* open", "copy t from stdin;\n1"])
def test_sql_that_is_not_closed(up: str, tmp_path: Path) -> None:
    """What a migration leaves open at its end doesn't swallow what stands behind it, down included: it is refused."""
    (tmp_path / "1_a.up.sql").write_text(f"{up}\n")
    for down in ("select '1'; /* */\n", ""):
        (tmp_path / "1_a.down.sql").write_text(down)
        refused = sartor.preview_import("golang-migrate", tmp_path, str(tmp_path / "new"), version="1.0").refused
        assert len(refused) == 1
        assert "1_a.up.sql: " in refused[0]
