"""Reads and creates the ledger in the database, which is written event by event."""

import json
import socket
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from sartor import __version__
from sartor.domain.alteration import Alteration
from sartor.domain.kept_down import KeptDown
from sartor.domain.ledger import AGAIN, FORMAT, WAS_ID, Entry, Event, EventKind, Ledger, RepeatableEntry, State
from sartor.domain.own_tables import require_only
from sartor.domain.release import Release
from sartor.domain.table_names import OwnTables
from sartor.errors import LedgerTooNew, LedgerUnsound, SartorError
from sartor.postgres.driver.fence import FENCE
from sartor.postgres.own_tables import read_prefixes
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier, quote_literal

_READ = """
select l.lineage, l.id, l.release, l.name, l.checksum, l.state, l.deployed_at, coalesce(l.duration_ms, 0),
    l.deployed_by, l.host, l.sartor, l.seq, whole.head, whole.format, whole.told
from (
    select (select pg_catalog.max(seq) from {source}) as head,
        greatest((select format from {source} order by seq desc limit 1), held.format, 0) as format,
        greatest(held.seq{expected}) as told
    from (select pg_catalog.max(seq) as seq, pg_catalog.max(format) as format from {ledger}) held
) whole
left join {ledger} l on true
"""
"""Selects the fields of an Entry, in any order: the server takes longer to sort ten thousand rows, which lie in order.

Where there are no entries, it is one row without an id. `told` is the last event that other tables than the journal
know of. Rows with an id and without a release have the fields of a RepeatableEntry.
"""

_STATES = {state.value: state for state in State}

_HISTORY = """
select seq, kind, at, lineage, id, release, name, checksum, duration_ms, by_user, host, sartor, detail::text,
    format
from {journal} where seq > $1 order by seq
"""
"""Selects the fields of an Event, and the format that it was written in."""

PATIENCE = 0.3
"""Seconds that the creation of the ledger waits for a lock at a time."""

_REVOKING = """
declare
    given record;
begin
    for given in
        select distinct pg_catalog.format('%I.%I', n.nspname, c.relname) as place,
            case when r.oid is null then 'public' else pg_catalog.quote_ident(r.rolname) end as role
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace,
            pg_catalog.aclexplode(c.relacl) a left join pg_catalog.pg_roles r on r.oid = a.grantee
        where n.nspname = {schema} and c.relname in {tables} and a.grantee <> c.relowner
    loop
        execute pg_catalog.format('revoke all on %s from %s', given.place, given.role);
    end loop;
end
"""
"""The block that revokes the rights on the new tables that default privileges gave to others."""


async def read_ledger(session: Session, *, founds: bool = False) -> Ledger:
    """Reads the ledger of the session's destination, from one snapshot. Writes nothing.

    A role that may read only the ledger gets the entries, with the newest entry's number for the head. Raises
    PrivilegeMissing, LedgerUnsound, LedgerTooNew; and SchemaMissing, unless it is for a run that `founds` the schema.
    """
    if not session.facts.ledger_exists:
        if not founds:
            await session.require_schema()
        await _require_here(session)
        return await _without_ledger(session)
    session.require_read()
    tables, ledger = session.tables, session.tables.ledger
    source = tables.journal if session.facts.journal_readable else ledger
    expected = f", (select pg_catalog.max(seq) from {tables.fingerprint})" if session.facts.fingerprint_readable else ""
    query = _READ.format(ledger=ledger, source=source, expected=expected)
    async with session.connection.fenced():
        rows = await session.connection.fetch(query)
    # Unpacked by position, not by name, as there may be ten thousand rows.
    try:
        entries = [
            Entry(lineage, alteration_id, Release.parse(release), name, checksum, _STATES[state], *rest)
            for lineage, alteration_id, release, name, checksum, state, *rest, _head, _format, _told in rows
            if release is not None
        ]
    except (KeyError, ValueError) as error:
        raise _unreadable(ledger, "state or release", error, rows[0]["format"]) from error
    head = rows[0]["head"]
    if session.facts.journal_readable:
        _require_whole(tables, head, rows[0]["told"])
    return Ledger(
        head=head or 0,
        format=rows[0]["format"],
        entries=tuple(sorted(entries, key=attrgetter("seq"))),
        repeatables=_repeatables(rows) if len(rows) > len(entries) else (),
    )


