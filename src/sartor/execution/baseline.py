"""Records alterations as deployed in a database that was made otherwise, once it is seen to be what they make.

The alterations are replayed in a scratch database, and the two schemas compared, before anything is written. The rows,
their events and the expected schema are then one transaction: a run that is killed has recorded all or nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sartor.alterations.kept_down import load_step
from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.baseline import Baseline, BaselineRequest, baseline_notes, choose_alterations, is_recorded
from sartor.domain.destination import Destination, Limits
from sartor.domain.drift import Drift
from sartor.domain.fingerprint import Fingerprint
from sartor.domain.ledger import EventKind
from sartor.domain.plan import Step
from sartor.domain.release import Release
from sartor.domain.report import Observer, Waiting, only
from sartor.errors import AlterationFailed, DestinationError, SchemaDiffers, VerificationFailed
from sartor.execution.downs import downs_of
from sartor.execution.expected_schema import missing_right
from sartor.execution.ledger import prepare_ledger, repeat_while_stale, report_writers
from sartor.execution.replay import Replayed, replay, restricted, unrepeatable
from sartor.execution.retry import run_in_transaction
from sartor.execution.run_context import RunContext, locked_run
from sartor.postgres.driver.connection import Connection
from sartor.postgres.ledger import read_ledger, require_format
from sartor.postgres.rows_at_once import rows_sql
from sartor.postgres.session import Session, application_name
from sartor.schema.expected_schema import write_expected_schema
from sartor.schema.fingerprint import read_catalog_version, read_fingerprint

NO_DRIFT = Drift()
AT_ONCE = 1000
"""The number of alterations that one statement records."""


class _Seen(NamedTuple):
    """The schema as it was read, the catalog version from before that, and how it differs from the replay."""

    live: Fingerprint
    catalog_version: str
    drift: Drift


class _Work:
    """One baseline: what it is about, and what a replay of that has made."""

    def __init__(self, catalogue: Catalogue, request: BaselineRequest, limits: Limits) -> None:
        self.catalogue, self.request, self.limits = catalogue, request, limits
        self.release: Release | None
        self.release, self.alterations = choose_alterations(catalogue, request)
        self.replayed: Replayed | None = None
        self.unknown = ""

    def found(self, drift: Drift = NO_DRIFT, *, recorded: Sequence[Alteration] = ()) -> Baseline:
        notes = baseline_notes(self.release, self.alterations, self.catalogue)
        return Baseline(self.release, self.alterations, tuple(recorded), drift, tuple(notes))

    async def replay(self, beside: Destination, observer: Observer) -> None:
        """Replays the alterations. Raises VerificationFailed where they can't be, unless a difference is accepted."""
        wanted = {a.identity for a in self.alterations}
        only_these, repeatables = restricted(self.catalogue, wanted), None
        # They are written for all that is released: they may not run before that.
        if self.catalogue.repeatables and all(a.identity in wanted or a.release.unreleased for a in self.catalogue):
            repeatables = restricted(self.catalogue, wanted | {a.identity for a in self.catalogue.repeatables})
        shown = only(observer, Waiting)
        try:
            self.replayed = await replay(
                beside, only_these, repeatables, verb="baseline", limits=self.limits, observer=shown
            )
        except AlterationFailed as error:
            self.unknown = unrepeatable(error) or f"the alterations can't be replayed in an empty database: {error}"
            if not self.request.accepts:
                raise VerificationFailed(
                    f"{self.unknown}; nothing was recorded",
                    hint="to find the place in the script: `sartor.prove`; or record the schema as it is, with"
                    " `accept_differences`",
                ) from error

    async def look(self, session: Session) -> _Seen:
        """Compares the live schema with the replay. Raises SchemaDiffers, unless a difference is accepted."""
        catalog_version = await read_catalog_version(session.connection, session.schema)
        live = await read_fingerprint(session.connection, [session.schema])
        drift = Drift(unknown=self.unknown)
        if self.replayed is not None:
            ignored = (*self.limits.ignore_objects, *self.request.ignore)
            compared = await self.replayed.compare(session.connection, live)
            drift = self.replayed.drift(compared, ignored)
        if drift.differences and not self.request.accepts:
            raise SchemaDiffers(self._differs(session.schema, drift), found=self.found(drift))
        return _Seen(live, catalog_version, drift)

    def _differs(self, schema: str, drift: Drift) -> str:
        count = len(drift.differences)
        what = "the named alterations make"
        if self.release is not None:
            what = f"{'' if self.release.unreleased else 'release '}{self.release} makes"
        return (
            f"schema {schema} isn't what {what}: {count} object{'' if count == 1 else 's'}"
            f" differ{'s' if count == 1 else ''}, first {drift.differences[0].label}; nothing was recorded"
        )


