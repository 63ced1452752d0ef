"""Rehearses a plan on a clone of its destination, in a scratch database on the first server that allows one."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sartor.archive.dump import exported_snapshot
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.hazards.circumstances import in_view_of, in_view_of_rows
from sartor.domain.hazards.hazard import Size, with_losses
from sartor.domain.plan import Deploy, Plan, Rollback, make_plan
from sartor.domain.rehearsal import AFTER_FAILURE, WANTS_ROWS, Rehearsal, Rehearsed
from sartor.domain.report import Failure, Note, Observer, Said, Waiting, only
from sartor.embedded.server import serve
from sartor.errors import (
    AlterationFailed,
    BackupFailed,
    DestinationError,
    EmbeddedUnavailable,
    PoolerRefused,
    PrivilegeMissing,
    ReadOnly,
    RehearsalFailed,
)
from sartor.execution.deployed import read_deployed, require_trusted_downs
from sartor.execution.run import begin_with_snapshot, execute_plan
from sartor.footprint.footprint import read_sizes
from sartor.footprint.recorded_connection import RecordedConnection
from sartor.footprint.row_losses import Known, read_known
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.own_tables import require_sound_tables
from sartor.postgres.session import Session, application_name
from sartor.rehearsal.recorded_scripts import ScriptRecorder
from sartor.scratch.clone import Made, clone, missing_roles
from sartor.scratch.database import GIVE_SCRATCH, scratch_database
from sartor.sql.quoting import quote_identifier

WANTING_ROWS = ("22", "23502", "23503", "P0")
"""SQLSTATEs of errors that missing rows may cause: of a value, a null, a missing key, or raised by PL/pgSQL."""


class RehearsalOrder(NamedTuple):
    """The rehearsal that is wanted: `live` on the destination itself, else on a clone, with its `data` or without.

    `scratch` names another server for the clone. `embedded` is the folder of the embedded server, used where the clone
    can't be created elsewhere; where it is None, the rehearsal fails then.
    """

    embedded: Path | None = None
    live: bool = False
    data: bool = False
    scratch: Destination | None = None


async def plan_rehearsal(session: Session, catalogue: Catalogue, request: Deploy | Rollback) -> Plan:
    """Returns the plan of `request` on the session's database. Raises SartorError where it can't be rehearsed."""
    ledger = await read_deployed(session, catalogue, request)
    if ledger.exists:
        # A clone's tables have the triggers that they have here, and they would run there.
        await require_sound_tables(session.connection, session.tables, session.facts.role)
    plan = make_plan(catalogue, ledger, await begin_with_snapshot(session, catalogue, ledger, request))
    await require_trusted_downs(session, plan)
    return plan


async def on_a_clone(
    session: Session,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    order: RehearsalOrder,
    limits: Limits,
    observer: Observer,
) -> Rehearsal:
    """Rehearses on a clone of the session's database. Raises as `rehearse`."""
    sizes = await read_sizes(session.connection, session.schema)
    async with cloned(session, order, limits) as copy:
        recorder = ScriptRecorder(copy.known)
        plan, failed = await deploy_there(copy.session, catalogue, request, recorder, limits, observer)
        return Rehearsal(
            target=plan.target,
            place="a clone with data" if order.data else "a clone without data",
            alterations=tuple(_collect(plan, recorder, failed, copy.made, sizes, data=order.data)),
            failed=None if failed is None or failed.beyond else failed,
            sizes=sizes,
            notes=copy.notes,
        )


class Clone(NamedTuple):
    """A clone: a session on it, its relations, the result of making it, and notes for the user."""

    session: Session
    known: Known
    made: Made
    notes: tuple[str, ...]


@asynccontextmanager
async def cloned(session: Session, order: RehearsalOrder, limits: Limits) -> AsyncIterator[Clone]:
    """Creates a clone of the session's database for as long as the block lasts. Raises as `rehearse`."""
    if session.facts.pooled:
        raise PoolerRefused(f"{session.destination.label} is a connection pooler; a clone needs a server session")
    async with (
        _scratch_server(session, order.scratch, order.embedded) as (place, moved),
        Session(place, application=application_name("rehearse"), kind=RecordedConnection) as scratch,
    ):
        async with exported_snapshot(session) as snapshot:
            made = await clone(session, scratch, snapshot, data=order.data, lock_wait=limits.lock_budget)
        scratch.lacks_rows = not order.data
        notes = (*moved, *_versions(session, scratch), *made.notes)
        known = await read_known(scratch.connection, scratch.schema, counts=order.data)
        yield Clone(scratch, known, made, notes)


