"""Compares a database with what it should be: its ledger with the files, its schema with what was recorded."""

from __future__ import annotations

from collections.abc import Sequence

from sartor.alterations.manifest import check
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.drift import Drift, find_drift
from sartor.domain.status import compare_with_ledger
from sartor.domain.verification import Verification
from sartor.execution.baseline_update import missing_right
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.invalid_indexes import invalid_indexes
from sartor.postgres.ledger import read_ledger
from sartor.postgres.own_tables import read_writers, require_sound_tables
from sartor.postgres.session import Session, application_name
from sartor.schema.baseline import read_baseline
from sartor.schema.fingerprint import read_fingerprint

LOOKS = 5
"""The number of times that the schema is read at most, where runs update the baseline meanwhile."""


async def verify(destination: Destination, catalogue: Catalogue, *, limits: Limits) -> Verification:
    """Returns what isn't as it should be. Writes nothing. Raises SartorError, as `status` does."""
    standing = check(catalogue, kept=True)  # a user that proves nothing needn't hear of that
    async with Session(destination, application=application_name("verify")) as session:
        ledger = await read_ledger(session)
        if ledger.exists:
            await require_sound_tables(session.connection, session.schema, session.facts.role)
        invalid = await invalid_indexes(session.connection, session.schema)
        return Verification(
            destination=destination,
            ledger=ledger,
            status=compare_with_ledger(catalogue, ledger),
            standing=standing,
            drift=await look_for_drift(session, limits.ignore_objects) if ledger.exists else Drift(),
            invalid=tuple(index.name for index in invalid if not index.building),
            writers=await read_writers(session.connection, session.schema),
        )


async def look_for_drift(session: Session, ignore: Sequence[str] = ()) -> Drift:
    """Returns how the session's schema differs from its baseline; `ignore` are patterns of names that don't count."""
    if not session.facts.fingerprint_readable:
        return Drift(unknown=missing_right(session, "select"))
    try:
        return await _look(session, ignore)
    except DRIVER_ERRORS as error:
        if session.connection_lost:
            raise
        return Drift(unknown=f"the schema can't be read: {error}")


async def _look(session: Session, ignore: Sequence[str]) -> Drift:
    baseline = await read_baseline(session)
    for _ in range(LOOKS):
        if baseline is None:
            return Drift(unknown="no run has recorded the schema yet")
        live = await read_fingerprint(session.connection, [session.schema])
        before, baseline = baseline, await read_baseline(session)
        # A run that ended in between has changed both the schema and the baseline.
        if baseline is not None and (baseline.outdated or (baseline.seq == before.seq and baseline.at == before.at)):
            return find_drift(baseline, live, ignore)
    return Drift(baseline=baseline, unknown="other runs are in progress one after the other")
