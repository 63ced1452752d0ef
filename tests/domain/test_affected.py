"""Which tables a run may change, from what a rehearsal saw and from what ties tables together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.affected_tables import Contents, Dependencies, ForeignKey, PlanEffects, TableSelection, select_tables

NAMES = tuple("abcdefg")
names = st.sampled_from(NAMES)
some = st.frozensets(names)
all_ties = st.builds(
    Dependencies,
    foreign_keys=st.frozensets(st.builds(ForeignKey, names, names, st.booleans()), max_size=8),
    parts=st.frozensets(st.tuples(names, names), max_size=4),
)
reaches = st.builds(PlanEffects, changed=some, written=some, known=st.just(frozenset(NAMES)), dependencies=all_ties)


def stock_of(dependencies: Dependencies, tables: frozenset[str] = frozenset(NAMES)) -> Contents:
    """A database with these tables, all in the destination's schema, and a materialized view."""
    return Contents(
        tables={f"public.{name}": name for name in tables}, views=frozenset({"public.m"}), dependencies=dependencies
    )


def kept(choice: TableSelection) -> set[str]:
    return {name.removeprefix("public.") for name in choice.kept}


@given(reaches, all_ties)
def test_what_may_change_is_kept(effects: PlanEffects, dependencies: Dependencies) -> None:
    """What was changed is kept; where rows change, so are its parts and what a reference passes that on to."""
    found, both = kept(select_tables(effects, stock_of(dependencies))), dependencies | effects.dependencies
    assert effects.changed | effects.written <= found
    rows = set(effects.written)
    for _ in NAMES:
        rows |= {key.table for key in both.foreign_keys if key.passes_on and key.references in rows}
        rows |= {part for whole, part in both.parts if whole in rows}
    assert rows <= found


@given(reaches, all_ties)
def test_no_reference_is_left_open(effects: PlanEffects, dependencies: Dependencies) -> None:
    """Where rows are kept, those that they reference are: of the table itself, and of its parts at any depth."""
    found, both = kept(select_tables(effects, stock_of(dependencies))), dependencies | effects.dependencies
    for key in both.foreign_keys:
        if key.table in found:
            holders = {key.references}
            for _ in NAMES:
                holders |= {part for whole, part in both.parts if whole in holders}
            assert holders <= found


@given(reaches, all_ties)
def test_all_is_accounted_for(effects: PlanEffects, dependencies: Dependencies) -> None:
    """Each table is kept or left out; where one is left out no view is filled, and where none is there is a reason."""
    choice = select_tables(effects, stock_of(dependencies))
    assert not set(choice.kept) & set(choice.left)
    assert {*choice.kept, *choice.left} >= {f"public.{name}" for name in NAMES}
    assert ("public.m" in choice.left) == bool(choice.left) == (choice.why is None)


@given(reaches, all_ties, names)
def test_more_seen_is_more_kept(effects: PlanEffects, dependencies: Dependencies, name: str) -> None:
    """To have seen more never leaves more out."""
    more = effects._replace(written=effects.written | {name})
    assert kept(select_tables(effects, stock_of(dependencies))) <= kept(select_tables(more, stock_of(dependencies)))


def test_a_table_beside_another_is_left() -> None:
    """What nothing ties to a change is left out: a referrer that takes no part, a sibling, the whole of a part."""
    dependencies = Dependencies(
        foreign_keys=frozenset({ForeignKey("b", "a", passes_on=False)}), parts=frozenset({("c", "d"), ("c", "e")})
    )
    effects = PlanEffects(written=frozenset("ad"), changed=frozenset("ad"), known=frozenset(NAMES))
    assert select_tables(effects, stock_of(dependencies)) == TableSelection(
        ("public.a", "public.d"), ("public.b", "public.c", "public.e", "public.f", "public.g", "public.m")
    )


KNOWN = PlanEffects(known=frozenset(NAMES))


@pytest.mark.parametrize(
    ("effects", "why"),
    [
        (KNOWN._replace(unknown="nobody knows"), "nobody knows"),
        (KNOWN._replace(written=frozenset("a")), "trigger t of b may change any table"),
        (KNOWN._replace(read=frozenset("v")), "function f, called by v may change any table"),
        (KNOWN._replace(calls={"f": "x.sql"}), "x.sql calls function f, which may change any table"),
        (KNOWN._replace(changed=frozenset(NAMES)), "the plan may change or reference every table"),
    ],
)
def test_what_cannot_be_foreseen(effects: PlanEffects, why: str) -> None:
    """Where code may run that no rehearsal without rows has seen, at the end of a cascade too, everything is kept."""
    dependencies = Dependencies(
        foreign_keys=frozenset({ForeignKey("b", "a", passes_on=True)}),
        reacting={"b": "trigger t of b"},
        asked={"v": "function f, called by v"},
        functions=frozenset({"f"}),
    )
    choice = select_tables(effects, stock_of(dependencies))
    assert (kept(choice), choice.left, choice.why) == (set(NAMES), (), why)


def test_a_reaction_that_nothing_sets_off() -> None:
    """A table with a trigger may be altered, and read, without more."""
    dependencies = Dependencies(reacting={"a": "trigger t of a"}, functions=frozenset({"f"}))
    effects = KNOWN._replace(changed=frozenset("a"), read=frozenset("ab"), calls={"g": "x.sql"})
    assert kept(select_tables(effects, stock_of(dependencies))) == {"a"}


def test_an_event_trigger() -> None:
    """One that fires at any statement leaves nothing out."""
    contents = stock_of(Dependencies())._replace(alarms=("e",))
    assert select_tables(KNOWN, contents).why == "event trigger e may change any table"


def test_a_table_that_the_rehearsal_did_not_know() -> None:
    """What was made since is kept."""
    effects = PlanEffects(known=frozenset(NAMES) - {"a"})
    assert kept(select_tables(effects, stock_of(Dependencies()))) == {"a"}


def test_ties_together() -> None:
    """The ties of the database and those that the run left are all ties; of two reasons for one name, the first's."""
    key, part = ForeignKey("a", "b", passes_on=True), ("a", "b")
    one = Dependencies(foreign_keys=frozenset({key}), reacting={"a": "x"}, asked={"v": "x"}, functions=frozenset({"f"}))
    other = Dependencies(parts=frozenset({part}), reacting={"a": "y", "b": "y"}, asked={"v": "y", "w": "y"})
    assert one | other == Dependencies(
        foreign_keys=frozenset({key}),
        parts=frozenset({part}),
        reacting={"a": "x", "b": "y"},
        asked={"v": "x", "w": "y"},
        functions=frozenset({"f"}),
    )
    assert (other | one).parts == {part}
