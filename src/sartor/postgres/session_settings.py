"""The values to which a transaction's settings are pinned, whatever a role or a database has set."""

from collections.abc import Mapping
from typing import NamedTuple

from sartor.domain.destination import Limits
from sartor.domain.table_names import OwnTables
from sartor.postgres.driver.fence import PATH
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier, quote_literal

LONGEST_CLAIM = 0.3
"""Seconds that the claim waits for a lock at a time, however long a script may; `--wait` limits the total."""


PLANNED_ONCE = "force_generic_plan"
"""The `plan_cache_mode` of claims and records: by default, the server plans the first five of each anew."""


class SessionSettings(NamedTuple):
    """The values to which a transaction's settings are pinned; durations are in seconds, 0 for no limit.

    `tables` are Sartor's own; `search_path` is a script's, as SQL. `role` is the connection's own; None where it isn't
    known yet, and the one that begins the transaction is meant. A `confined` transaction doesn't commit where it has
    changed server-wide objects.
    """

    tables: OwnTables
    search_path: str
    role: str | None
    lock_timeout: float
    statement_timeout: float
    application: str
    server_version: int
    confined: bool = False


def settings_for(
    session: Session, limits: Limits, application: str, *, lock_timeout: float | None = None
) -> SessionSettings:
    """Returns the settings of a script's session, which `pg_stat_activity` shows as `application`.

    `lock_timeout` is the script's own, where it asks for one.
    """
    path = dict.fromkeys((session.schema, *session.destination.search_path, "public"))
    return SessionSettings(
        tables=session.tables,
        search_path=", ".join(map(quote_identifier, path)),
        role=session.facts.role,
        lock_timeout=limits.lock_timeout if lock_timeout is None else lock_timeout,
        statement_timeout=limits.statement_timeout,
        application=shown_as(session, application),
        server_version=session.facts.server_version,
        confined=session.destination.scratch,
    )


def shown_as(session: Session, application: str) -> str:
    """Returns the name by which `pg_stat_activity` shows a session on a destination.

    The server replaces other characters than ASCII, so that the session wouldn't be found by them.
    """
    return session.destination.called(application).encode("ascii", "replace").decode()[:63]


def set_in_transaction(settings: SessionSettings, also: Mapping[str, str], *, shared: bool = False) -> tuple[str, str]:
    """Returns the SQL that sets a transaction's settings before its claim, and the SQL that does so after it.

    `also` are further settings and their values, as SQL. What `set_for_claims` sets in the session is left out where it
    is `shared`.
    """
    scripts = {"search_path": settings.search_path, "row_security": "default"}
    if not _is_short(settings):
        scripts["lock_timeout"] = _milliseconds(settings.lock_timeout)
    claims = _for_claims(settings)
    if shared:
        claims, scripts["plan_cache_mode"] = {"application_name": quote_literal(settings.application)}, "default"
    return _set({**claims, **also}, local=True), _set(scripts, local=True)


def set_for_claims(settings: SessionSettings) -> str:
    """Returns the SQL that sets in a session what transactions of one run have in common before their claims."""
    return _set({**_for_claims(settings), "plan_cache_mode": PLANNED_ONCE}, local=False)


def _for_claims(settings: SessionSettings) -> dict[str, str]:
    """Returns the settings of a claim: it runs inside the fence, and doesn't wait for long."""
    limit = {} if _is_short(settings) else {"lock_timeout": _milliseconds(LONGEST_CLAIM)}
    return {**_pinned(settings), "search_path": PATH, "row_security": "off", **limit}


def _is_short(settings: SessionSettings) -> bool:
    return 0 < settings.lock_timeout <= LONGEST_CLAIM


def set_in_session(settings: SessionSettings) -> str:
    """Returns the SQL that sets a session's settings, for scripts outside a transaction."""
    return _set(_pinned(settings), local=False)


def without_lock_timeout(settings: SessionSettings) -> tuple[str, str]:
    """Returns the SQL before and after a statement that waits for others by its nature: it has no lock_timeout."""
    limit = {"lock_timeout": _milliseconds(settings.lock_timeout)}
    return _set({"lock_timeout": "0"}, local=False), _set(limit, local=False)


def _pinned(settings: SessionSettings) -> dict[str, str]:
    chosen = {
        "search_path": settings.search_path,
        "lock_timeout": _milliseconds(settings.lock_timeout),
        "statement_timeout": _milliseconds(settings.statement_timeout),
        "idle_in_transaction_session_timeout": "0",
        "idle_session_timeout": "0",
        # An orphaned server process notices within a second that its client is gone.
        "client_connection_check_interval": "'1s'",
        "application_name": quote_literal(settings.application),
    }
    if settings.server_version >= 170000:
        chosen["transaction_timeout"] = "0"
    return chosen


def _milliseconds(seconds: float) -> str:
    # A fraction of a millisecond must not become 0, which means no limit.
    return f"'{max(1, round(seconds * 1000)) if seconds else 0}ms'"


def _set(chosen: Mapping[str, str], *, local: bool) -> str:
    # Half the server's work of one SELECT that calls set_config: nothing is planned, and no row is returned.
    scope = "local" if local else "session"
    return "".join(f"set {scope} {name} = {value};" for name, value in chosen.items())
