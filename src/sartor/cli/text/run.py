"""The text output of a run: what it has done, what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.cli.text.units import count, duration
from sartor.domain.plan import Direction
from sartor.domain.visible import visible_line

if TYPE_CHECKING:
    from sartor.domain.report import Blocker, Report, Waiting


def report_line(report: Report) -> str:
    """Returns the sentence that closes a run."""
    deploys = report.direction is Direction.DEPLOY
    if not report.done:
        return f"Found 0 alteration to {'deploy' if deploys else 'roll back'}"
    took = duration(sum(done.duration_ms for done in report.done))
    line = f"{'Deployed' if deploys else 'Rolled back'} {count(len(report.done))} in {took}"
    return line + (f"; {count(len(report.elsewhere))} by another run meanwhile" if report.elsewhere else "")


def waiting_line(waiting: Waiting) -> str:
    """Returns the line that says which session a run waits for."""
    who = "; ".join(blocker_text(b) for b in waiting.blockers) or "it isn't known who holds it"
    if waiting.reason not in {"a lock", "another run"}:
        return f"waiting for {waiting.reason}; {waiting.left:.0f} s left"
    return f"waiting for {waiting.reason}: {who}; {waiting.left:.0f} s left"


def blocker_text(blocker: Blocker) -> str:
    """Returns the description of a blocking session: application, user, state, age, lock, query."""
    facts = [
        visible_line(f"{blocker.application or 'a session without a name'}, user {blocker.user or 'unknown'}"),
        f"pid {blocker.pid}" + (f" from {blocker.client}" if blocker.client else ""),
        (blocker.state or "state hidden")
        + ("" if blocker.seconds is None else f" for {duration(blocker.seconds * 1000)}"),
    ]
    if blocker.holds:
        facts.append(f"holds {blocker.holds}")
    if blocker.query:
        facts.append(f"query: {' '.join(blocker.query.split())[:120]}")
    return ", ".join(facts)
