"""The manifest's file: what is written is what is read, a line an alteration."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor.alterations.files import read_lineage
from sartor.alterations.manifest import NAME, add_lines, check, read_manifest
from sartor.domain.alteration import Catalogue, Lineage
from sartor.domain.proof import Line, Result
from sartor.domain.release import Release
from sartor.errors import CatalogueError

IDS = st.from_regex(r"[0-9]{1,10}(\.[0-9]{1,3})?-[a-zé_][a-z.ü-]{0,9}", fullmatch=True)
LINES = st.builds(
    Line,
    id=IDS,
    release=st.sampled_from(["1.0.0", "2.0.0-beta.1", "2026.11"]).map(Release.parse),
    checksum=st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True),
    proof=st.none(),
    server=st.none(),
) | st.builds(
    Line,
    id=IDS,
    release=st.just(Release.parse("1.0.0")),
    checksum=st.just("sha256:" + 64 * "0"),
    proof=st.sampled_from([result for result in Result if result.good]),
    server=st.integers(13, 99),
)


def empty(folder: Path) -> Lineage:
    """The lineage in an empty folder."""
    folder.mkdir(exist_ok=True)
    (folder / NAME).unlink(missing_ok=True)
    return read_lineage("main", str(folder))


@settings(deadline=None, max_examples=30)  # each line is put on the disk
@given(st.lists(LINES, unique_by=lambda line: line.id, max_size=8), st.randoms())
def test_kept(tmp_path_factory: pytest.TempPathFactory, lines: list[Line], order: object) -> None:
    """What was written is what is read, in whichever order it was written; the file has a line for each."""
    lineage = empty(tmp_path_factory.getbasetemp() / "kept")
    for line in lines:
        add_lines(lineage, [line])
    assert read_manifest(lineage) == {line.id: line for line in lines}
    text = (Path(lineage.location) / NAME).read_text("utf-8") if lines else ""
    assert len(text.splitlines()) == (len(lines) + 4 if lines else 0)
    for line in sorted(lines, key=lambda _line: order.random()):  # type: ignore[attr-defined]
        add_lines(lineage, [line])
    assert not lines or (Path(lineage.location) / NAME).read_text("utf-8") == text


def test_in_order(tmp_path: Path) -> None:
    """The lines are in the order of their timestamps, whatever their number of digits: new ones come last."""
    lineage = empty(tmp_path / "a")
    for name in ("1700000000-b", "999-z", "1700000000.5-a", "1700000000-a"):
        add_lines(lineage, [Line(name, Release.parse("1.0"), "sha256:" + 64 * "a")])
    assert list(read_manifest(lineage)) == ["999-z", "1700000000-a", "1700000000-b", "1700000000.5-a"]


def test_unreleased_lines_go_with_their_file(tmp_path: Path) -> None:
    """The line of an unreleased alteration that has no file any more goes; a released one's stays, and is missing."""
    lineage = empty(tmp_path / "a")
    for release in ("next", "1.0"):
        add_lines(lineage, [Line(f"17-{release}", Release.parse(release), "sha256:" + 64 * "a")])
    assert list(read_manifest(lineage)) == ["17-1.0"]
    assert [line.id for line in check(Catalogue((lineage,))).missing] == ["17-1.0"]


@pytest.mark.parametrize("result", [Result.FAILS, Result.DIFFERS])
def test_a_bad_proof_binds_nobody(tmp_path: Path, result: Result) -> None:
    """What a proof has found wrong is there to be mended, or to go, whatever release its name says."""
    lineage = empty(tmp_path / "a")
    file = tmp_path / "a" / "1.0.0-17-a.sql"
    file.write_text("select 1")
    add_lines(lineage, [Line("17-a", Release.parse("1.0.0"), "sha256:" + 64 * "a", result, 18)])
    standing = check(Catalogue((read_lineage("main", lineage.location),)))
    assert not standing.contradicts
    assert [a.name for a in standing.unproved] == [file.name]
    file.unlink()
    assert not check(Catalogue((lineage,))).contradicts
    add_lines(lineage, [Line("18-b", Release.parse("1.0.0"), "sha256:" + 64 * "a")])
    assert list(read_manifest(lineage)) == ["18-b"]


def test_several_at_once(tmp_path: Path) -> None:
    """What several processes write at once is all there."""
    lineage = empty(tmp_path / "a")
    lines = [Line(f"{number}-a", Release.parse("1.0"), "sha256:" + 64 * "a") for number in range(100, 160)]
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(partial(add_lines, lineage), [[line] for line in lines]))
    assert list(read_manifest(lineage).values()) == lines


@pytest.mark.parametrize(
    "text",
    [
        "format = 1",
        "format = 1\nalterations = 3",
        'format = 1\n[alterations]\n"1-a" = { release = "1.0", checksum = "x", proof = "nearly" }',
        'format = 1\n[alterations]\n"1-a" = { release = "soon", checksum = "x" }',
        'format = 1\n[alterations]\n"1-a" = { release = "1.0" }',
        "<<<<<<< HEAD",
        "format = 2",
    ],
)
def test_no_manifest(tmp_path: Path, text: str) -> None:
    """What can't be read as a manifest is refused, by the file's name."""
    lineage = empty(tmp_path / "a")
    file = tmp_path / "a" / NAME
    file.write_text(text)
    with pytest.raises(CatalogueError, match=str(file)):
        read_manifest(lineage)


def test_no_half_file(tmp_path: Path) -> None:
    """Where the folder can't be written to, the manifest stays as it is, and nothing is left beside it."""
    lineage = empty(tmp_path / "a")
    (tmp_path / "a" / NAME).mkdir()
    with pytest.raises(CatalogueError):
        add_lines(lineage, [Line("1-a", Release.parse("1.0"), "sha256:" + 64 * "a")])
    assert [file.name for file in (tmp_path / "a").iterdir()] == [NAME]
