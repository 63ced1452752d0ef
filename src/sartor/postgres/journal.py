"""Makes a script run exactly once: a claim is sent along with BEGIN, and a record along with COMMIT.

The journal's primary key is the lock: another run that inserts the same number waits until this transaction ends, and
then gets 23505 where it committed. `open` is a deferred reference to a row that can't exist, so nothing commits until
the record has cleared it: a COMMIT of the script's own undoes everything (the manual's page on SET CONSTRAINTS).
`sartor.token` is gone after a ROLLBACK or a RESET ALL, which the record detects.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sartor import __version__
from sartor.domain.alteration import Alteration
from sartor.domain.ledger import FORMAT, Entry, EventKind, State
from sartor.postgres.driver.fence import FENCE, STEP_IN, STEP_OUT
from sartor.postgres.server_objects import TOUCHED
from sartor.postgres.session_settings import SessionSettings, set_in_transaction
from sartor.sql.quoting import quote_identifier, quote_literal

CLOSED_CONSTRAINT = "sartor_journal_open_fkey"
"""The deferred reference's name; an error that has it means that a script interfered with the transaction."""

MARK_GONE = "sartor: no token"
ROLE_LEFT = "sartor: role "
BEYOND = "sartor: beyond "
ROLE = "sartor.role"
"""The setting that holds the role with which a transaction began, where that wasn't known before."""

JOURNAL, LEDGER = "sartor_journal", "sartor_ledger"


class Phase(Enum):
    """The phase of a script's transaction; whose fault an error is depends on it."""

    CLAIM = "claim"
    SCRIPT = "script"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that is about to be written to the journal: its number, its kind, what it is about.

    `since` is the number of the event with which it began, where that isn't itself.
    """

    seq: int
    kind: EventKind
    about: Alteration | Entry | None = None
    since: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_hex(12))


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
    EventKind.UNDOING: """update {ledger} l set state = 'started', format = c.format from closed c
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

_CLAIMED = ("seq", "token", "lineage", "id", "release", "name", "checksum", "detail")
_CHECKED = ("token",)
_RECORDED = ("seq", "token", "lineage", "id")
"""The fields of an event that each statement takes. Those of the claim are columns of the journal."""

_TYPES = dict.fromkeys(_CLAIMED, "pg_catalog.text") | {"seq": "bigint", "detail": "pg_catalog.jsonb"}


def claim_sql(event: NewEvent, settings: SessionSettings, *, prepared: str = "") -> str:
    """Returns the SQL sent along with BEGIN: settings for this transaction, and the claim of the event's number.

    The server answers 23505 where that number exists, 23502 where the number before it doesn't. `prepared` is the name
    under which the session has what `prepare_sql` prepares, which takes it a third of the time.
    """
    claim = (
        _execute(f"{prepared}_claim", event, _CLAIMED) if prepared else _claim(event.kind, settings, _literals(event))
    )
    before, after = set_in_transaction(settings, {"sartor.token": quote_literal(event.token)})
    began_as = "" if settings.role else f"select pg_catalog.set_config('{ROLE}', current_user, true);"
    return f"{before}{began_as}{claim};{after}"


def record_sql(event: NewEvent, settings: SessionSettings, *, prepared: str = "") -> str:
    """Returns the SQL sent along with COMMIT, which records the event.

    It checks that the transaction is still Sartor's own; where it isn't, the server answers 22P02 with MARK_GONE,
    ROLE_LEFT or BEYOND in its message, or 22012. `prepared` is as for `claim_sql`.
    """
    if prepared:
        check, record = _execute(f"{prepared}_check", event, _CHECKED), _execute(f"{prepared}_record", event, _RECORDED)
    else:
        literals = _literals(event)
        check, record = _check(settings, literals), _record(event.kind, settings, literals, event.since)
    return f"{STEP_IN}{check};{record};{STEP_OUT}"


def prepare_sql(kind: EventKind, settings: SessionSettings, name: str) -> str:
    """Returns the SQL that prepares, in a transaction, the claim, the check and the record of events of one kind.

    These events begin with themselves: they have no `since`.
    """
    return FENCE + "".join(
        f"prepare {name}_{what} ({', '.join(_TYPES[each] for each in takes)}) as {statement};"
        for what, takes, statement in (
            ("claim", _CLAIMED, _claim(kind, settings, _parameters(_CLAIMED))),
            ("check", _CHECKED, _check(settings, _parameters(_CHECKED))),
            ("record", _RECORDED, _record(kind, settings, _parameters(_RECORDED), None)),
        )
    )


def _literals(event: NewEvent) -> dict[str, str]:
    return {each: quote_literal(value) for each, value in _values(event).items()}


def _parameters(fields: Sequence[str]) -> dict[str, str]:
    return {each: f"${number}" for number, each in enumerate(fields, 1)}


def _execute(name: str, event: NewEvent, fields: Sequence[str]) -> str:
    values = _values(event)
    return f"execute {name} ({', '.join([quote_literal(values[each]) for each in fields])})"


def _values(event: NewEvent) -> dict[str, str | int | None]:
    about = event.about
    return {
        "seq": event.seq,
        "token": event.token,
        "lineage": about and about.lineage,
        "id": about and about.id,
        "release": about and about.release.label,
        "name": about and about.name,
        "checksum": about and about.checksum,
        "detail": json.dumps(dict(event.detail)),
    }


def _claim(kind: EventKind, settings: SessionSettings, values: Mapping[str, str]) -> str:
    journal = _table(settings, JOURNAL)
    return f"""insert into {journal} (prev, open, kind, by_user, host, sartor, format, {", ".join(_CLAIMED)}) values (
        (select seq from {journal} where seq = {values["seq"]} - 1), {values["token"]}, {quote_literal(kind.value)},
        session_user, {quote_literal(socket.gethostname())}, {quote_literal(__version__)}, {FORMAT},
        {", ".join([values[each] for each in _CLAIMED])})"""


def _check(settings: SessionSettings, values: Mapping[str, str]) -> str:
    role = quote_literal(settings.role) if settings.role else f"pg_catalog.current_setting('{ROLE}')"
    kept = f"'{BEYOND}' || {TOUCHED}" if settings.confined else "null"
    return f"""select (case
        when pg_catalog.current_setting('sartor.token', true) is distinct from {values["token"]} then '{MARK_GONE}'
        when current_user <> {role} then '{ROLE_LEFT}' || current_user
        else coalesce({kept}, '0') end)::pg_catalog.int4"""


def _record(kind: EventKind, settings: SessionSettings, values: Mapping[str, str], since: int | None) -> str:
    journal = _table(settings, JOURNAL)
    began = "at" if since is None else f"(select at from {journal} where seq = {since})"
    record = _RECORDS.get(kind, _NOTHING).format(ledger=_table(settings, LEDGER), **values)
    return f"""with closed as (
            update {journal} set open = null,
            duration_ms = extract(epoch from pg_catalog.clock_timestamp() - {began}) * 1000
            where seq = {values["seq"]} and open = {values["token"]} returning *
        ), recorded as ({record})
        select 1 / pg_catalog.count(*) as recorded from recorded"""


def probe_sql(event: NewEvent, settings: SessionSettings) -> str:
    """Returns the SQL that waits until the event's transaction has ended: 23505 where it, or another's, committed."""
    return "begin;" + claim_sql(event, settings) + "rollback;"


def _table(settings: SessionSettings, name: str) -> str:
    return f"{quote_identifier(settings.schema)}.{name}"
