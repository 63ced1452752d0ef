"""Describes the sessions that are in the way, and how to end them."""

from __future__ import annotations

from sartor.domain.report import Blocker
from sartor.sql.quoting import quote_identifier


def describe_blockers(blockers: tuple[Blocker, ...]) -> str:
    """Returns the text of a message that names the blocking sessions."""
    if not blockers:
        return "it isn't known which session"
    return "; ".join(_describe(blocker) for blocker in blockers)


def advise_on_blockers(blockers: tuple[Blocker, ...], role: str) -> str:
    """Returns advice on a blocked lock: the blocking sessions, the SQL that ends them, and the right that shows more.

    The right is named only where a session's query is hidden from `role`.
    """
    ended = " ".join(f"select pg_terminate_backend({blocker.pid});" for blocker in blockers)
    hidden = any(blocker.query is None for blocker in blockers)
    seen = f"; to see what it runs: grant pg_read_all_stats to {quote_identifier(role)};" if hidden else ""
    return f"in the way: {describe_blockers(blockers)}; to end it: {ended}{seen}"


def _describe(blocker: Blocker) -> str:
    facts = [
        blocker.application or "a session",
        f"(pid {blocker.pid}, user {blocker.user or 'hidden'}{', from ' + blocker.client if blocker.client else ''})",
    ]
    if blocker.state:
        facts.append(blocker.state + ("" if blocker.seconds is None else f" for {blocker.seconds:.0f} s"))
    if blocker.holds:
        facts.append(f"holds {blocker.holds}")
    if blocker.query:
        facts.append(f"query: {' '.join(blocker.query.split())[:100]}")
    return ", ".join(facts).replace(", (", " (", 1)
