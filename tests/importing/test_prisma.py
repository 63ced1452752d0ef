from pathlib import Path

import pytest

from sartor.errors import UsageError
from sartor.importing.prisma import checksums, interpret, read
from sartor.importing.tool import ReadOptions

NONE = ReadOptions()


def write(folder: Path, **migrations: str) -> Path:
    for name, text in migrations.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "migration.sql").write_text(text)
    return folder


def row(name: str, text: str = "", *, finished: bool = True, undone: bool = False) -> dict[str, object]:
    return {"migration_name": name, "checksum": checksums(text)[0], "finished": finished, "undone": undone}


@pytest.mark.parametrize("below", ["", "migrations", "prisma/migrations"])
def test_reads_a_project(tmp_path: Path, below: str) -> None:
    """The project's folder does as well as that of its migrations; they come in the order of their names."""
    write(tmp_path / below, _20240103000000_b="b", _20240102000000_a="a")
    assert [(each.version, each.up) for each in read(tmp_path, NONE).scripts] == [
        ("_20240102000000_a", "a"),
        ("_20240103000000_b", "b"),
    ]
    assert read(tmp_path, NONE).scripts[0].irreversible


def test_what_is_not_for_postgres_is_refused(tmp_path: Path) -> None:
    """Migrations of another provider, and folders without a script, are refused by name."""
    write(tmp_path, a="a")
    (tmp_path / "b").mkdir()
    (tmp_path / "migration_lock.toml").write_text('provider = "mysql"\n')
    refused = read(tmp_path, NONE).refused
    assert ["mysql" in refused[0], "b: it has no migration.sql" in refused[1]] == [True, True]
    with pytest.raises(UsageError):
        read(tmp_path / "b", NONE)


def test_the_table_says_what_was_run(tmp_path: Path) -> None:
    """What was finished and not marked undone was run; a failed one is refused; an edited one is told."""
    scripts = read(write(tmp_path, a="a", b="b", c="c"), NONE).scripts
    found = interpret([row("a", "a"), row("b", undone=True, finished=False), row("b", "x")], scripts)
    assert found.versions == {"a", "b"}
    assert [note.endswith("edited since Prisma ran it") for note in found.notes] == [True]
    refused = interpret([row("c", finished=False), row("z")], scripts).refused
    assert [each.partition(":")[0] for each in refused] == ["c", "z"]


def test_checksums_do_not_depend_on_the_ends_of_lines() -> None:
    """A file that git has given other ends of lines isn't edited."""
    assert checksums("hello")[0] == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert checksums("a\r\nb\r\n")[0] in checksums("a\nb\n")
    assert checksums("a\nb\n")[0] in checksums("a\r\nb\r\n")
    assert checksums("a")[0] not in checksums("a\n")
