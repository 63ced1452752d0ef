from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.errors import UsageError
from sartor.importing.flyway import read, substitute
from sartor.importing.flyway_history import checksum, interpret
from sartor.importing.flyway_names import is_callback, parse_name, version_key
from sartor.importing.tool import ReadOptions

NONE = ReadOptions()


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def row(version: str | None, **more: object) -> dict[str, object]:
    return {"version": version, "description": "x", "type": "SQL", "checksum": None, "success": True, **more}


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4), st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_versions_are_compared_as_numbers(one: list[int], other: list[int]) -> None:
    """A version's numbers count, whatever separates them, and zeros at the end don't."""
    shorter = min((one, other), key=len)
    padded = [each + [0] * (4 - len(each)) for each in (one, other)]
    keys = [version_key("_".join(map(str, one))), version_key(".".join(f"0{each}" for each in other))]
    assert (keys[0] < keys[1]) == (padded[0] < padded[1])
    assert version_key(".".join(map(str, [*shorter, 0]))) == version_key("_".join(map(str, shorter)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("V1_2__add_users.sql", ("V", "1_2", "add users")),
        ("V20240102.03__x__y.sql", ("V", "20240102.03", "x  y")),
        ("U3__back.sql", ("U", "3", "back")),
        ("R__views_of_agents.sql", ("R", "", "views of agents")),
        ("B5__base.SQL", ("B", "5", "base")),
    ],
)
def test_names_are_parsed(name: str, expected: tuple[str, str, str]) -> None:
    """Prefix, version and description are told apart at the first two underscores."""
    parsed = parse_name(name)
    assert parsed is not None
    assert parsed[:3] == expected


@pytest.mark.parametrize(
    "name", ["V1_users.sql", "V__users.sql", "v1__users.sql", "R1__x.sql", "Vx__users.sql", "users.sql"]
)
def test_other_files_are_no_migrations(name: str) -> None:
    """A file that Flyway wouldn't run isn't taken for a migration."""
    assert parse_name(name) is None


def test_callbacks_are_known() -> None:
    """A callback is known by its event, with or without a description."""
    assert is_callback("beforeMigrate.sql")
    assert is_callback("afterEachMigrate__grants.sql")
    assert not is_callback("before.sql")


def test_reads_in_flyways_order(tmp_path: Path) -> None:
    """Versions come in the order of their numbers, undo scripts as their downs, repeatable ones last by description."""
    write(tmp_path / "a", V10__c="3", V2__b="2", V1__a="1", R__z="z", R__v="v")
    write(tmp_path / "b", U2__b="undo 2", V1_5__later="1.5")
    reading = read(tmp_path, NONE)
    assert [(each.version, each.up, each.down) for each in reading.scripts] == [
        ("1", "1", None),
        ("1.5", "1.5", None),
        ("2", "2", "undo 2"),
        ("10", "3", None),
        ("v", "v", None),
        ("z", "z", None),
    ]
    assert reading.scripts[0].irreversible
    assert not reading.refused
    assert [each.version for each in read(Path(f"{tmp_path}/a,{tmp_path}/b"), NONE).scripts][:2] == ["1", "1.5"]


def test_what_cannot_be_carried_over_is_told_by_name(tmp_path: Path) -> None:
    """Java is to be written by hand; doubled versions and conditions are refused; the rest is noted."""
    write(tmp_path, V1__a="1", V1_0__again="1", U9__x="u", B1__base="b", beforeMigrate="x", notes="n", V2__if="2")
    (tmp_path / "V3__Code.java").write_text("class V3__Code {}")
    (tmp_path / "V2__if.sql.conf").write_text("shouldExecute=${env}==prod\n")
    reading = read(tmp_path, NONE)
    refused, notes = "\n".join(reading.refused), "\n".join(reading.notes)
    assert all(name in refused for name in ("V1__a.sql", "V1_0__again.sql", "V2__if.sql.conf"))
    assert [each.by_hand for each in reading.scripts if each.version == "3"] == ["it is a program (.java)"]
    assert all(name in notes for name in ("U9__x.sql", "B1__base.sql", "beforeMigrate.sql", "notes.sql"))


def test_the_file_beside_a_script_decides(tmp_path: Path) -> None:
    """`.conf` takes a script out of its transaction, and turns placeholders off."""
    write(tmp_path, V1__a="select '${x}'")
    (tmp_path / "V1__a.sql.conf").write_text("# why\nexecuteInTransaction=false\nplaceholderReplacement=false\n")
    (script,) = read(tmp_path, NONE).scripts
    assert script.transaction_up is False
    assert script.up == "select '${x}'"


def test_placeholders(tmp_path: Path) -> None:
    """A placeholder is replaced wherever it stands; one without a value is refused by name, but for comments."""
    assert substitute("select '${a}' -- ${b}\n, ${c}, ${c}", {"a": "1"}) == ("select '1' -- ${b}\n, ${c}, ${c}", ["c"])
    write(tmp_path, V1__a="set x = ${role}")
    (reason,) = read(tmp_path, NONE).refused
    assert "--placeholder role=" in reason
    assert read(tmp_path, ReadOptions(placeholders={"role": "app"})).scripts[0].up == "set x = app"


def test_a_baseline_migration_stands_where_the_others_are_gone(tmp_path: Path) -> None:
    """A baseline whose migrations were removed is the first script."""
    write(tmp_path, B5__base="b", V6__next="6")
    assert [each.version for each in read(tmp_path, NONE).scripts] == ["5", "6"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder without migrations is an error, not an import of nothing."""
    with pytest.raises(UsageError, match="no migration of Flyway"):
        read(tmp_path, NONE)


def test_the_history_says_what_was_run(tmp_path: Path) -> None:
    """A baseline stands for all below it; what was undone or deleted isn't run; a failed or unknown one is refused."""
    write(tmp_path, V1__a="1", V2__b="2", V3__c="3", V4__d="4", V5__e="5")
    scripts = read(tmp_path, NONE).scripts
    rows = [row(None, type="SCHEMA"), row("2", type="BASELINE"), row("3", checksum=7), row("4")]
    found = interpret([*rows, row("5"), row("4", type="UNDO_SQL"), row("5", type="DELETE")], scripts)
    assert found.versions == {"1", "2", "3"}
    assert [note.split(": ")[1] for note in found.notes] == ["edited since Flyway ran it"]
    assert "V3__c" in found.notes[0]
    refused = interpret([row("3", success=False), row("9")], scripts).refused
    assert [each.partition(":")[0] for each in refused] == ["3", "9 (x)"]


def test_a_repeatable_migration_counts_where_its_text_was_run(tmp_path: Path) -> None:
    """A repeatable migration that was changed since its last run is pending."""
    scripts = read(write(tmp_path, R__views="create or replace view v as select 1;\n"), NONE).scripts
    ran = row(None, description="views", checksum=int(scripts[0].checksums[0]))
    assert interpret([ran], scripts).versions == {"views"}
    assert interpret([{**ran, "checksum": 1}], scripts).versions == frozenset()


def test_checksums_are_flyways() -> None:
    """The checksum is the one that Flyway 13 recorded, whatever the ends of lines."""
    assert checksum("create table users (id bigint primary key);\n") == -2060162605
    view = "create or replace view v as select id from users;\r\n-- bye\r\n"
    assert checksum(view) == checksum("\ufeff" + view.replace("\r\n", "\n")) == -2030322106
