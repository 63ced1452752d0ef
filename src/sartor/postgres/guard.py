"""The claim that rides on BEGIN and the record that rides on COMMIT: what makes a script run exactly once.

The journal's primary key is the lock: a rival that inserts the same number waits until this transaction ends, and
then sees 23505 where it committed. `open` is a deferred reference to a row that can't exist, so nothing commits until
the record has cleared it: a COMMIT of the script's own undoes everything (the manual's page on SET CONSTRAINTS).
`sartor.token` is gone after a ROLLBACK or a RESET ALL, which the record notices.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sartor import __version__
from sartor.domain.alteration import Alteration
from sartor.domain.ledger import FORMAT, Entry, EventKind, State
from sartor.domain.quoting import quote_identifier, quote_literal

CLOSED_CONSTRAINT = "sartor_journal_open_fkey"
"""The deferred reference; an error that names it means that a script touched the transaction."""

MARK_GONE = "sartor: no token"
ROLE_LEFT = "sartor: role "
ROLE = "sartor.role"
"""The setting that holds the role with which a transaction began, where that wasn't known before."""

CHECKS_CLIENT = 140000
"""The first server version that knows `client_connection_check_interval`."""

ENDS_IDLE_SESSIONS = 140000
"""Likewise `idle_session_timeout`."""

TIMES_TRANSACTIONS = 170000
"""Likewise `transaction_timeout`."""

LONGEST_CLAIM = 0.3
"""Seconds that the claim waits at a time, however long a script may: how long in all is `--wait`'s to say."""

JOURNAL, LEDGER, CLOSED = "sartor_journal", "sartor_ledger", "sartor_closed"
TABLES = (JOURNAL, LEDGER, CLOSED, "sartor_fingerprint")
"""Sartor's own."""


class Phase(Enum):
    """Where a guarded transaction stands: whose fault an error is depends on it."""

    CLAIM = "claim"
    SCRIPT = "script"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event of the journal that is about to happen: its number, its kind, what it is about.

    `since` is the number of the event with which it began, where that isn't itself.
    """

    seq: int
    kind: EventKind
    about: Alteration | Entry | None = None
    since: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_hex(12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What a transaction's settings are pinned to, durations in seconds, 0 for none.

    `role` is the connection's own; None where it isn't known yet, and is to be the one that begins the transaction.
    """

    schema: str
    role: str | None
    lock_timeout: float
    statement_timeout: float
    application: str
    server_version: int


_RECORDS = {
    EventKind.DEPLOYED: """insert into {ledger} (lineage, id, release, name, checksum, state, deployed_at, duration_ms,
        deployed_by, host, sartor, seq, format)
        select lineage, id, release, name, checksum, 'deployed', pg_catalog.clock_timestamp(), duration_ms,
        by_user, host, sartor, seq, format from closed
        on conflict (lineage, id) do update set (release, name, checksum, state, deployed_at, duration_ms, deployed_by,
        host, sartor, seq, format) = (excluded.release, excluded.name, excluded.checksum, excluded.state,
        excluded.deployed_at, excluded.duration_ms, excluded.deployed_by, excluded.host, excluded.sartor, excluded.seq,
        excluded.format) returning 1""",
    EventKind.ROLLED_BACK: """delete from {ledger}
        where lineage = {lineage} and id = {id} and (select true from closed) returning 1""",
    EventKind.UNDOING: """update {ledger} l set state = 'undoing', format = c.format from closed c
        where l.lineage = c.lineage and l.id = c.id returning 1""",
    EventKind.RELABELLED: """update {ledger} l set release = c.release, name = c.name, format = c.format from closed c
        where l.lineage = c.lineage and l.id = c.id returning 1""",
    EventKind.ACCEPTED: """update {ledger} l set release = c.release, name = c.name, checksum = c.checksum,
        format = c.format from closed c where l.lineage = c.lineage and l.id = c.id returning 1""",
}
_RECORDS[EventKind.STARTED] = _RECORDS[EventKind.DEPLOYED].replace("'deployed'", f"'{State.STARTED.value}'")
_RECORDS[EventKind.FORGOTTEN] = _RECORDS[EventKind.ROLLED_BACK]
_RECORDS[EventKind.MARKED_DEPLOYED] = _RECORDS[EventKind.DEPLOYED]
_RECORDS[EventKind.MARKED_NOT_DEPLOYED] = _RECORDS[EventKind.ROLLED_BACK]
_NOTHING = "select 1 from closed"


