from pathlib import Path

import pytest

from sartor.errors import UsageError
from sartor.importing.pairs import interpret, read
from sartor.importing.tool import ReadOptions

NONE = ReadOptions()
FORMS = {
    "side by side": ("{}.up.sql", "{}.down.sql"),
    "in folders": ("up/{}.sql", "down/{}.sql"),
    "a folder each": ("{}/up.sql", "{}/down.sql"),
}


def write(folder: Path, form: str, *names: str) -> Path:
    for name in names:
        for place in FORMS[form]:
            file = folder / place.format(name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"-- {place}")
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_reads_each_form(tmp_path: Path, form: str) -> None:
    """Pairs come in the order of their numbers, however long, each with its way back."""
    reading = read(write(tmp_path, form, "10_c", "9_b", "0001_a"), NONE)
    assert [each.version for each in reading.scripts] == ["0001_a", "9_b", "10_c"]
    assert [each.down for each in reading.scripts] == [f"-- {FORMS[form][1]}"] * 3
    assert not reading.refused


def test_dates_of_any_length_are_in_order(tmp_path: Path) -> None:
    """A date counts as one with hyphens and with further digits."""
    names = ["20240102030405_a", "2024-02-02-030405_b", "2024-03-02-030405-0000_c", "20240402030405_d"]
    assert [each.version for each in read(write(tmp_path, "a folder each", *names), NONE).scripts] == names


def test_halves_are_told(tmp_path: Path) -> None:
    """A down without an up is refused; an up without a down can't be undone."""
    write(tmp_path, "side by side", "1_a", "2_b")
    (tmp_path / "1_a.down.sql").unlink()
    (tmp_path / "2_b.up.sql").unlink()
    reading = read(tmp_path, NONE)
    assert reading.scripts[0].irreversible
    assert "2_b.down.sql: it has no up script" in reading.refused[0]
    with pytest.raises(UsageError, match="no pair"):
        read(tmp_path / "elsewhere", NONE)


@pytest.mark.parametrize("value", ["0002_b", "2", "0002", "0002_b.up.sql", "0002_b.sql"])
def test_a_table_may_name_them_in_many_ways(tmp_path: Path, value: str) -> None:
    """A row names a pair by its name, its number or its file."""
    scripts = read(write(tmp_path, "side by side", "0001_a", "0002_b"), NONE).scripts
    assert interpret([{"version": value}], scripts).versions == {"0002_b"}
    assert "3: the database has it" in interpret([{"version": "3"}], scripts).refused[0]


def test_diesel_names_them_by_their_date(tmp_path: Path) -> None:
    """Diesel's table has the digits of a folder's name; a number of two pairs names neither."""
    names = ["2024-01-02-030405_a", "2024-01-02-030406-0000_b", "7_c", "7_d"]
    scripts = read(write(tmp_path, "a folder each", *names), NONE).scripts
    found = interpret([{"version": each} for each in ("20240102030405", "202401020304060000", "7")], scripts)
    assert found.versions == set(names[:2])
    assert len(found.refused) == 1
