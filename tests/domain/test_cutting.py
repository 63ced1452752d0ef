"""How a release is cut, for any files and any manifest."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import Lineage
from sartor.domain.cutting import Obstacle, ObstacleKind, ReleasePlan, parse_version, plan_release, require_releasable
from sartor.domain.manifest import Line, Manifest
from sartor.domain.proof import Result
from sartor.domain.release import Release
from sartor.errors import ReleaseContradicted, ReleaseRefused, TargetError
from support.ledgers import lineage

A, B, C = "1.0.0-1-a.sql", "next-2-b.sql", "next-3-c.py"
V1, V11, V2 = map(Release.parse, ("1.0.0", "1.1.0", "2.0.0"))


def proved(shipped: Lineage, releases: tuple[Release, ...] | None = None) -> Manifest:
    """A manifest where each of the files is proved."""
    lines = {a.id: Line(a.id, a.release, a.checksum, Result.PROVED, 18) for a in shipped.alterations}
    return Manifest(lines, releases)


def plan(*names: str, release: Release = V11, releases: tuple[Release, ...] | None = None) -> ReleasePlan:
    shipped = lineage(*names)
    return plan_release(shipped, proved(shipped, releases), release)


def test_all_that_is_next() -> None:
    """All `next` files get the release's name, with `_` for `-`, and are frozen with their proofs; others stay."""
    found = plan(A, B, C, release=Release.parse("1.1.0-beta.1"), releases=(V1,))
    assert [each.name for each in found.renamings] == ["1.1.0_beta.1-2-b.sql", "1.1.0_beta.1-3-c.py"]
    assert [(line.id, line.release.label, line.proof, line.server) for line in found.frozen] == [
        ("2-b", "1.1.0-beta.1", Result.PROVED, 18),
        ("3-c", "1.1.0-beta.1", Result.PROVED, 18),
    ]
    assert found.before == proved(lineage(A, B, C), (V1,))
    assert found.manifest.releases == (V1, Release.parse("1.1.0-beta.1"))
    assert all(line.binds for line in found.manifest.lines.values())
    assert not found.obstacles
    require_releasable(found)


def test_a_release_without_alterations() -> None:
    """A release needs no alterations: it is listed, and a note says whose schema it has."""
    found = plan(A, releases=(V1,))
    assert (found.renamings, found.frozen, found.manifest.releases) == ((), (), (V1, V11))
    assert found.notes == ("no alteration belongs to release 1.1.0; it has the schema of 1.0.0",)
    assert plan().notes == ("no alteration belongs to release 1.1.0; there is no earlier one either",)


def test_the_first_list() -> None:
    """Where releases were cut by hand so far, the first list has them all, and their files are frozen as well."""
    shipped = lineage(A, "1.0.1-1.5-x.sql", B)
    found = plan_release(shipped, Manifest({"2-b": proved(shipped).lines["2-b"]}), V11)
    assert found.manifest.releases == (V1, Release.parse("1.0.1"), V11)
    assert [(line.id, line.proof) for line in found.frozen] == [("1-a", None), ("1.5-x", None), ("2-b", Result.PROVED)]
    adopted = plan_release(lineage(A), Manifest(), V1)
    assert (adopted.renamings, adopted.manifest.releases, adopted.obstacles) == ((), (V1,), ())


def test_again() -> None:
    """A release that was cut is cut once: asking again does nothing, unless new files would change it."""
    found = plan(A, releases=(V1,), release=V1)
    assert (found.done, found.renamings, found.frozen) == (True, (), ())
    for releases in ((V1,), None):
        with pytest.raises(TargetError, match=r"1.0.0 is released already, and can't take in next-2-b.sql and 1 more"):
            plan(A, B, C, releases=releases, release=V1)
        with pytest.raises(TargetError, match=r"can't take in next-2-b.sql$") as refused:
            plan(A, B, releases=releases, release=V1)
        assert refused.value.hint == "give a higher version than 1.0.0"


def test_out_of_order() -> None:
    """A release comes above all that are released: listed ones, else those of files; a final one above its beta."""
    for releases in ((V1, V2), None):
        with pytest.raises(TargetError, match=r"1.1.0 is out of order: 2.0.0 is released here") as refused:
            plan("2.0.0-1-a.sql", B, releases=releases)
        assert "release 1.1.0 on a branch that has no later release" in refused.value.hint
    assert not plan(A, "1.1.0_beta.1-2-b.sql", C, releases=(V1, Release.parse("1.1.0-beta.1"))).obstacles


def test_an_interrupted_release() -> None:
    """What a killed release has renamed belongs to it; no other release can be cut before it is finished."""
    shipped = lineage(A, "1.1.0-2-b.sql", C)
    manifest = proved(lineage(A, B, C))
    for releases in ((V1,), None):
        half = manifest._replace(releases=releases, releasing=V11)
        found = plan_release(shipped, half, V11)
        assert [a.id for a in found.alterations] == ["2-b", "3-c"]
        assert [each.name for each in found.renamings] == ["1.1.0-3-c.py"]
        assert (found.manifest.releases, found.manifest.releasing, found.obstacles) == ((V1, V11), None, ())
        assert found.files == ("next-2-b.sql", "next-3-c.py", "1.1.0-2-b.sql", "1.1.0-3-c.py")
        with pytest.raises(TargetError, match=r"the release of 1.1.0 was interrupted"):
            plan_release(shipped, half, V2)