async def _without_ledger(session: Session) -> Ledger:
    """Returns the ledger of a schema that has none."""
    from sartor.postgres.strays import read_strays  # noqa: PLC0415 - a schema is without a ledger once

    found = await read_strays(session.connection, session.schema) if session.facts.schema_used else None
    return Ledger(strays=found.names, tool=found.tool) if found else Ledger()


async def _require_here(session: Session) -> None:
    """Raises SettingsError where the schema's history is kept in tables of another prefix, and none was chosen."""
    if session.facts.schema_used and not session.destination.tables_chosen:
        found = await read_prefixes(session.connection, session.schema)
        if session.tables.prefix not in found:  # a run that made this history since the facts were read
            require_only(found, session.tables)


async def read_downs(session: Session, entries: Iterable[Entry]) -> dict[tuple[str, str], KeptDown | None]:
    """Reads what the ledger keeps of the ways back of these rows; None for one of which it keeps nothing readable.

    A row that isn't there any more, or was recorded anew, is left out.
    """
    query = f"""select l.lineage, l.id, l.down from {session.tables.ledger} l
        join rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]),
            pg_catalog.unnest($3::pg_catalog.int8[]))
        wanted (lineage, id, seq) on (l.lineage, l.id, l.seq) = (wanted.lineage, wanted.id, wanted.seq)"""
    wanted = [(entry.lineage, entry.id, entry.seq) for entry in entries]
    async with session.connection.fenced():
        rows = await session.connection.fetch(query, *map(list, zip(*wanted, strict=True)))
    return {(lineage, alteration_id): KeptDown.parse(down) for lineage, alteration_id, down in rows}


def _repeatables(rows: Iterable[Any]) -> tuple[RepeatableEntry, ...]:
    """Returns the rows of the repeatable scripts, in order of their events."""
    found = [
        RepeatableEntry(lineage, repeatable_id, name, checksum, *rest)._replace(again=state == AGAIN)
        for lineage, repeatable_id, release, name, checksum, state, *rest, _head, _format, _told in rows
        if release is None and repeatable_id is not None
    ]
    return tuple(sorted(found, key=attrgetter("seq")))


def _require_whole(tables: OwnTables, head: int | None, told: int | None) -> None:
    """Raises LedgerUnsound where events are missing from the journal's end: their numbers would be used twice."""
    if head is not None and (told or 0) <= head:
        return
    schema = tables.schema
    if head is None:
        reason = (
            f"the journal of schema {schema} is empty; even its first event, `created`, is missing: the rows of"
            f" {tables.journal} were deleted"
        )
    else:
        reason = (
            f"the journal of schema {schema} ends with event {head}, but event {told} was recorded: the last rows were"
            " deleted"
        )
    raise LedgerUnsound(reason, hint="restore the rows of the journal from a backup: `deploy` can't reconstruct them")


def require_format(ledger: Ledger) -> None:
    """Raises LedgerTooNew where a newer Sartor wrote the ledger: this one doesn't know what its rows mean."""
    if ledger.format > FORMAT:
        raise LedgerTooNew(
            f"the ledger was written by a newer version of Sartor: its format is {ledger.format}; Sartor"
            f" {__version__} writes format {FORMAT}"
        )


def _unreadable(table: str, what: str, error: Exception, written: int, *, seq: int | None = None) -> SartorError:
    """Returns the error for a row that holds a word that this Sartor doesn't know."""
    row, where = ("a row", "") if seq is None else (f"event {seq}", f" where seq = {seq}")
    text = f"{row} of {table} has an unknown {what}: {error}"
    if written > FORMAT:
        return LedgerTooNew(f"{text}; it was written by a newer version of Sartor, in format {written}")
    return LedgerUnsound(text, hint=f"inspect the row: select * from {table}{where};")


async def read_history(session: Session, *, after: int = -1) -> list[Event]:
    """Reads the journal's events with numbers above `after`, oldest first. Raises what `read_ledger` raises."""
    if not session.facts.ledger_exists:
        await session.require_schema()
        await _require_here(session)
        return []
    session.require_read(journal=True)
    async with session.connection.fenced():
        rows = await session.connection.fetch(_HISTORY.format(journal=session.tables.journal), after)
    return [_event(row, session.tables) for row in rows]


