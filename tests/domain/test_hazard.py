"""What locks and rewrites mean for others."""

from __future__ import annotations

import pytest

from sartor.domain.hazards.hazard import LONG, MODES, Lock, RehearsedStatement, Verdict, merged, worst

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
