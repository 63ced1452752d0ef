"""The expected schema, the one row of the table `fingerprint`: the fingerprint that a schema should have."""

import json
import socket
from datetime import datetime

from sartor import __version__
from sartor.domain.drift import ExpectedSchema
from sartor.domain.fingerprint import Fingerprint
from sartor.postgres.session import Session

_READ = """
select f.seq, f.at, f.by_user as "user", f.host, f.sartor, f.packed::text as packed, f.catalog_version, f.adopted_at,
    exists ({later}) as outdated
from {table} f {lock}
"""

_LATER = """
select from {journal} j where j.seq > f.seq
    and j.kind in ('started', 'deployed', 'undoing', 'rolled-back', 'failed', 'index-dropped', 'repeated')
"""
"""Selects the later events that may change a schema."""

_LATER_ENTRY = "select from {ledger} l where l.seq > f.seq"
"""Selects later entries of the ledger, for a role that may not read the journal."""

_WRITE = """
insert into {table} as f (seq, by_user, host, sartor, packed, catalog_version, adopted_at)
select j.seq, session_user, $2::text, $3::text,
    $4::text::jsonb || pg_catalog.jsonb_build_object('objects', pg_catalog.encode($5::bytea, 'base64')),
    $6::text, $7::timestamptz
from {journal} j where j.seq = $1::int8
on conflict (other) do update set (seq, at, by_user, host, sartor, packed, catalog_version, adopted_at) = (excluded.seq,
    excluded.at, excluded.by_user, excluded.host, excluded.sartor, excluded.packed, excluded.catalog_version,
    {adopted_at}) {where}
"""
"""Writes nothing where the journal has no such event: a crash may have lost it, or a standby that took over."""


async def read_expected_schema(session: Session, *, to_change: bool = False) -> ExpectedSchema | None:
    """Returns what the schema should be; None where nothing was recorded.

    With `to_change`, the row is locked against changes by others until the transaction ends.
    """
    tables = session.tables
    later = (_LATER if session.facts.journal_readable else _LATER_ENTRY).format(
        journal=tables.journal, ledger=tables.ledger
    )
    query = _READ.format(table=tables.fingerprint, later=later, lock="for update" if to_change else "")
    async with session.connection.fenced():
        row = await session.connection.fetchrow(query)
    return None if row is None else ExpectedSchema(**dict(row) | {"packed": json.loads(row["packed"])})


async def read_known(session: Session) -> ExpectedSchema | None:
    """Does as `read_expected_schema`; returns None where the role may not read it, too."""
    return await read_expected_schema(session) if session.facts.fingerprint_readable else None


async def write_expected_schema(
    session: Session,
    fingerprint: Fingerprint,
    *,
    seq: int,
    catalog_version: str,
    adopted_at: datetime | None = None,
    unless_later: bool = False,
) -> None:
    """Records what the schema should be, as of the journal's event `seq`; not where the server has lost that.

    `catalog_version` is the database's, read before the schema, where the schema is exactly that; else "". `adopted_at`
    is as in `ExpectedSchema`. With `unless_later`, what another run has recorded as of a later event stays, and so does
    its `adopted_at`.
    """
    adopted, where = "excluded.adopted_at", ""
    if unless_later:
        adopted, where = "f.adopted_at", "where f.seq <= excluded.seq"
    tables = session.tables
    query = _WRITE.format(table=tables.fingerprint, journal=tables.journal, adopted_at=adopted, where=where)
    packed = json.dumps(fingerprint.packed(), ensure_ascii=False)
    # The text is long: encoded here, it would be in memory again in base64, and again in the JSON.
    await session.connection.execute(
        query, seq, socket.gethostname(), __version__, packed, fingerprint.text, catalog_version, adopted_at
    )
