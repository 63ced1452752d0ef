"""Describes the sessions that are in the way, and how to end them."""

from __future__ import annotations

from sartor.domain.report import Blocker
from sartor.sql.quoting import quote_identifier


def describe_blockers(blockers: tuple[Blocker, ...]) -> str:
    """Returns the text of a message that names the blocking sessions."""
    return "; ".join(map(str, blockers)) or "an unknown session"


def advise_on_blockers(blockers: tuple[Blocker, ...], role: str) -> str:
    """Returns advice on a blocked lock: the blocking sessions, the SQL that ends them, and the right that shows more.

    The right is named only where a session's query is hidden from `role`.
    """
    ended = " ".join(f"select pg_terminate_backend({blocker.pid});" for blocker in blockers)
    hidden = any(blocker.query is None for blocker in blockers)
    seen = f"; to see its query: grant pg_read_all_stats to {quote_identifier(role)};" if hidden else ""
    return f"blocked by {describe_blockers(blockers)}; to end it: {ended}{seen}"
