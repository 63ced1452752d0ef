"""The ledger in the database: read, made, and written event by event."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterable
from typing import Any

import asyncpg

from sartor import __version__
from sartor.domain.alteration import Alteration
from sartor.domain.bundle import bundles
from sartor.domain.errors import LedgerTooNew
from sartor.domain.ledger import FORMAT, Entry, Event, EventKind, Ledger, State
from sartor.domain.quoting import quote_identifier, quote_literal
from sartor.domain.release import Release
from sartor.postgres.session import Session

_READ = """
with bundles as (
    select lineage, release,
        pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(line, '/'), 'UTF8')), 'hex')
            as digest, pg_catalog.max(format) as format
    from (
        select lineage, release, format,
            pg_catalog.concat_ws('/', lineage, release, id, name, checksum, nullif(state, 'deployed')) as line
        from {ledger} where $1 <> '' order by id collate pg_catalog."C"
    ) lines
    group by lineage, release
), equal as (
    select b.lineage, b.release, b.digest
    from bundles b join pg_catalog.unnest(pg_catalog.string_to_array($1, ' ')) shipped (digest) using (digest)
)
select l.lineage, l.id, l.release, l.name, l.checksum, l.state, l.deployed_at, coalesce(l.duration_ms, 0),
    l.deployed_by, l.host, l.sartor, l.seq, (select pg_catalog.max(seq) from {source}) as head,
    greatest((select format from {source} order by seq desc limit 1), (select pg_catalog.max(format) from bundles),
        case when $1 = '' then (select pg_catalog.max(format) from {ledger}) end, 0) as format,
    (select pg_catalog.string_agg(digest, ' ') from equal) as equal
from (select 1) one
left join (
    select * from {ledger}
    where ($1 = '' or (select pg_catalog.count(*) from equal) < (select pg_catalog.count(*) from bundles))
        and (lineage, release) not in (select lineage, release from equal)
) l on true
order by l.seq
"""
"""The columns are the fields of an Entry; there is one row without an id where there are none.

`bundles` is the server's twin of `domain.bundle`: rows whose digests are in $1, between spaces, are not sent.
"""

_STATES = {state.value: state for state in State}

_HISTORY = """
select seq, kind, at, lineage, id, release, name, checksum, duration_ms, by_user, host, sartor, detail::text as detail
from {schema}.sartor_journal where seq > $1 order by seq
"""


async def read_ledger(session: Session, shipped: Iterable[Alteration] = ()) -> Ledger:
    """The ledger of the session's destination, from one snapshot. Raises PrivilegeMissing; writes nothing.

    Of a release that is deployed just as it is `shipped` no row is read: the ledger has it `as_shipped`. A role that
    may read `sartor_ledger` alone gets the entries, with the newest entry's number for the head.
    """
    if not session.facts.ledger_exists:
        return Ledger()
    session.require_read()
    schema = quote_identifier(session.schema)
    ledger = f"{schema}.sartor_ledger"
    source = f"{schema}.sartor_journal" if session.facts.journal_readable else ledger
    known = bundles(shipped)
    rows = await session.connection.fetch(_READ.format(ledger=ledger, source=source), " ".join(known))
    # Taken apart by place, not by name, as there may be ten thousand.
    entries = [
        Entry(lineage, alteration_id, Release.parse(release), name, checksum, _STATES[state], *rest)
        for lineage, alteration_id, release, name, checksum, state, *rest, _head, _format, _equal in rows
        if alteration_id is not None
    ]
    equal = (rows[0]["equal"] or "").split()
    return Ledger(
        head=rows[0]["head"] or 0,
        format=rows[0]["format"],
        entries=tuple(entries),
        as_shipped=tuple([alteration for digest in equal for alteration in known[digest]]),
    )


def require_format(ledger: Ledger) -> None:
    """Raise LedgerTooNew where a newer Sartor wrote it: what it means by a row isn't known here."""
    if ledger.format > FORMAT:
        raise LedgerTooNew(
            f"the ledger was written by a newer Sartor: its format is {ledger.format},"
            f" and Sartor {__version__} writes format {FORMAT}"
        )


