"""What locks and rewrites mean for others."""

from __future__ import annotations

import pytest

from sartor.domain.hazards.hazard import (
    LONG,
    MODES,
    Build,
    Lock,
    Lost,
    Refusal,
    RehearsedStatement,
    Size,
    Verdict,
    merged,
    named,
    together,
    with_losses,
    worst,
)

STOPS = {
    "AccessShareLock": Verdict.SAFE,
    "RowShareLock": Verdict.SAFE,
    "RowExclusiveLock": Verdict.SAFE,
    "ShareUpdateExclusiveLock": Verdict.SAFE,
    "ShareLock": Verdict.BLOCKS_WRITES,
    "ShareRowExclusiveLock": Verdict.BLOCKS_WRITES,
    "ExclusiveLock": Verdict.BLOCKS_WRITES,
    "AccessExclusiveLock": Verdict.BLOCKS_READS,
}
"""What each mode stops while it is held, by the table of conflicts in the manual's chapter 13.3."""


@pytest.mark.parametrize("mode", MODES)
def test_a_lock_that_is_held_for_long(mode: str) -> None:
    """A statement that reads a table stops what its lock conflicts with, and so does one under a lock from before."""
    lock = (Lock("t", mode),)
    assert RehearsedStatement(sql="x", line=1, locks=lock, scans=("t",)).verdict is STOPS[mode]
    assert RehearsedStatement(sql="x", line=1, held=lock, scans=("u",)).verdict is STOPS[mode]


@pytest.mark.parametrize("mode", MODES)
def test_a_lock_that_is_held_for_a_moment(mode: str) -> None:
    """A statement that only changes the catalogue is safe, whatever it locks."""
    assert RehearsedStatement(sql="x", line=1, locks=(Lock("t", mode),)).verdict is Verdict.SAFE


@pytest.mark.parametrize("mode", MODES)
def test_a_lock_under_which_time_passes(mode: str) -> None:
    """A statement that takes long stops what its locks conflict with; so does one whose locks are held on for long."""
    lock = (Lock("t", mode),)
    assert RehearsedStatement(sql="x", line=1, locks=lock, ms=LONG).verdict is STOPS[mode]
    assert RehearsedStatement(sql="x", line=1, held=lock, ms=LONG).verdict is STOPS[mode]
    assert RehearsedStatement(sql="x", line=1, locks=lock, ms=1, later=1, later_ms=LONG).verdict is STOPS[mode]


def test_the_lock_that_is_named() -> None:
    """Of locks that are as strong, the one is named that is on the table at work."""
    locks = (Lock("child", MODES[7]), Lock("users", MODES[7]), Lock("users_pkey", MODES[7]))
    found = RehearsedStatement(sql="x", line=1, locks=locks, scans=("users",))
    assert found.blocking == Lock("users", MODES[7])
    assert found.blocking_at("other") == Lock("child", MODES[7])


def test_the_worst() -> None:
    """What couldn't be rehearsed is worse than all; nothing is safe."""
    assert worst(Verdict) is Verdict.NOT_REHEARSED
    assert worst([Verdict.BLOCKS_READS, Verdict.REWRITES, Verdict.SAFE]) is Verdict.REWRITES
    assert worst([]) is Verdict.SAFE


def test_the_strongest_lock_counts() -> None:
    """Of several locks on one relation the strongest is told."""
    assert merged([Lock("t", MODES[7]), Lock("t", MODES[0]), Lock("a", MODES[2])]) == (
        Lock("a", MODES[2]),
        Lock("t", MODES[7]),
    )


def test_a_loop() -> None:
    """Runs of one statement at one place are one, with the sum of their rows and of their time."""
    once = RehearsedStatement(sql="x", line=1, rows=2, ms=1.0, locks=(Lock("t", MODES[2]),))
    again = RehearsedStatement(sql="x", line=1, rows=3, ms=2.0, scans=("t",))
    assert once.is_like(again)
    assert not once.is_like(RehearsedStatement(sql="x", line=2))
    joined = once.joined(again)
    assert (joined.rows, joined.ms, joined.times, joined.scans, joined.locks) == (5, 3.0, 2, ("t",), once.locks)


