"""Proofs as values: what counts as a difference, which rows have changed, what a manifest makes of them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import Alteration, make_lineage
from sartor.domain.drift import find_differences
from sartor.domain.fingerprint import Fingerprint, SchemaObject, Scope
from sartor.domain.manifest import Line, Manifest, find_standing
from sartor.domain.proof import Deviation, Proof, Proofs, Result, Stage, changed_rows, told_apart
from sartor.domain.release import Release

TABLE = SchemaObject("table", "app.a", "", "table")
ORDER = SchemaObject("column order", "app.a", "table app.a", "id\nname")
ROWS = st.dictionaries(st.sampled_from("abc"), st.lists(st.sampled_from("xyz")).map(Counter), max_size=3)


def make(*objects: SchemaObject, schemas: tuple[str, ...] = ("app",)) -> Fingerprint:
    return Fingerprint.of(objects, schemas=schemas, scope=Scope.DATABASE, server=18)


def find(stage: Stage, expected: Fingerprint, found: Fingerprint) -> tuple[Deviation, ...]:
    return tuple(Deviation(stage, each) for each in find_differences(expected, found))


def test_a_schema_that_is_not_there() -> None:
    """A schema that a script made, or dropped, is compared as one that was empty."""
    before, after = make(TABLE), make(TABLE, SchemaObject("schema", "b", "", "schema"), schemas=("app", "b"))
    assert [d.label for d in find_differences(before, after)] == ["schema b"]
    assert find_differences(before, make(TABLE, schemas=("app", "b"))) == ()
    assert [d.label for d in find_differences(after, before)] == ["schema b"]


def test_notes() -> None:
    """Another order of columns is a note, a table that isn't there a difference."""
    differences, notes = told_apart(find(Stage.AGAIN, make(TABLE, ORDER), make(ORDER._replace(definition="name\nid"))))
    assert [each.difference.label for each in differences] == ["table app.a"]
    assert [each.difference.label for each in notes] == ["column order app.a"]


@given(ROWS, ROWS)
def test_rows(before: dict[str, Counter[str]], after: dict[str, Counter[str]]) -> None:
    """What is lost and what is new make the difference of the numbers; a table is named where a row has changed."""
    found = {each.table: each for each in changed_rows(before, after)}
    for table, rows in before.items():
        now = after.get(table, Counter[str]())
        assert (table in found) == (rows != now)
        if table in found:
            assert found[table].rows - found[table].lost + found[table].new == now.total()
    assert found.keys() <= before.keys()


UNIT = Alteration("main", "1-a", Release.parse("1.0"), "1.0-1-a.py", "sha256:a", "")
DIFFERS = (*find(Stage.DOWN, make(), make(TABLE)), *find(Stage.AGAIN, make(), make(TABLE)))


def test_what_the_next_one_can_be_judged_on() -> None:
    """After a failure, or where `up` made something else the second time, the database isn't what a deploy makes."""
    proof = Proof(alteration=UNIT, result=Result.DIFFERS, server=18)
    assert [each.stage for each in DIFFERS] == [Stage.DOWN, Stage.AGAIN]
    assert proof.stands
    assert proof._replace(differences=DIFFERS[:1]).stands
    assert not proof._replace(differences=DIFFERS).stands
    assert not proof._replace(failed=Stage.UP).stands


def test_several_lineages() -> None:
    """What is found of several lineages is told together, in their order."""
    one, two = make_lineage("a", "", [UNIT]), make_lineage("b", "", [UNIT._replace(lineage="b", id="2-b")])
    gone = Line("3-c", Release.parse("1.0"), "sha256:c")
    found = find_standing([(one, Manifest()), (two, Manifest({gone.id: gone}))])
    assert (found.unproved, found.missing) == ((*one.alterations, *two.alterations), (gone,))
    assert found.contradicts
    assert not find_standing([]).contradicts


def test_what_is_kept_of_a_proof() -> None:
    """A line of the manifest is the proof of one file; proofs that aren't good are named."""
    proof = Proof(alteration=UNIT, result=Result.DIFFERS, server=18)
    assert Line.of(proof) == Line("1-a", UNIT.release, "sha256:a", Result.DIFFERS, 18)
    good = [proof._replace(result=result) for result in (Result.PROVED, Result.IRREVERSIBLE)]
    assert Proofs((*good, proof, proof._replace(result=Result.FAILS)), ()).bad == (
        proof,
        proof._replace(result=Result.FAILS),
    )


CHECKSUMS = st.sampled_from(["sha256:a", "sha256:b"])
RELEASES = st.sampled_from(["next", "1.0"]).map(Release.parse)
FILES = st.dictionaries(st.sampled_from("abcd"), st.tuples(RELEASES, CHECKSUMS))
MANIFESTS = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(RELEASES, CHECKSUMS, st.none() | st.sampled_from(Result))
)


@given(FILES, MANIFESTS)
def test_standing(files: dict[str, tuple[Release, str]], told: dict[str, tuple[Release, str, Result | None]]) -> None:
    """Edited, missing or unproved: never two at once, and none only where all is as it was proved.

    What was released binds its file, unless its proof went wrong.
    """
    lineage = make_lineage(
        "main", "", (Alteration("main", f"1-{k}", r, f"{k}.py", c, k) for k, (r, c) in files.items())
    )
    lines = {f"1-{k}": Line(f"1-{k}", r, c, proof, 18) for k, (r, c, proof) in told.items()}
    found = find_standing([(lineage, Manifest(lines))])
    named = [a.id for a in (*found.edited, *found.unproved)] + [line.id for line in found.missing]
    assert len(named) == len(set(named))
    assert all(line.release.label == "1.0" for line in found.missing)
    for key, (_, checksum) in files.items():
        line = told.get(key)
        is_proved = line is not None and line[1] == checksum and line[2] in {Result.PROVED, Result.IRREVERSIBLE}
        assert is_proved == (f"1-{key}" not in named)
    assert found.contradicts == any(
        release.label == "1.0"
        and proof in {None, Result.PROVED, Result.IRREVERSIBLE}
        and (key not in files or files[key][1] != checksum)
        for key, (release, checksum, proof) in told.items()
    )
