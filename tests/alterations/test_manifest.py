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
from sartor.alterations.manifest import add_lines, change_manifest, check, read_manifest
from sartor.alterations.release_list import NAME
from sartor.domain.alteration import Catalogue, Lineage
from sartor.domain.manifest import Line, Manifest
from sartor.domain.proof import Result
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
    assert read_manifest(lineage).lines == {line.id: line for line in lines}
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
    assert list(read_manifest(lineage).lines) == ["999-z", "1700000000-a", "1700000000-b", "1700000000.5-a"]


def test_unreleased_lines_go_with_their_file(tmp_path: Path) -> None:
    """The line of an unreleased alteration that has no file any more goes; a released one's stays, and is missing."""
    lineage = empty(tmp_path / "a")
    for release in ("next", "1.0"):
        add_lines(lineage, [Line(f"17-{release}", Release.parse(release), "sha256:" + 64 * "a")])
    assert list(read_manifest(lineage).lines) == ["17-1.0"]
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
    assert list(read_manifest(lineage).lines) == ["18-b"]


def test_a_proof_that_ends_after_the_release(tmp_path: Path) -> None:
    """A proof of the `next` file, written after the release, leaves the alteration released; a later release counts."""
    lineage = empty(tmp_path / "a")
    cut, proof, other = (
        Line("17-a", Release.parse(text), "sha256:" + 64 * "a", Result.PROVED, server)
        for text, server in (("1.0.0", 17), ("next", 18), ("1.1.0", 18))
    )
    add_lines(lineage, [cut])
    add_lines(lineage, [proof])
    assert read_manifest(lineage).lines["17-a"] == cut._replace(server=18)
    add_lines(lineage, [other])
    assert read_manifest(lineage).lines["17-a"] == other


def test_several_at_once(tmp_path: Path) -> None:
    """What several processes write at once is all there."""
    lineage = empty(tmp_path / "a")
    lines = [Line(f"{number}-a", Release.parse("1.0"), "sha256:" + 64 * "a") for number in range(100, 160)]
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(partial(add_lines, lineage), [[line] for line in lines]))
    assert list(read_manifest(lineage).lines.values()) == lines


@pytest.mark.parametrize(
    "text",
    [
        "format = 1",
        "format = 1\nalterations = 3",
        'format = 1\n[alterations]\n"1-a" = { release = "1.0", checksum = "x", proof = "nearly" }',
        'format = 1\n[alterations]\n"1-a" = { release = "soon", checksum = "x" }',
        'format = 1\n[alterations]\n"1-a" = { release = "1.0" }',
        "<<<<<<< HEAD",
        'format = 1\nreleases = ["soon"]\n[alterations]',
        'format = 1\nreleases = ["next"]\n[alterations]',
        "format = 1\nreleases = [1]\n[alterations]",
        "format = 1\nreleases = 3\n[alterations]",
        'releases = ["1.0"]\n[alterations]',
        'format = 1\nreleasing = "soon"\n[alterations]',
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


RELEASES = st.lists(st.sampled_from(["1.0.0", "1.1.0-beta.1", "1.1.0", "2026.11"]).map(Release.parse), unique=True)


@settings(deadline=None, max_examples=20)  # each is put on the disk
@given(st.none() | RELEASES, st.none() | st.just(Release.parse("3.0")), st.lists(LINES, unique_by=lambda line: line.id))
def test_releases_kept(
    tmp_path_factory: pytest.TempPathFactory, releases: list[Release] | None, cut: Release | None, lines: list[Line]
) -> None:
    """A list of releases is read as it was written, in order, whatever the proofs; an empty list isn't none."""
    lineage = empty(tmp_path_factory.getbasetemp() / "releases")
    kept = Manifest({line.id: line for line in lines}, None if releases is None else tuple(releases), cut)
    change_manifest(lineage, lambda _: kept)
    add_lines(lineage, lines)
    found = read_manifest(lineage)
    assert found == kept._replace(releases=None if releases is None else tuple(sorted(releases)))
    assert read_lineage("main", lineage.location).releases == found.releases


def test_releases_of_two_branches(tmp_path: Path) -> None:
    """A merge keeps both lines, in any order, each once or twice; a list that a merge has broken is refused."""
    empty(tmp_path)
    file = tmp_path / NAME
    text = 'format = 1\nreleases = [\n    "1.1.0",\n    "1.0.1",\n    "1.0.1",\n]\n\n[alterations]\n'
    file.write_text(text)
    assert [r.label for r in read_lineage("main", str(tmp_path)).releases or ()] == ["1.0.1", "1.1.0"]
    file.write_text(text.replace('    "1.1.0"', '<<<<<<< HEAD\n    "1.1.0"'))
    with pytest.raises(CatalogueError, match=f"{file} isn't a valid manifest"):
        read_lineage("main", str(tmp_path))
    file.write_text(text.replace("format = 1", "format = 2"))
    with pytest.raises(CatalogueError, match="has format 2"):
        read_lineage("main", str(tmp_path))


def test_unlisted(tmp_path: Path) -> None:
    """A file that got a release's name by hand contradicts a manifest that doesn't list the release."""
    lineage = empty(tmp_path / "a")
    (tmp_path / "a" / "1.0.0-17-a.sql").write_text("select 1")
    (tmp_path / "a" / "next-18-b.sql").write_text("select 1")
    change_manifest(lineage, lambda manifest: manifest._replace(releases=(Release.parse("0.9"),)))
    found = check(Catalogue((read_lineage("main", lineage.location),)))
    assert [a.id for a in found.unlisted] == ["17-a"]
    assert found.contradicts
    change_manifest(lineage, lambda manifest: manifest._replace(releases=(Release.parse("1.0"),)))
    assert not check(Catalogue((read_lineage("main", lineage.location),))).contradicts