def test_renamed_by_hand() -> None:
    """A file that has the release's name already belongs to it; one of another release that isn't listed doesn't."""
    assert [a.id for a in plan(A, "1.1.0-2-b.sql", C, releases=(V1,)).alterations] == ["2-b", "3-c"]
    found = plan(A, "1.0.5-2-b.sql", C, releases=(V1,))
    message = "1.0.5-2-b.sql has a release that the manifest doesn't list"
    assert found.obstacles == (Obstacle(ObstacleKind.UNLISTED, "2-b", message),)


@pytest.mark.parametrize("line", [None, Result.FAILS, "edited"])
def test_unproved(line: Result | str | None) -> None:
    """What isn't proved exactly as it is isn't released; the hint is the command that proves it."""
    shipped = lineage(A, B, C)
    manifest = proved(shipped, (V1,))
    one = manifest.lines["2-b"]
    new = {Result.FAILS: one._replace(proof=Result.FAILS), "edited": one._replace(checksum="x")}.get(line)
    lines = {key: each for key, each in manifest.lines.items() if key != "2-b"} | ({"2-b": new} if new else {})
    found = plan_release(shipped, manifest._replace(lines=lines), V11)
    with pytest.raises(ReleaseRefused, match=r"next-2-b.sql isn't proved in its current form") as refused:
        require_releasable(found)
    assert (refused.value.hint, refused.value.about, refused.value.exit_code) == ("first, `prove 2-b`", ("2-b",), 1)


def test_contradicted() -> None:
    """A released alteration that was edited or removed stops a release, with exit code 4."""
    shipped = replace(lineage(A, B), releases=(V1,))
    manifest = proved(lineage(A, "1.0.0-9-gone.sql", B), (V1,))
    lines = {**manifest.lines, "1-a": manifest.lines["1-a"]._replace(checksum="sha256:old")}
    found = plan_release(shipped, manifest._replace(lines=lines), V11)
    assert [each.kind for each in found.obstacles] == [ObstacleKind.EDITED, ObstacleKind.MISSING]
    with pytest.raises(ReleaseContradicted) as refused:
        require_releasable(found)
    assert refused.value.exit_code == 4


def test_many_reasons() -> None:
    """An error tells the first reasons, and of many alterations that aren't proved it says how to prove all."""
    few = lineage(*(f"next-{number}-a.sql" for number in range(5)))
    with pytest.raises(ReleaseRefused, match=r"next-4-a.sql isn't proved in its current form$") as refused:
        require_releasable(plan_release(few, Manifest(), V11))
    assert refused.value.hint == "first, `prove 0-a 1-a 2-a 3-a 4-a`"
    shipped = lineage(*(f"next-{number}-a.sql" for number in range(30)))
    with pytest.raises(ReleaseRefused, match=r"; and 25 more reasons$") as refused:
        require_releasable(plan_release(shipped, Manifest(), V11))
    assert refused.value.hint == "first, `prove --all`"


@pytest.mark.parametrize("text", ["next", "latest", "", "1.0.0-nightly", " 1.0.0", "1.0.0\n", "a/b", "../1.0", "1;x"])
def test_what_is_no_version(text: str) -> None:
    """What can't name a release, or its files, is refused."""
    what = "is a target, and no version" if text in {"next", "latest"} else "isn't a version"
    with pytest.raises(TargetError, match=re.escape(f"{text!r} {what}")) as refused:
        parse_version(text)
    assert "1.2.0" in refused.value.hint


NAMES = st.lists(st.sampled_from([A, B, C, "1.1.0-4-d.sql", "0.9-5-e.py"]), unique=True)
RELEASES = st.none() | st.lists(st.sampled_from([V1, V11, V2, Release.parse("0.9")]), unique=True).map(
    lambda found: tuple(sorted(found))
)


@given(NAMES, RELEASES, st.sampled_from([V1, V11, V2]))
def test_nothing_is_lost(names: list[str], releases: tuple[Release, ...] | None, release: Release) -> None:
    """A release keeps all lines and releases, adds itself, leaves no `next`, and a second one finds nothing to do."""
    shipped = lineage(*names)
    manifest = proved(shipped, releases)
    try:
        found = plan_release(shipped, manifest, release)
    except TargetError:
        return
    assert manifest.lines.keys() <= found.manifest.lines.keys()
    assert {*(releases or ()), release} <= {*(found.manifest.releases or ())}
    new = {each.alteration.name: each.name for each in found.renamings}
    after = replace(lineage(*(new.get(name, name) for name in names)), releases=found.manifest.releases)
    assert not any(a.release.unreleased for a in after.alterations)
    if found.obstacles:
        return
    again = plan_release(after, found.manifest, release)
    assert (again.done, again.renamings, again.frozen, again.obstacles) == (True, (), (), ())
