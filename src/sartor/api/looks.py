"""Reads a database, and writes nothing: what is there, and what a run would do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from sartor.api.observing import Observed, ignore
from sartor.api.requests import (
    NO_LIMITS,
    Sources,
    deploy_request,
    find_destination,
    find_scratch,
    list_alterations,
    rollback_request,
)
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.ledger import Event, Ledger
from sartor.domain.likeness import Likeness, hash_ledger, hash_names
from sartor.domain.release import LATEST
from sartor.domain.status import Status, compare_with_ledger

if TYPE_CHECKING:
    from sartor.domain.applications import Application
    from sartor.domain.check import Check, SentSql
    from sartor.domain.drift import ExpectedSchema
    from sartor.domain.plan import Deploy, Rollback
    from sartor.domain.repair import Correction, Repair
    from sartor.domain.report import Observer
    from sartor.domain.verification import Verification
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
    applications: tuple[Application, ...] = ()
    """The applications that are connected, as far as they have named themselves by `heartbeat`."""
    expected: ExpectedSchema | None = None
    """What the schema should be, as the last run has recorded it; None where it hasn't, or this role may not read it.

    Changes that were made by hand aren't in it: see `verify`.
    """

    @property
    def likeness(self) -> Likeness:
        """What makes it like other destinations; the fingerprint is worked out at each access."""
        found = self.expected
        fingerprint: str | None = None
        if not self.ledger.exists:
            fingerprint = hash_names(self.ledger.strays)
        elif found is not None and not found.unusable(self.destination.schema) and found.fingerprint is not None:
            fingerprint = found.fingerprint.nameless
        return Likeness(hash_ledger(self.ledger), self.server_version // 10_000, fingerprint, self.status.release)


async def status(destination: Destination | str, sources: Sources) -> DestinationStatus:
    """Compares the alterations on disk with the ledger. Writes nothing, and needs no right but to read the ledger.

        found = await sartor.status("postgresql://app@db.example.com/app", "alterations")
        print(found.status.release, len(found.status.pending))

    Raises PlanError where files and ledger contradict each other about lineages, SchemaMissing, LedgerUnsound,
    DestinationError.
    """
    return await read_status(find_destination(destination), list_alterations(sources))


async def read_status(place: Destination, catalogue: Catalogue) -> DestinationStatus:
    """Does as `status`, with the files that were read before."""
    from sartor.postgres.applications import read_applications
    from sartor.postgres.ledger import read_ledger
    from sartor.postgres.session import Session
    from sartor.schema.expected_schema import read_known

    async with Session(place, application="sartor status") as session:
        ledger = await read_ledger(session)
        expected = await read_known(session) if ledger.exists else None
        applications = await read_applications(session)
        facts = session.facts
    return DestinationStatus(
        destination=place,
        database=facts.database,
        user=facts.user,
        server_version=facts.server_version,
        ledger=ledger,
        catalogue=catalogue,
        status=compare_with_ledger(catalogue, ledger),
        applications=applications,
        expected=expected,
    )


async def history(destination: Destination | str, *, after: int = -1) -> tuple[Event, ...]:
    """Returns the journal's events, oldest first. Writes nothing.

        for event in await sartor.history("postgresql://app@db.example.com/app"):
            print(event.seq, event.at, event.kind.value, event.name)

    - `after`: leave out the events up to this number.

    Raises SchemaMissing, LedgerUnsound, DestinationError.
    """
    from sartor.postgres.ledger import read_history
    from sartor.postgres.session import Session

    async with Session(find_destination(destination), application="sartor history") as session:
        return tuple(await read_history(session, after=after))


async def verify(
    destination: Destination | str,
    sources: Sources,
    *,
    against_replay: bool = False,
    scratch: Destination | str | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Verification:
    """Compares the ledger with the files, and the schema with what the last run left; returns what differs.

        found = await sartor.verify("postgresql://app@db.example.com/app", "alterations")
        print(found.ok, found.drift.differences)

    Writes nothing to the destination.

    - `against_replay`: compare the schema with what the deployed alterations make in a scratch database instead.

    Raises SchemaMissing, LedgerUnsound, DestinationError, and AlterationFailed where a replayed script fails; that
    something differs is in the result, and raises nothing.
    """
    from sartor.execution.verify import verify as look

    place, catalogue = find_destination(destination), list_alterations(sources)
    found = await look(place, catalogue, limits=limits)
    if not against_replay:
        return found
    from sartor.execution.verify import with_replay

    beside = find_scratch(scratch, place)
    with Observed(observer) as told:
        return told.keep(await with_replay(found, catalogue, beside, limits=limits, observer=told))


async def check(
    destination: Destination | str,
    sources: Sources,
    target: str = LATEST,
    *,
    steps: int | None = None,
    strict_order: bool = False,
    accepted: Iterable[str] = (),
    script: bool = True,
    rehearse: bool = True,
    limits: Limits = NO_LIMITS,
) -> Check:
    """Returns what `deploy` would do with these arguments, with its SQL, and as a script for psql.

        found = await sartor.check("postgresql://app@db.example.com/app", "alterations", "1.2.0")
        print([checked.step.alteration.name for checked in found.steps])

    Writes nothing to the destination, and needs no right but to read ledger and journal.

    - `script`: write the script for psql.
    - `rehearse`: where SQL is known only once Python runs, run the plan on a clone that is dropped again.

    Raises SartorError where a deployment would be refused to anyone; what stops only this role is among the result's
    `obstacles`.
    """
    catalogue = list_alterations(sources)
    request = deploy_request(target, steps=steps, strict_order=strict_order, accepted=accepted)
    return await _check(destination, catalogue, request, limits, script=script, rehearse=rehearse)


async def check_rollback(
    destination: Destination | str,
    sources: Sources,
    target: str | None = None,
    *,
    steps: int | None = None,
    to_timestamp: int | str | None = None,
    accepted: Iterable[str] = (),
    script: bool = True,
    rehearse: bool = True,
    limits: Limits = NO_LIMITS,
) -> Check:
    """Returns what `rollback` would do with these arguments, as `check` does for `deploy`.

        found = await sartor.check_rollback("postgresql://app@db.example.com/app", "alterations", steps=1)
        print(found.losses)

    - `script`, `rehearse`: as in `check`.

    Raises as `check`, and TargetError as `rollback`.
    """
    catalogue = list_alterations(sources)
    request = rollback_request(catalogue, target, steps=steps, to_timestamp=to_timestamp, accepted=accepted)
    return await _check(destination, catalogue, request, limits, script=script, rehearse=rehearse)


async def _check(
    destination: Destination | str,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    limits: Limits,
    *,
    script: bool,
    rehearse: bool,
) -> Check:
    from sartor.execution.check import check as look

    async def tell(session: Session, *plan: Any) -> SentSql:
        from sartor.rehearsal.plan_effects import find_sent_sql  # most checks find nothing to ask it

        return await find_sent_sql(session, *plan)

    place, told = find_destination(destination), tell if rehearse else None
    return await look(place, catalogue, request, limits=limits, writes=script, tell=told)


async def preview_repair(destination: Destination | str, sources: Sources, request: Repair) -> tuple[Correction, ...]:
    """Returns what `repair` would do with this `request`. Writes nothing. Raises as `repair`."""
    from sartor.execution.repair import preview_repair as preview

    return await preview(find_destination(destination), list_alterations(sources), request)
