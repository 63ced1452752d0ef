"""How disk and ledger may differ: edited, missing, ahead, renamed; what is refused and what may be accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.alteration import Catalogue, make_lineage
from sartor.domain.ledger import Ledger, State
from sartor.domain.plan import Deploy, Rollback, make_plan
from sartor.domain.plan_notes import plan_notes
from sartor.domain.release import Release
from sartor.domain.status import compare_with_ledger, status_notes
from sartor.errors import AlterationEdited, AlterationMissing
from support.ledgers import alteration, carry_out, catalogue, entry, ids, ledger, situations

OLD = "sha256:old"


@given(situations())
def test_what_is_unchanged_contradicts_nothing(situation: tuple[Catalogue, Ledger]) -> None:
    """Deployed, pending and the ledger's rows are the catalogue, neither more nor less; nothing is to be repaired."""
    shipped, before = situation
    status = compare_with_ledger(shipped, before)
    assert not any((status.contradicts, status.edited_next, status.ahead, status.renamed, status.interrupted))
    assert sorted([*ids(e for e, _ in status.deployed), *ids(status.pending)]) == sorted(ids(shipped))
    assert all(e.id == a.id for e, a in status.deployed if a)


def test_an_edit_of_a_released_alteration_is_refused_unless_accepted() -> None:
    """An edited file is refused with the flag that accepts it; accepted, the ledger takes the new checksum."""
    shipped = catalogue("1.0.0-1-a.py", "1.0.0-2-b.py")
    before = ledger([alteration("1.0.0-1-a.py", checksum=OLD)])
    with pytest.raises(AlterationEdited, match=r"1\.0\.0-1-a\.py has changed") as caught:
        make_plan(shipped, before, Deploy())
    assert "`accepted` 1-a" in caught.value.hint
    plan = make_plan(shipped, before, Deploy(accepted=frozenset({"1-a"})))
    assert (ids(p.alteration for p in plan.accept), ids(s.alteration for s in plan.steps)) == (["1-a"], ["2-b"])
    assert not make_plan(shipped, carry_out(plan, before), Deploy()).steps


def test_an_unreleased_alteration_may_be_edited() -> None:
    """An edited `next` file is no contradiction, and a note says that the edit isn't in the database."""
    before = ledger([alteration("next-1-a.py", checksum=OLD)])
    status = compare_with_ledger(catalogue("next-1-a.py"), before)
    assert (status.edited, ids(p.alteration for p in status.edited_next)) == ((), ["1-a"])
    assert (status.renamed, status.kept) == ((), ())
    assert any("next-1-a.py was edited" in note for note in status_notes(status))
    assert not make_plan(catalogue("next-1-a.py"), before, Deploy()).steps


def test_an_edit_on_the_way_into_a_release_is_an_edit() -> None:
    """What was deployed as `next` and released with other content is edited: the release's databases differ."""
    status = compare_with_ledger(catalogue("1.0.0-1-a.py"), ledger([alteration("next-1-a.py", checksum=OLD)]))
    assert (ids(p.alteration for p in status.edited), status.edited_next) == (["1-a"], ())


def test_a_release_relabels() -> None:
    """A file that got its release's name is the same alteration; the plan gives its row the new label, once."""
    shipped, before = catalogue("1.3.0-1-a.py"), ledger([alteration("next-1-a.py")])
    plan = make_plan(shipped, before, Deploy())
    assert (plan.steps, [(p.entry.release.label, p.alteration.release.label) for p in plan.relabel]) == (
        (),
        [("next", "1.3.0")],
    )
    after = carry_out(plan, before)
    assert [e.release.label for e in after.entries] == ["1.3.0"]
    assert not make_plan(shipped, after, Deploy()).relabel