def _event(row: Any, tables: OwnTables) -> Event:
    seq, kind, at, lineage, alteration_id, release, *rest, written = row
    rest[-1] = json.loads(rest[-1])
    try:
        parsed = Release.parse(release) if release else None
        return Event(seq, EventKind(kind), at, lineage, alteration_id, parsed, *rest)
    except ValueError as error:
        raise _unreadable(tables.journal, "kind or release", error, written, seq=seq) from error


async def read_last_start(session: Session, about: Alteration) -> dict[str, Any] | None:
    """Reads the detail of an alteration's last `started` or `undoing` event: `pid`, `began`, `invalid`.

    Returns None where there is none.
    """
    query = f"""select detail::text from {session.tables.journal}
        where lineage = $1 and id = $2 and kind in ('started', 'undoing') order by seq desc limit 1"""
    detail = await session.connection.fetchval(query, about.lineage, about.id)
    return json.loads(detail) if detail else None


async def is_in_effect(session: Session, about: Alteration) -> bool:
    """Returns whether the journal's last completed event of an alteration is that it was deployed.

    What was begun since then doesn't count.
    """
    query = f"""select kind in ('deployed', 'baseline', 'marked-deployed', 'relabelled')
        from {session.tables.journal} where lineage = $1 and id = $2
        and (kind in ('deployed', 'baseline', 'rolled-back', 'forgotten', 'marked-deployed', 'marked-not-deployed')
            or kind = 'relabelled' and detail->'{WAS_ID}' is not null) order by seq desc limit 1"""
    return bool(await session.connection.fetchval(query, about.lineage, about.id))


async def forget_repeatable(session: Session, script: Alteration) -> None:
    """Removes the row of a repeatable script, without an event: in a scratch database, whose journal nobody reads."""
    query = f"delete from {session.tables.ledger} where lineage = $1 and id = $2"
    await session.connection.execute(query, script.lineage, script.id)


async def create_ledger(session: Session) -> None:
    """Creates the ledger's tables, and the schema where it is missing, as the session's facts say.

    Updates those facts, without reading them where nothing else has a say in them. Raises the driver's errors: where
    another session creates the ledger at the same time, or has just done so, that is a lock that isn't available at
    once, or a name that is taken. Nothing that exists already is ever taken for Sartor's own.
    """
    # One message is one transaction (the manual's chapter 55.2.2.1).
    limit = f"set local lock_timeout = '{PATIENCE * 1000:.0f}ms';"
    sql = creation(session, plain=session.facts.creates_plainly)
    await session.connection.execute(f"{FENCE}{limit}{sql}")
    if (made := session.facts.after_creation(session.tables)) is None:
        await session.learn()
    else:
        session.facts = made


def creation(session: Session, *, plain: bool = False) -> str:
    """Returns the SQL that creates the ledger's tables, and the schema where it is missing.

    `plain` says that nothing gives others rights on a new table, as the session's facts say for now.
    """
    from importlib.resources import files  # noqa: PLC0415 - it costs as much as reading a ledger of thousands

    schema = quote_identifier(session.schema)
    text = files("sartor.postgres").joinpath("ledger.sql").read_text("utf-8")
    block = _REVOKING.format(schema=quote_literal(session.schema), tables=session.tables.names)
    # Without PL/pgSQL, the roles that default privileges let in are reported after the run, as for any ledger.
    revokes = session.facts.has_plpgsql and not plain
    return ("" if session.facts.schema_exists else f"create schema {schema};\n\n") + text.format(
        schema=schema,
        prefix=session.tables.prefix,
        token=quote_literal("created"),
        host=quote_literal(socket.gethostname()),
        version=quote_literal(__version__),
        format=FORMAT,
        revoking=f"do {quote_literal(block)};" if revokes else "",
    )


async def read_token(session: Session, seq: int) -> str:
    """Reads the token of event `seq`, which no other database's event has, copies of this one apart."""
    query = f"select token from {session.tables.journal} where seq = $1"
    return str(await session.connection.fetchval(query, seq))
