"""The text output of a run: what it has done, what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.cli.text.units import count, duration
from sartor.domain.plan import Direction

if TYPE_CHECKING:
    from sartor.domain.report import Report, Waiting


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
    who = "; ".join(map(str, waiting.blockers)) or "the holder is unknown"
    if waiting.reason not in {"a lock", "another run"}:
        return f"waiting for {waiting.reason}; {waiting.left:.0f} s left"
    return f"waiting for {waiting.reason}: {who}; {waiting.left:.0f} s left"