def test_an_accepted_edit_relabels_as_well() -> None:
    """A file edited on its way into a release is accepted, its new label with it: that is one event, not two."""
    shipped, before = catalogue("1.3.0-1-a.py"), ledger([alteration("next-1-a.py", checksum=OLD)])
    plan = make_plan(shipped, before, Deploy(accepted=frozenset({"1-a"})))
    assert (ids(p.alteration for p in plan.accept), plan.relabel) == (["1-a"], ())


@pytest.mark.parametrize("older", ["next-2-b.py", "1.2.0-2-b.py"])
def test_an_older_package_takes_no_label_back(older: str) -> None:
    """What the ledger has as part of a release stays part of it, whatever an older package calls it: a note says so."""
    before = ledger(map(alteration, ["1.0.0-1-a.py", "1.3.0-2-b.py"]))
    shipped = catalogue("1.0.0-1-a.py", older)
    plan = make_plan(shipped, before, Deploy())
    assert plan.is_empty, plan
    assert [n for n in plan_notes(plan) if n.startswith("2-b: release 1.3.0 here")], plan_notes(plan)
    assert [str(f.release) for _, f in plan.status.deployed if f] == ["1.0.0", "1.3.0"]
    newer = catalogue("1.0.0-1-a.py", "1.3.0-2-b.py")
    assert make_plan(newer, carry_out(plan, before), Deploy()).is_empty


def test_a_rollback_goes_by_the_label_that_counts() -> None:
    """An older package's rollback to a release leaves what the ledger has as part of it; below it, it is undone."""
    before = ledger(map(alteration, ["1.0.0-1-a.py", "1.3.0-2-b.py"]))
    for older in ("next-2-b.py", "1.2.0-2-b.py"):
        shipped = catalogue("1.0.0-1-a.py", older)
        undone = {to: make_plan(shipped, before, Rollback(target=Release.parse(to))).steps for to in ("1.3.0", "1.2.0")}
        assert {to: ids(s.alteration for s in steps) for to, steps in undone.items()} == {"1.3.0": [], "1.2.0": ["2-b"]}


def test_an_unfinished_one_has_its_files_label() -> None:
    """What began outside a transaction and never ended isn't part of a release yet: the file's label counts."""
    begun = entry(alteration("1.3.0-1-a.py"), state=State.STARTED)
    status = compare_with_ledger(catalogue("next-1-a.py"), Ledger(head=1, entries=(begun,)))
    assert (status.kept, ids(pair.alteration for pair in status.renamed)) == ((), ["1-a"])


def test_an_edit_accepted_by_an_older_package_keeps_its_label() -> None:
    """Accepting takes the file's content into the ledger; what is released stays released."""
    before = ledger([alteration("1.3.0-1-a.py", checksum=OLD)])
    plan = make_plan(catalogue("next-1-a.py"), before, Deploy(accepted=frozenset({"1-a"})))
    after = carry_out(plan, before)
    assert [(e.name, e.release.label, e.checksum) for e in after.entries] == [("1.3.0-1-a.py", "1.3.0", "sha256:0")]


def test_ahead_is_above_all_that_is_shipped() -> None:
    """Rows without a file are ahead above the highest release shipped, and missing otherwise."""
    released = ["1.0.0-1-a.py", "1.0.0-2-gone.py", "2.0.0-3-newer.py"]
    before = ledger([*map(alteration, released), alteration("next-4-gone.py", checksum=OLD)])
    status = compare_with_ledger(catalogue("1.0.0-1-a.py", "1.1.0-9-b.py"), before)
    assert (ids(status.ahead), ids(status.missing)) == (["3-newer"], ["2-gone", "4-gone"])
    assert any("ahead: it has 1 alteration of 2.0.0" in note for note in status_notes(status))


def test_what_is_ahead_stops_no_deploy() -> None:
    """An older package facing a newer database does what it can: nothing is refused."""
    before = ledger(map(alteration, ["1.0.0-1-a.py", "2.0.0-3-newer.py"]))
    assert not make_plan(catalogue("1.0.0-1-a.py"), before, Deploy()).steps


