"""Makes a script run exactly once: a claim is sent along with BEGIN, and a record along with COMMIT.

The journal's primary key is the lock: another run that inserts the same number waits until this transaction ends, and
then gets 23505 where it committed. `open` is a deferred reference to a second fingerprint, which a check keeps out, so
nothing commits until the record has cleared it: a COMMIT of the script's own undoes everything (the manual's page on
SET CONSTRAINTS). `sartor.token` is gone after a ROLLBACK or a RESET ALL, which the record detects.
"""

import json
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from sartor import __version__
from sartor.domain.ledger import AGAIN, FORMAT, WAS_ID, EventKind, RepeatableEntry, State, Subject
from sartor.postgres.driver.fence import FENCE, PATH, STEP_IN, STEP_OUT
from sartor.postgres.session_settings import PLANNED_ONCE, SessionSettings, set_in_transaction
from sartor.sql.quoting import quote_literal

CLOSED_CONSTRAINT = "_journal_open_fkey"
"""How the deferred reference's name ends; an error that has it means that a script interfered with the transaction."""

CLOSING = "as recorded from recorded"
"""How a record ends."""
MARK_GONE = "sartor: no token"
ROLE_LEFT = "sartor: role "
BEYOND = "sartor: beyond "
ROLE = "sartor.role"
"""The setting that holds the role with which a transaction began, where that wasn't known before."""

_THINGS = {
    "pg_authid": "a role",
    "pg_auth_members": "the members of a role",
    "pg_database": "a database",
    "pg_db_role_setting": "the settings of a database or a role",
    "pg_parameter_acl": "the right to set a parameter",
    "pg_replication_origin": "a replication origin",
    "pg_shdescription": "a comment on a role or a database",
    "pg_shseclabel": "a security label",
    "pg_subscription": "a subscription",
    "pg_tablespace": "a tablespace",
}
"""The catalogues that all databases share, and what each holds; not `pg_shdepend`, which has a table's grants, too."""