async def run_baseline(
    destination: Destination,
    catalogue: Catalogue,
    request: BaselineRequest,
    beside: Destination,
    *,
    limits: Limits,
    observer: Observer,
) -> Baseline:
    """Records what `request` names as deployed, after a replay on the server of `beside`.

    Raises SchemaDiffers, VerificationFailed, TargetError, PlanError, RefusedError, RunHeld, and DestinationError.
    """
    work = _Work(catalogue, request, limits)
    async with Session(destination, application=application_name("baseline")) as session:
        if await _is_recorded(session, work):
            return work.found()
        session.require_write()
        async with locked_run(session, "baseline", limits=limits, observer=observer) as run:
            if run.waited:
                await session.learn()
                if await _is_recorded(session, work):
                    return work.found()
            await work.replay(beside, observer)
            await run.session.renew_where_worn()
            await work.look(session)
            await prepare_ledger(run)
            _require_fingerprint(session, limits)
            await report_writers(run)
            return await _record_all(run, work)


async def _is_recorded(session: Session, work: _Work) -> bool:
    ledger = await read_ledger(session)
    require_format(ledger)
    return is_recorded(work.alterations, ledger)


def _require_fingerprint(session: Session, limits: Limits) -> None:
    if limits.fingerprint and not session.facts.fingerprint_writable:
        raise DestinationError(missing_right(session, "select, insert, update"))


async def _record_all(run: RunContext, work: _Work) -> Baseline:
    downs = downs_of(work.catalogue, [Step(alteration=a) for a in work.alterations], load_step)

    async def attempt() -> Baseline:
        ledger = await read_ledger(run.session)
        run.head = ledger.head
        if is_recorded(work.alterations, ledger):
            return work.found()
        seen = await work.look(run.session)  # again, as the ledger's tables are there now
        await _record(run, work, seen, downs)
        return work.found(seen.drift, recorded=work.alterations)

    return await repeat_while_stale(run, attempt)


async def _record(run: RunContext, work: _Work, seen: _Seen, downs: Sequence[str | None]) -> None:
    """Writes the rows, their events and the expected schema in one transaction."""
    session, seq = run.session, run.head + 1
    last = seq + len(work.alterations)
    facts, rows = {"reason": work.request.reason}, list(zip(work.alterations, downs, strict=True))

    async def write(connection: Connection) -> None:
        async with connection.fenced():
            for at in range(0, len(rows), AT_ONCE):
                part = rows[at : at + AT_ONCE]
                sql = rows_sql(session.tables, part, after=seq + at, kind=EventKind.BASELINE, detail=facts)
                await connection.execute(sql)
        if work.limits.fingerprint:
            await write_expected_schema(
                session,
                seen.live,
                seq=last,
                catalog_version=seen.catalog_version,
                adopted_at=datetime.now(UTC) if seen.drift.unknown else None,
            )

    detail = {
        **facts,
        "release": work.release.label if work.release else None,
        "alterations": len(work.alterations),
        "differences": [each.label for each in seen.drift.differences],
        "unknown": seen.drift.unknown or None,
        "logical": seen.live.logical,
    }
    await run_in_transaction(run, EventKind.BASELINE, None, write, detail=detail)
    run.head = last
