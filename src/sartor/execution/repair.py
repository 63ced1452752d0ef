"""Runs a repair: decides again under the run's lock what is to be done, then does it event by event."""

import asyncio

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.ledger import EventKind, Ledger
from sartor.domain.repair import Correction, Repair, make_repair
from sartor.domain.report import Observer
from sartor.errors import DestinationError, RunHeld
from sartor.execution.expected_schema import look_for_drift, missing_right, updating_expected_schema
from sartor.execution.ledger import prepare_ledger, read_head, repeat_while_stale
from sartor.execution.retry import record, run_in_transaction
from sartor.execution.run_context import RunContext, locked_run
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.invalid_indexes import drop_index, invalid_indexes
from sartor.postgres.ledger import read_ledger, require_format
from sartor.postgres.session import Session, application_name
from sartor.schema.comparison import compare
from sartor.schema.expected_schema import read_expected_schema, write_expected_schema
from sartor.schema.fingerprint import read_catalog_version, read_fingerprint


async def preview_repair(destination: Destination, catalogue: Catalogue, request: Repair) -> tuple[Correction, ...]:
    """Returns what `request` would do. Writes nothing. Raises SartorError as the repair itself would."""
    async with Session(destination, application=application_name("repair")) as session:
        return await _decide(session, await read_ledger(session), catalogue, request)


async def run_repair(
    destination: Destination, catalogue: Catalogue, request: Repair, *, limits: Limits, observer: Observer
) -> tuple[Correction, ...]:
    """Does what `request` asks; returns what was done. Raises SartorError; what was done before an error stays."""
    async with Session(destination, application=application_name("repair")) as session:
        ledger = await read_ledger(session)
        require_format(ledger)
        if not await _decide(session, ledger, catalogue, request):
            return ()
        session.require_write()
        async with locked_run(session, "repair", limits=limits, observer=observer) as run:
            await prepare_ledger(run)
            if request.accept_drift and not session.facts.fingerprint_writable:
                raise DestinationError(missing_right(session, "select, insert, update"))
            await read_head(run)
            if request.accept_drift:
                return await _correct_all(run, catalogue, request)
            async with updating_expected_schema(run):
                return await _correct_all(run, catalogue, request)


async def _decide(session: Session, ledger: Ledger, catalogue: Catalogue, request: Repair) -> tuple[Correction, ...]:
    names = {index.name for index in await invalid_indexes(session)} if request.drop_indexes else set()
    drift = await look_for_drift(session) if request.accept_drift and ledger.exists else None
    drifted = drift is not None and not (drift.absent and drift.certain)
    return make_repair(catalogue, ledger, request, invalid=names, drifted=drifted)


async def _correct_all(run: RunContext, catalogue: Catalogue, request: Repair) -> tuple[Correction, ...]:
    done: list[Correction] = []

    async def attempt() -> tuple[Correction, ...]:
        ledger = await read_ledger(run.session)
        run.head = ledger.head
        dropped = {correction.name for correction in done if correction.kind is EventKind.INDEX_DROPPED}
        left = request._replace(drop_indexes=request.drop_indexes - dropped)
        for correction in await _decide(run.session, ledger, catalogue, left):
            await _correct(run, correction, request.reason)
            done.append(correction)
        return tuple(done)

    return await repeat_while_stale(run, attempt, done=lambda: len(done))


async def _correct(run: RunContext, correction: Correction, reason: str) -> None:
    match correction.kind:
        case EventKind.INDEX_DROPPED:
            table = await _drop(run, correction.name)
            await record(run, correction.kind, None, {"index": correction.name, "table": table, "reason": reason})
        case EventKind.DRIFT_ACCEPTED:
            await _accept_drift(run, correction, reason)
        case _:
            was = {"was": correction.was} if correction.kind is EventKind.ACCEPTED else {}
            await record(run, correction.kind, correction.about, {**was, "reason": reason})


async def _drop(run: RunContext, name: str) -> str:
    """Drops an invalid index; returns the name of its table."""
    index = next(i for i in await invalid_indexes(run.session) if i.name == name)
    if index.building:
        raise RunHeld(
            f"another session is building index {name}", hint="wait until the index is built, or end that session"
        )
    run.follow(f"drop index {name}")
    try:
        async with asyncio.timeout(run.limits.lock_budget):
            await drop_index(run.session, index)
    except TimeoutError:
        raise DestinationError(
            f"index {name} can't be dropped: another session is using it", hint="try again later"
        ) from None
    except DRIVER_ERRORS as error:
        raise DestinationError(f"index {name} can't be dropped: {error}") from error
    return index.table


async def _accept_drift(run: RunContext, correction: Correction, reason: str) -> None:
    """Records the schema as it is now, in one transaction with its event."""
    session = run.session
    catalog_version = await read_catalog_version(session.connection, session.schema)
    live = await read_fingerprint(session.connection, [session.schema])
    record = await read_expected_schema(session)
    changed = None
    if record and not record.unusable(session.schema) and (expected := record.fingerprint):
        changed = [each.label for each in (await compare(session.connection, expected, live)).differences]
    seq = run.head + 1

    async def work(_connection: Connection) -> None:
        await write_expected_schema(session, live, seq=seq, catalog_version=catalog_version)

    detail = {"reason": reason, "objects": changed, "logical": live.logical}
    await run_in_transaction(run, correction.kind, None, work, detail=detail)