def opening(event: NewEvent, pins: Pins) -> str:
    """The SQL that rides on BEGIN: settings for this transaction, and the claim of the event's number.

    The server answers 23505 where that number exists, 23502 where the number before it doesn't.
    """
    journal = _table(pins, JOURNAL)
    values = (
        quote_literal(event.seq),
        f"(select seq from {journal} where seq = {event.seq - 1})",
        quote_literal(event.token),
        quote_literal(event.token),
        quote_literal(event.kind.value),
        *map(quote_literal, _describe(event.about)),
        "session_user",
        quote_literal(socket.gethostname()),
        quote_literal(__version__),
        quote_literal(FORMAT),
        quote_literal(json.dumps(dict(event.detail))),
    )
    claiming, after = _pinned(pins) | {"sartor.token": quote_literal(event.token)}, ""
    if not 0 < pins.lock_timeout <= LONGEST_CLAIM:
        claiming["lock_timeout"] = _milliseconds(LONGEST_CLAIM)
        after = _set(_lock_timeout(pins), local=True)
    began_as = "" if pins.role else f"select pg_catalog.set_config('{ROLE}', current_user, true);"
    return (
        f"{began_as}{_set(claiming, local=True)} insert into {journal} (seq, prev, token, open, kind, lineage, id,"
        f" release, name, checksum, by_user, host, sartor, format, detail) values ({', '.join(values)});{after}"
    )


def _describe(about: Alteration | Entry | None) -> tuple[str | None, ...]:
    if about is None:
        return (None,) * 5
    return about.lineage, about.id, about.release.label, about.name, about.checksum


def session_settings(pins: Pins, *, lock_timeout: bool) -> str:
    """The SQL that pins a session's settings, for scripts outside a transaction; `lock_timeout` False pins none."""
    return _set(_pinned(pins) | ({} if lock_timeout else {"lock_timeout": "0"}), local=False)


def _pinned(pins: Pins) -> dict[str, str]:
    """Settings and their values, as SQL."""
    chosen = {
        "search_path": search_path(pins.schema),
        **_lock_timeout(pins),
        "statement_timeout": _milliseconds(pins.statement_timeout),
        "idle_in_transaction_session_timeout": "0",
        "application_name": quote_literal(pins.application),
    }
    if pins.server_version >= CHECKS_CLIENT:
        # An orphaned server process notices within a second that its client is gone.
        chosen["client_connection_check_interval"] = "'1s'"
    if pins.server_version >= ENDS_IDLE_SESSIONS:
        chosen["idle_session_timeout"] = "0"
    if pins.server_version >= TIMES_TRANSACTIONS:
        chosen["transaction_timeout"] = "0"
    return chosen


def _lock_timeout(pins: Pins) -> dict[str, str]:
    return {"lock_timeout": _milliseconds(pins.lock_timeout)}


def _milliseconds(seconds: float) -> str:
    # A fraction of a millisecond isn't 0, which is no limit at all.
    return f"'{max(1, round(seconds * 1000)) if seconds else 0}ms'"


def _set(chosen: dict[str, str], *, local: bool) -> str:
    # Half the server's work of one SELECT that calls set_config: nothing is planned, no row comes back.
    scope = "local" if local else "session"
    return "".join(f"set {scope} {name} = {value};" for name, value in chosen.items())


def search_path(schema: str) -> str:
    """The search path of a script: the destination's schema, then public."""
    return quote_identifier(schema) if schema == "public" else f"{quote_identifier(schema)}, public"


def closing(event: NewEvent, pins: Pins) -> str:
    """The SQL that rides on COMMIT: checks that the transaction is still Sartor's own, and records the event.

    The server answers 22P02 with MARK_GONE or ROLE_LEFT in its message, or 22012, where it isn't.
    """
    token = quote_literal(event.token)
    began = "at" if event.since is None else f"(select at from {_table(pins, JOURNAL)} where seq = {event.since})"
    role = quote_literal(pins.role) if pins.role else f"pg_catalog.current_setting('{ROLE}')"
    lineage, alteration_id, *_ = map(quote_literal, _describe(event.about))
    record = _RECORDS.get(event.kind, _NOTHING).format(ledger=_table(pins, LEDGER), lineage=lineage, id=alteration_id)
    return f"""
        select (case
            when pg_catalog.current_setting('sartor.token', true) is distinct from {token} then '{MARK_GONE}'
            when current_user <> {role} then '{ROLE_LEFT}' || current_user
            else '0' end)::pg_catalog.int4;
        with closed as (
            update {_table(pins, JOURNAL)} set open = null,
            duration_ms = extract(epoch from pg_catalog.clock_timestamp() - {began}) * 1000
            where seq = {event.seq} and open = {token} returning *
        ), recorded as ({record})
        select 1 / pg_catalog.count(*) as recorded from recorded;"""


def probe(event: NewEvent, pins: Pins) -> str:
    """The SQL that waits until the event's transaction has ended: 23505 where it, or another's, committed."""
    return "begin;" + opening(event, pins) + "rollback;"


def _table(pins: Pins, name: str) -> str:
    return f"{quote_identifier(pins.schema)}.{name}"