def test_a_missing_alteration_is_refused_unless_accepted() -> None:
    """A row without its file is refused with the flag that accepts it; accepted, its row goes."""
    shipped = catalogue("1.0.0-1-a.py", "1.0.0-3-c.py")
    before = ledger(map(alteration, ["1.0.0-1-a.py", "1.0.0-2-gone.py"]))
    with pytest.raises(AlterationMissing, match=r"1\.0\.0-2-gone\.py is deployed") as caught:
        make_plan(shipped, before, Deploy())
    assert "`accepted` 2-gone" in caught.value.hint
    plan = make_plan(shipped, before, Deploy(accepted=frozenset({"2-gone"})))
    assert ids(carry_out(plan, before).entries) == ["1-a", "3-c"]


@pytest.mark.parametrize(
    ("count", "verb", "more"),
    [(1, "is", ""), (2, "are", ""), (5, "are", ""), (6, "are", " and 1 more"), (7, "are", " and 2 more")],
)
def test_the_first_five_are_named(count: int, verb: str, more: str) -> None:
    """Of many missing alterations the first are named and the others counted; each gets its acceptance."""
    names = [f"1.0.0-{number}-gone.py" for number in range(1, count + 1)]
    with pytest.raises(AlterationMissing) as caught:
        make_plan(catalogue("1.0.0-9-b.py"), ledger(map(alteration, names)), Deploy())
    assert str(caught.value).startswith(f"{', '.join(names[:5])}{more} {verb} deployed here, but not among")
    assert caught.value.hint.count("-gone") == count
    assert list(caught.value.about) == [name.removeprefix("1.0.0-").removesuffix(".py") for name in names]
    held = ledger(alteration(name, checksum=OLD) for name in names)
    with pytest.raises(AlterationEdited) as edited:
        make_plan(catalogue(*names), held, Deploy())
    assert str(edited.value).startswith(f"{', '.join(names[:5])}{more} {'has' if count == 1 else 'have'} changed after")
    assert edited.value.hint.count("-gone") == count
    assert edited.value.about == caught.value.about


def test_what_only_has_to_be_recorded() -> None:
    """A new label, an accepted edit and an accepted absence are work, each by itself; a created ledger is one."""
    shipped = catalogue("1.3.0-1-a.py")
    accepted = Deploy(accepted=frozenset({"1-a", "2-gone"}))
    for held in (
        [alteration("next-1-a.py")],
        [alteration("1.3.0-1-a.py", checksum=OLD)],
        [alteration("1.3.0-1-a.py"), alteration("1.0.0-2-gone.py")],
        [],
    ):
        assert not make_plan(shipped, ledger(held), accepted).is_empty
    assert make_plan(shipped, ledger([alteration("1.3.0-1-a.py")]), accepted).is_empty
    assert (Ledger().exists, Ledger(head=0).exists) == (False, True)


def test_accepting_the_unknown_is_told() -> None:
    """An accepted identity that isn't deployed here was forgotten before, or misspelt: it is named, no more."""
    plan = make_plan(catalogue("1.0.0-1-a.py"), Ledger(), Deploy(accepted=frozenset({"7-nothing"})))
    assert [s.alteration.id for s in plan.steps] == ["1-a"]
    assert "7-nothing isn't deployed here, so there is nothing to accept" in plan_notes(plan)


def test_accepting_twice_is_fine() -> None:
    """The command that accepted an edit may be run again."""
    plan = make_plan(
        catalogue("1.0.0-1-a.py"), ledger([alteration("1.0.0-1-a.py")]), Deploy(accepted=frozenset({"1-a"}))
    )
    assert (plan.accept, plan.steps) == ((), ())