async def deploy_there(
    scratch: Session,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    recorder: ScriptRecorder,
    limits: Limits,
    observer: Observer,
) -> tuple[Plan, Failure | None]:
    """Deploys to a clone, or rolls back there, as on any destination.

    Returns the plan, and the failure that ended it early; None where nothing failed.
    """
    ledger = await read_deployed(scratch, catalogue, request)
    if isinstance(request, Deploy):  # each script that has a file is rehearsed
        request = await begin_with_snapshot(scratch, catalogue, ledger, request._replace(replay=True))
    plan = make_plan(catalogue, ledger, request)
    limits, load = limits._replace(batch=False), recorder.load
    # Starts and ends on a clone say nothing about the destination.
    shown = only(observer, Note, Said, Waiting)
    try:
        await execute_plan(scratch, ledger, catalogue, request, plan, limits=limits, observer=shown, load=load)
    except AlterationFailed as error:
        return plan, error.failure
    return plan, None


def _collect(
    plan: Plan, recorder: ScriptRecorder, failed: Failure | None, made: Made, sizes: Mapping[str, Size], *, data: bool
) -> Iterator[Rehearsed]:
    reason = None
    for alteration in (step.alteration for step in plan.steps):
        if failed is not None and alteration.id == failed.id:
            reason = _reason(failed, data=data)
        holding = frozenset[str]() if data else made.filled
        statements = [
            in_view_of_rows(in_view_of(each, made.lacks), holding) for each in recorder.statements(alteration)
        ]
        yield Rehearsed(
            alteration=alteration,
            statements=with_losses(statements, made.filled, sizes),
            sent=recorder.sent(alteration),
            reason=reason,
            depends_on_rows=recorder.depends_on_rows(alteration),
        )
        if reason is not None:
            reason = AFTER_FAILURE


def _reason(failed: Failure, *, data: bool) -> str:
    """Returns the reason why an alteration couldn't be rehearsed."""
    if failed.beyond:
        return failed.message
    # It may be one of Python's, of values or keys, or a script's own.
    wanting = failed.advice is None and (failed.sqlstate is None or failed.sqlstate.startswith(WANTING_ROWS))
    return f"the alteration failed: {failed.message}" + (WANTS_ROWS if wanting and not data else "")


def _versions(live: Session, scratch: Session) -> list[str]:
    there, here = live.facts.server_version // 10000, scratch.facts.server_version // 10000
    return [] if there == here else [f"the clone is on Postgres {here}, but the destination is on Postgres {there}"]


@asynccontextmanager
async def _scratch_server(
    live: Session, given: Destination | None, embedded: Path | None
) -> AsyncIterator[tuple[Destination, tuple[str, ...]]]:
    """Creates an empty database on the server of `given`, else on the session's; drops it whatever happens.

    Yields it, and notes on why it isn't on the server that was tried first. Where the session's server doesn't
    allow one, it is created on the embedded server in the folder `embedded`, if that is given; that server is Sartor's
    own, and gets the roles that it lacks for the time. Raises RehearsalFailed, DestinationError.
    """
    application, destination = application_name("rehearse"), live.destination
    wanted = (given or destination)._replace(stands_for=live.facts.database)
    async with AsyncExitStack() as stack:
        notes: tuple[str, ...] = ()
        try:
            made = await stack.enter_async_context(scratch_database(wanted, application=application))
        except (PrivilegeMissing, ReadOnly, BackupFailed) as error:
            if given is not None or embedded is None:
                raise
            notes = (f"rehearsed on the embedded server: {error}",)
            server = Destination.parse(_embedded(stack, embedded, error))._replace(stands_for=live.facts.database)
            await stack.enter_async_context(_placeholder_roles(live, server, application=application))
            made = await stack.enter_async_context(scratch_database(server, application=application))
        yield made.in_schemas_of(destination), notes


def _embedded(stack: AsyncExitStack, folder: Path, reason: DestinationError) -> str:
    try:
        return stack.enter_context(serve(folder)).url
    except EmbeddedUnavailable as error:
        ways = f"{reason.hint or GIVE_SCRATCH}; or for a server of Sartor's own: {error.hint}"
        raise RehearsalFailed(f"no server can hold a clone: {reason}; {error}", hint=ways) from reason


@asynccontextmanager
async def _placeholder_roles(live: Session, server: Destination, *, application: str) -> AsyncIterator[None]:
    """Gives `server` every role of the session's server within the block; the roles that it lacked can't log in.

    Those are dropped in the end, except a role on which something in another database there depends by then.
    """
    async with Session(server, application=application) as session:
        made = []
        try:
            for name in await missing_roles(live.connection, session.connection):
                await session.connection.execute(f"create role {quote_identifier(name)} nologin")
                made.append(name)
            yield
        finally:
            for name in made:
                with suppress(OSError, *DRIVER_ERRORS):
                    await session.connection.execute(f"drop role {quote_identifier(name)}")
