"""Reads a database, and writes nothing: what is there, and what a run would do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from sartor.api.files import list_alterations
from sartor.api.requests import deploy_request, rollback_request
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination
from sartor.domain.ledger import Event, Ledger
from sartor.domain.limits import Limits
from sartor.domain.release import LATEST
from sartor.domain.status import Status, compare_with_ledger
from sartor.settings import LineageSource

if TYPE_CHECKING:
    from sartor.domain.check import Check, SentSql
    from sartor.domain.loss import RollbackPreview
    from sartor.domain.plan import Deploy, Rollback
    from sartor.postgres.session import Session


class DestinationStatus(NamedTuple):
    """The state of a destination: its facts, its ledger, and the comparison of that with the catalogue."""

    destination: Destination
    database: str
    user: str
    server_version: int
    ledger: Ledger
    catalogue: Catalogue
    status: Status


async def status(destination: Destination, sources: Iterable[LineageSource]) -> DestinationStatus:
    """Compares the alterations on disk with the ledger. Writes nothing, and needs no right but to read the ledger."""
    from sartor.postgres.ledger import read_ledger
    from sartor.postgres.session import Session

    catalogue = list_alterations(sources)
    async with Session(destination, application="sartor status") as session:
        ledger = await read_ledger(session)
        facts = session.facts
    return DestinationStatus(
        destination=destination,
        database=facts.database,
        user=facts.user,
        server_version=facts.server_version,
        ledger=ledger,
        catalogue=catalogue,
        status=compare_with_ledger(catalogue, ledger),
    )


async def history(destination: Destination, *, after: int = -1) -> list[Event]:
    """Reads the journal's events numbered above `after`, oldest first. Writes nothing."""
    from sartor.postgres.ledger import read_history
    from sartor.postgres.session import Session

    async with Session(destination, application="sartor history") as session:
        return await read_history(session, after=after)


async def check(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str = LATEST,
    *,
    steps: int | None = None,
    strict_order: bool = False,
    accepted: Iterable[str] = (),
    limits: Limits | None = None,
    writes: bool = True,
    rehearses: bool = True,
) -> Check:
    """Returns what `deploy` would do with these parameters, its SQL, and a script for psql unless `writes` is False.

    Writes nothing, and needs no right but to read ledger and journal. Where the SQL is known only once Python runs, the
    plan is rehearsed on a clone, unless `rehearses` is False. Raises SartorError where a deployment would be refused to
    anyone.
    """
    from sartor.execution.check import check as look

    catalogue = list_alterations(sources)
    request = deploy_request(target, steps=steps, strict_order=strict_order, accepted=accepted)
    find_sent_sql = _tell if rehearses else None
    return await look(destination, catalogue, request, limits=limits or Limits(), writes=writes, tell=find_sent_sql)


async def check_rollback(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str | None = None,
    *,
    steps: int | None = None,
    to_timestamp: str | None = None,
    accepted: Iterable[str] = (),
    limits: Limits | None = None,
    writes: bool = True,
) -> Check:
    """Returns what `rollback` would do with these parameters, as `check` does for `deploy`."""
    from sartor.execution.check import check as look

    catalogue = list_alterations(sources)
    request = rollback_request(catalogue, target, steps=steps, to_timestamp=to_timestamp, accepted=accepted)
    return await look(destination, catalogue, request, limits=limits or Limits(), writes=writes, tell=_tell)


async def _tell(session: Session, catalogue: Catalogue, request: Deploy | Rollback, limits: Limits) -> SentSql:
    """Calls `rehearsal.telling.tell`, which is loaded only where there is something to find out."""
    from sartor.rehearse.sent_sql import find_sent_sql

    return await find_sent_sql(session, catalogue, request, limits)


async def preview_rollback(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str | None = None,
    *,
    steps: int | None = None,
    to_timestamp: str | None = None,
    accepted: Iterable[str] = (),
) -> RollbackPreview:
    """Returns what `rollback` would do with these parameters, and what would be lost by it. Writes nothing."""
    from sartor.execution.preview import preview

    catalogue = list_alterations(sources)
    request = rollback_request(catalogue, target, steps=steps, to_timestamp=to_timestamp, accepted=accepted)
    return await preview(destination, catalogue, request)