def test_an_edited_alteration_is_not_rolled_back_unless_accepted() -> None:
    """Its `down` may not be the one that belongs to what was deployed; edits elsewhere don't matter."""
    shipped = catalogue("1.0.0-1-a.py", "1.0.0-2-b.py")
    before = ledger([alteration("1.0.0-1-a.py", checksum=OLD), alteration("1.0.0-2-b.py")])
    assert ids(s.alteration for s in make_plan(shipped, before, Rollback(steps=1)).steps) == ["2-b"]
    with pytest.raises(AlterationEdited):
        make_plan(shipped, before, Rollback(steps=2))
    accepted = Rollback(steps=2, accepted=frozenset({"1-a"}))
    assert ids(s.alteration for s in make_plan(shipped, before, accepted).steps) == ["2-b", "1-a"]


def test_an_interrupted_one_may_be_mended() -> None:
    """A script that was interrupted outside a transaction may be edited before it is run again."""
    begun = entry(alteration("1.0.0-1-a.py", checksum=OLD), state=State.STARTED)
    plan = make_plan(catalogue("1.0.0-1-a.py"), Ledger(head=1, entries=(begun,)), Deploy())
    assert (plan.status.edited, ids(s.alteration for s in plan.steps)) == ((), ["1-a"])


def test_two_labels_of_one_release() -> None:
    """Files of `1.0` and `1.0.0` are one release; what is pending of it stays pending."""
    status = compare_with_ledger(
        catalogue("1.0-1-a.py", "1.0.0-2-b.py", "1.0-3-c.py"), ledger([alteration("1.0-1-a.py")])
    )
    assert (ids(status.pending), status.release) == (["2-b", "3-c"], None)


def test_a_name_in_two_lineages() -> None:
    """An alteration deployed in its own lineage may have the name of one in a lineage that wasn't given."""
    mine = alteration("1.0.0-1-a.py")
    held = Ledger(head=2, entries=(entry(mine._replace(lineage="own"), 1), entry(mine, 2)))
    assert compare_with_ledger(catalogue("1.0.0-1-a.py"), held).elsewhere == ("own",)


@given(
    situations(), st.sampled_from(["next-9-new.py", "3.0.0-9-new.py"]), st.sampled_from([Deploy(), Rollback(steps=9)])
)
def test_a_renamed_file_is_known_by_its_content(
    situation: tuple[Catalogue, Ledger], name: str, request: Deploy | Rollback
) -> None:
    """Beside whatever else there is: it is not run again, its row gets the new name, and is undone under that."""
    shipped, before = situation
    row = entry(alteration("next-7-old.py", checksum=OLD), before.head + 1)
    before = Ledger(head=row.seq, entries=(*before.entries, row))
    (lineage,) = shipped.lineages
    renamed = alteration(name, checksum=OLD)
    now = Catalogue((make_lineage(lineage.name, lineage.location, [*lineage.alterations, renamed]),))
    plan = make_plan(now, before, request)
    assert ([(p.entry.id, p.alteration) for p in plan.relabel], plan.status.missing) == ([("7-old", renamed)], ())
    after = carry_out(plan, before)
    undone = isinstance(request, Rollback)
    assert ("9-new" in ids(after.entries), "7-old" in ids(after.entries)) == (not undone, False)
    assert ("9-new" in ids(s.alteration for s in plan.steps)) == undone
    assert not make_plan(now, after, request).relabel


@pytest.mark.parametrize(
    ("rows", "files"),
    [
        (["next-1-a.py", "next-2-b.py"], ["next-8-c.py"]),
        (["next-1-a.py"], ["next-8-c.py", "next-9-d.py"]),
        (["1.0.0-1-a.py"], ["next-8-c.py"]),
    ],
)
def test_what_is_ambiguous_or_released_is_missing(rows: list[str], files: list[str]) -> None:
    """Several rows, or several files, of one content, and a released row without a file, are refused."""
    before = ledger(map(alteration, rows))
    with pytest.raises(AlterationMissing) as raised:
        make_plan(catalogue(*files), before, Deploy())
    assert ("mark-deployed" in raised.value.hint) == rows[0].startswith("next")
    assert not compare_with_ledger(catalogue(*files), before).moved