def test_a_loop_in_full() -> None:
    """Runs of one statement are one in everything that it does, each table and each doubt once."""
    counted = Lost("deletes", "t", None, 2, "counted")
    once = RehearsedStatement(
        sql="x",
        line=1,
        rewrites=("a",),
        builds=(Build("i", "t"),),
        writes=("t",),
        doubts=("d",),
        losses=(counted,),
        refusals=(Refusal("t", "23502"),),
    )
    again = once._replace(
        rewrites=("a", "b"),
        builds=(*once.builds, Build("j", "t")),
        scans=("s",),
        writes=("u",),
        in_doubt=True,
        doubts=("d", "e"),
        refusals=(Refusal("u", "23502"),),
        ms=2.0,
        times=3,
    )
    joined = once.joined(again)
    assert (joined.rewrites, joined.scans, joined.builds, joined.writes) == (
        ("a", "b"),
        ("s",),
        again.builds,
        ("t", "u"),
    )
    assert (joined.doubts, joined.refusals, joined.in_doubt) == (
        ("d", "e"),
        (*once.refusals, *again.refusals),
        True,
    )
    assert (joined.losses, joined.rows, joined.times) == ((counted._replace(rows=4),), None, 4)
    assert again.joined(once).in_doubt
    assert not once.joined(once).in_doubt
    assert once.joined(once._replace(rows=3)).rows == 3


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ([Lost("deletes", "t", None, 2, "counted"), Lost("deletes", "t", None, None, "counted")], [2]),
        ([Lost("deletes", "t", None, None, "counted"), Lost("deletes", "t", None, 3, "counted")], [3]),
        ([Lost("deletes", "t", None, 2, "counted"), Lost("deletes", "u", None, 3, "counted")], [2, 3]),
        ([Lost("deletes", "t", None, 2, "counted"), Lost("empties", "t", None, 3, "counted")], [2, 3]),
        ([Lost("drops", "t", "a", 2), Lost("drops", "t", "b", 3), Lost("drops", "t", "a", 4)], [4, 3]),
        ([Lost("deletes", "t", None, 2), Lost("deletes", "t", None, 9, "at-most")], [2]),
        ([Lost("deletes", "t", None, 9, "at-most"), Lost("deletes", "t", None, 2, "counted")], [2]),
        ([Lost("deletes", "t", None, 9, "at-most")], [9]),
    ],
)
def test_losses_together(losses: list[Lost], told: list[int]) -> None:
    """Counted losses of a table are added up; a bound doesn't replace what is known better."""
    assert [each.rows for each in together(losses)] == told


def test_losses_of_tables_that_hold_rows() -> None:
    """A table without rows loses nothing; where no number is known, it is about all that the table has."""
    losses = (Lost("drops", "t"), Lost("deletes", "t", None, 2, "counted"), Lost("drops", "u"), Lost("drops", "v"))
    (found,) = with_losses(
        [RehearsedStatement(sql="x", line=1, losses=losses)], {"t", "u"}, {"t": Size(7, 1), "v": Size(9, 1)}
    )
    assert [(each.table, each.rows) for each in found.losses] == [("t", 7), ("t", 2), ("u", None)]
    assert found.verdict is Verdict.LOSES_DATA


def test_what_a_loss_is_of() -> None:
    """A column is told with its table."""
    assert (named(Lost("drops", "t")), named(Lost("drops", "t", "a"))) == ("t", "a of t")


def test_what_depends_on_rows() -> None:
    """A statement that read or changed rows, or failed, depends on them; one of the catalogue alone doesn't."""
    assert not RehearsedStatement(sql="x", line=1, ms=LONG, rows=0).met_rows
    for known in ({"scans": ("t",)}, {"rows": 1}, {"error": "no"}, {"builds": (Build("i", "t"),)}):
        assert RehearsedStatement(sql="x", line=1, **known).met_rows
    found = RehearsedStatement(sql="x", line=1, rewrites=("a", "b"), builds=(Build("i", "b"),), scans=("c", "a"))
    assert (found.tables, found.verdict) == (("a", "b", "c"), Verdict.REWRITES)
    assert RehearsedStatement(sql="x", line=1, ms=LONG - 1, later_ms=1).takes_time
    assert not RehearsedStatement(sql="x", line=1, ms=LONG - 1).takes_time