async def read_history(session: Session, *, after: int = -1) -> list[Event]:
    """The journal's events with numbers above `after`, oldest first."""
    if not session.facts.ledger_exists:
        return []
    session.require_read(journal=True)
    rows = await session.connection.fetch(_HISTORY.format(schema=quote_identifier(session.schema)), after)
    return [_event(row) for row in rows]


def _event(row: Any) -> Event:
    return Event(
        seq=row["seq"],
        kind=EventKind(row["kind"]),
        at=row["at"],
        lineage=row["lineage"],
        id=row["id"],
        release=Release.parse(row["release"]) if row["release"] else None,
        name=row["name"],
        checksum=row["checksum"],
        duration_ms=row["duration_ms"],
        user=row["by_user"],
        host=row["host"],
        sartor=row["sartor"],
        detail=json.loads(row["detail"]),
    )


async def read_last_start(session: Session, about: Alteration) -> dict[str, Any] | None:
    """What the journal's last `started` or `undoing` event of an alteration holds: `pid`, `began`, `invalid`."""
    query = f"""select detail::text from {quote_identifier(session.schema)}.sartor_journal
        where lineage = $1 and id = $2 and kind in ('started', 'undoing') order by seq desc limit 1"""
    detail = await session.connection.fetchval(query, about.lineage, about.id)
    return json.loads(detail) if detail else None


async def is_in_effect(session: Session, about: Alteration) -> bool:
    """Whether the journal's last word on an alteration is that it was deployed, whatever was begun since then."""
    query = f"""select kind in ('deployed', 'marked-deployed') from {quote_identifier(session.schema)}.sartor_journal
        where lineage = $1 and id = $2 and kind in ('deployed', 'rolled-back', 'forgotten', 'marked-deployed',
        'marked-not-deployed') order by seq desc limit 1"""
    return bool(await session.connection.fetchval(query, about.lineage, about.id))


async def create_ledger(session: Session) -> None:
    """Make the schema and the ledger's tables, where they aren't there; two at once are no harm."""
    key = quote_literal(f"sartor:{session.schema}")
    while not session.facts.ledger_exists:
        async with session.connection.transaction():
            # Tried, not waited for: who waits inside a statement holds up every CREATE INDEX CONCURRENTLY.
            mine = await session.connection.fetchval(
                f"select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtext({key}))"
            )
            await session.learn()
            if mine and not session.facts.ledger_exists:
                await session.connection.execute(creation(session))
        await session.learn()
        if not session.facts.ledger_exists:
            await asyncio.sleep(0.05)


def creation(session: Session) -> str:
    """The SQL that makes the ledger's tables, and the schema where it isn't there."""
    from importlib.resources import files  # noqa: PLC0415 - it costs as much as reading a ledger of thousands

    schema = quote_identifier(session.schema)
    text = files("sartor.postgres").joinpath("ledger.sql").read_text("utf-8")
    return ("" if session.facts.schema_exists else f"create schema {schema};\n\n") + text.format(
        schema=schema,
        token=quote_literal("created"),
        host=quote_literal(socket.gethostname()),
        version=quote_literal(__version__),
        format=FORMAT,
    )


async def read_token(session: Session, seq: int) -> str:
    """The token of event `seq`, which no other database's event has, copies of this one apart."""
    query = f"select token from {quote_identifier(session.schema)}.sartor_journal where seq = $1"
    return str(await session.connection.fetchval(query, seq))


async def has_token(connection: asyncpg.Connection[Any], schema: str, seq: int, token: str) -> bool:
    """Whether event `seq` is committed and bears `token`."""
    table = f"{quote_identifier(schema)}.sartor_journal"
    query = f"select token from {table} where seq = $1"
    return bool(await connection.fetchval(query, seq) == token)