_WRITING = ("RowExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
"""The lock modes of writes, without that of ANALYZE, which reads all catalogues."""

_COMPARED = ("pg_auth_members", "pg_db_role_setting", "pg_shdescription")
"""Those whose content is compared: `grant a to b` locks one, and may change nothing; so may `alter role ... set`."""


def _content(table: str) -> str:
    text = "pg_catalog.string_agg(t::text, ';' order by t::text)"
    return f"(select coalesce(pg_catalog.md5({text}), '-') from pg_catalog.{table} t)"


_SHARED = "sartor.shared"
"""The setting that holds, in a scratch database, what these contained when the transaction began."""
_CONTENTS = " || ' ' || ".join(map(_content, _COMPARED))
_REMEMBER = f"select pg_catalog.set_config('{_SHARED}', {_CONTENTS}, true);"
_UNCHANGED = " or ".join(
    f"(touched.name = '{table}'"
    f" and pg_catalog.split_part(pg_catalog.current_setting('{_SHARED}', true), ' ', {place}) = {_content(table)})"
    for place, table in enumerate(_COMPARED, 1)
)

# GRANT, REVOKE and CREATE SUBSCRIPTION release their locks at once, but the row has their transaction's number. The
# only subscription that a scratch database can have is a script's, and the database couldn't be dropped with it.
TOUCHED = f"""(
    select pg_catalog.string_agg(distinct touched.name, ',') from (
        select c.relname::text as name from pg_catalog.pg_locks l
        join pg_catalog.pg_class c on c.oid = l.relation and c.relisshared
        where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation' and l.database = 0 and l.granted
            and l.mode in {_WRITING}
        union all select 'pg_database' from pg_catalog.pg_database
        where xmin = pg_catalog.pg_current_xact_id()::xid and datname <> pg_catalog.current_database()
        union all select 'pg_tablespace' from pg_catalog.pg_tablespace
        where xmin = pg_catalog.pg_current_xact_id()::xid
        union all select 'pg_subscription' from pg_catalog.pg_subscription s
        join pg_catalog.pg_database d on d.oid = s.subdbid where d.datname = pg_catalog.current_database()
    ) touched where touched.name in {tuple(_THINGS)} and ({_UNCHANGED}) is not true
)"""
"""SQL for the names of the catalogues that the current transaction has changed, comma-separated; null for none."""


def beyond(names: str) -> str:
    """Returns why a script in a scratch database that changed these catalogues (names, comma-separated) can't go on."""
    things = ", ".join(_THINGS[name] for name in names.split(","))
    return f"the script changes server-wide objects from a scratch database: {things}"


class Phase(Enum):
    """The phase of a script's transaction; whose fault an error is depends on it."""

    CLAIM = "claim"
    SCRIPT = "script"
    COMMIT = "commit"


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event that is about to be written to the journal: its number, its kind, what it is about.

    `since` is the number of the event with which it began, where that isn't itself; `took` are the milliseconds that
    its work lasted, where that was over before. `down` is a deployed script's way back, as the ledger keeps it.
    """

    seq: int
    kind: EventKind
    about: Subject | None = None
    since: int | None = None
    took: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    down: str | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(12))

    @cached_property
    def literals(self) -> dict[str, str]:
        """The values of the journal's columns that it fills, as SQL."""
        about, detail = self.about, json.dumps(dict(self.detail), ensure_ascii=False) if self.detail else "{}"
        release = None if about is None else _label(about)
        told = (about and about.lineage, about and about.id, release, about and about.name, about and about.checksum)
        values = (self.seq, self.token, *told, detail)
        return dict(zip(_FIELDS, map(quote_literal, values), strict=True))


_WRITTEN = "release, name, checksum, state, deployed_at, duration_ms, deployed_by, host, sartor, seq, format, down"
"""The columns of the ledger that a record writes beside the key."""

_RECORDS = {
    EventKind.DEPLOYED: f"""insert into {{ledger}} (lineage, id, {_WRITTEN})
        select lineage, id, release, name, checksum, 'deployed', pg_catalog.clock_timestamp(), duration_ms,
        by_user, host, sartor, seq, format, {{down}} from closed
        on conflict (lineage, id) do update
        set ({_WRITTEN}) = (excluded.{_WRITTEN.replace(", ", ", excluded.")}) returning 1""",
    EventKind.ROLLED_BACK: """delete from {ledger}
        where lineage = {lineage} and id = {id} and (select true from closed) returning 1""",
    EventKind.UNDOING: """update {ledger} l set state = 'started', format = c.format from closed c
        where l.lineage = c.lineage and l.id = c.id returning 1""",
    EventKind.RELABELLED: f"""update {{ledger}} l set id = c.id, release = c.release, name = c.name, format = c.format
        from closed c where l.lineage = c.lineage and l.id = coalesce(c.detail ->> '{WAS_ID}', c.id) returning 1""",
    EventKind.ACCEPTED: """update {ledger} l set release = c.release, name = c.name, checksum = c.checksum,
        format = c.format, down = null from closed c where l.lineage = c.lineage and l.id = c.id returning 1""",
}
_RECORDS[EventKind.STARTED] = _RECORDS[EventKind.DEPLOYED].replace("'deployed'", f"'{State.STARTED.value}'")
_RECORDS[EventKind.FORGOTTEN] = _RECORDS[EventKind.ROLLED_BACK]
_RECORDS[EventKind.REPEATED] = _RECORDS[EventKind.MARKED_DEPLOYED] = _RECORDS[EventKind.DEPLOYED]
_RECORDS[EventKind.MARKED_NOT_DEPLOYED] = _RECORDS[EventKind.ROLLED_BACK]
_NOTHING = "select 1 from closed"
_AGAIN = f""", again as (update {{ledger}} set state = '{AGAIN}'
    where release is null and state <> '{AGAIN}' and (select true from closed))"""
"""A part of a rollback's record: it may have taken what repeatable scripts made, so the next deploy runs them again."""


_FIELDS = {
    "seq": "bigint",
    "token": "text",
    "lineage": "text",
    "id": "text",
    "release": "text",
    "name": "text",
    "checksum": "text",
    "detail": "jsonb",
}
"""The columns of the journal that an event fills, with their types."""
_RECORDED = {**_FIELDS, "down": "text"}
"""The values of a record, with their types."""


def claim_sql(
    event: NewEvent, settings: SessionSettings, *, prepared: str = "", shared: bool = False, quiet: bool = False
) -> str:
    """Returns the SQL sent along with BEGIN: settings for this transaction, and the claim of the event's number.

    The server answers 23505 where that number exists, 23502 where the number before it doesn't. `prepared` is the name
    under which the session has what `prepare_sql` prepares; `shared` says that it has what `set_for_claims` sets.
    Before a `quiet` script nothing is set that only `record_sql` looks at.
    """
    token = {} if quiet else {"sartor.token": quote_literal(event.token)}
    before, after = set_in_transaction(settings, token, shared=shared)
    began_as = "" if settings.role else f"select pg_catalog.set_config('{ROLE}', current_user, true);"
    if settings.confined and not quiet:
        began_as += _REMEMBER
    claim = _execute(f"{prepared}_claim", event.literals) if prepared else _claim(event.kind, settings, event.literals)
    return f"{before}{began_as}{claim};{after}"


def record_sql(
    event: NewEvent, settings: SessionSettings, *, prepared: str = "", quiet: bool = False, notes: Sequence[str] = ()
) -> str:
    """Returns the SQL sent along with COMMIT, which records the event. `prepared` is as for `claim_sql`.

    `notes` are added to the event's detail.

    It checks that the transaction is still Sartor's own; where it isn't, the server answers 22P02 with MARK_GONE,
    ROLE_LEFT or BEYOND in its message, or 22012. A `quiet` script can't have changed a setting or the role, and leaves
    no trigger to be fired under its path: only the last of these checks remains.
    """
    values = event.literals | {"down": quote_literal(event.down)}
    record = _execute(f"{prepared}_record", values) if prepared else None
    if record is None:
        record = _record(event.kind, settings, values, event.since, event.took, notes)
    if quiet:
        planned = f"set local plan_cache_mode = {PLANNED_ONCE};" if prepared else ""
        return f"set local search_path = {PATH};set local row_security = off;{planned}{record};"
    return f"{STEP_IN}{_check(event, settings)};{record};{STEP_OUT}"


def prepare_sql(kind: EventKind, settings: SessionSettings, name: str) -> str:
    """Returns the SQL that prepares, in a transaction, the claim and the record of events of one kind.

    These events begin with themselves: they have no `since` and no `took`. To run them takes 0.1 ms a script less.
    """
    values = {each: f"${n}" for n, each in enumerate(_RECORDED, 1)}
    claim, record = _claim(kind, settings, values), _record(kind, settings, values)
    claimed, recorded = (", ".join(each.values()) for each in (_FIELDS, _RECORDED))
    return f"{FENCE}prepare {name}_claim ({claimed}) as {claim};prepare {name}_record ({recorded}) as {record};"


def _execute(name: str, values: Mapping[str, str]) -> str:
    return f"execute {name} ({', '.join(values.values())})"


def _label(about: Subject) -> str | None:
    """Returns the release's label; a repeatable script belongs to none."""
    return None if isinstance(about, RepeatableEntry) or about.is_repeatable else about.release.label


def _claim(kind: EventKind, settings: SessionSettings, values: Mapping[str, str]) -> str:
    journal = settings.tables.journal
    return f"""insert into {journal} (prev, open, kind, by_user, host, sartor, format, {", ".join(_FIELDS)}) values (
        (select seq from {journal} where seq = {values["seq"]} - 1), true, {quote_literal(kind.value)},
        session_user, {quote_literal(socket.gethostname())}, {quote_literal(__version__)}, {FORMAT},
        {", ".join([values[each] for each in _FIELDS])})"""


def _check(event: NewEvent, settings: SessionSettings) -> str:
    role = quote_literal(settings.role) if settings.role else f"pg_catalog.current_setting('{ROLE}')"
    kept = f"'{BEYOND}' || {TOUCHED}" if settings.confined else "null"
    return f"""select (case
        when pg_catalog.current_setting('sartor.token', true) is distinct from '{event.token}' then '{MARK_GONE}'
        when current_user <> {role} then '{ROLE_LEFT}' || current_user
        else coalesce({kept}, '0') end)::pg_catalog.int4"""


def _record(
    kind: EventKind,
    settings: SessionSettings,
    values: Mapping[str, str],
    since: int | None = None,
    took: float | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Returns the SQL that closes an event and writes what it leaves in the ledger."""
    journal, ledger = settings.tables.journal, settings.tables.ledger
    began = "at" if since is None else f"(select at from {journal} where seq = {since})"
    lasted = took or f"extract(epoch from pg_catalog.clock_timestamp() - {began}) * 1000"
    more = quote_literal(json.dumps({"notes": list(notes)}, ensure_ascii=False))
    noted = f", detail = detail || {more}::pg_catalog.jsonb" if notes else ""
    record = _RECORDS.get(kind, _NOTHING).format(ledger=ledger, **values)
    again = _AGAIN.format(ledger=ledger) if kind is EventKind.ROLLED_BACK else ""
    return f"""with closed as (
            update {journal} set open = null, duration_ms = {lasted}{noted}
            where seq = {values["seq"]} and token = {values["token"]} and open returning *
        ){again}, recorded as ({record})
        select 1 / pg_catalog.count(*) {CLOSING}"""


def probe_sql(event: NewEvent, settings: SessionSettings) -> str:
    """Returns the SQL that waits until the event's transaction has ended: 23505 where it, or another's, committed."""
    return "begin;" + claim_sql(event, settings) + "rollback;"
