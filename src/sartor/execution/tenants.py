"""Creates a tenant and drops one, each under the run lock of its schema.

A tenant is created in steps: schema, role and rights in one transaction; the ledger, with a mark in it; the
alterations; the mark is taken away, and the role may log in. Whatever ends it in between, the same call goes on.
"""

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import DEFAULT_SCHEMA, Destination, Limits
from sartor.domain.plan import Deploy, Direction, make_plan
from sartor.domain.report import Note, Observer, Report
from sartor.domain.status import compare_with_ledger
from sartor.domain.tenant import Tenant, TenantContents, TenantRole, acting_as
from sartor.errors import PrivilegeMissing, RefusedError
from sartor.execution.ledger import prepare_ledger
from sartor.execution.run import begin_with_snapshot, run, run_session
from sartor.execution.run_context import locked_run
from sartor.postgres import tenants
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.errors import sqlstate
from sartor.postgres.ledger import read_ledger
from sartor.postgres.session import Session, application_name

_VERB = "tenant"
_DENIED = "42501"


async def create(
    destination: Destination,
    catalogue: Catalogue,
    request: Deploy,
    role: TenantRole | None,
    *,
    limits: Limits,
    observer: Observer,
) -> Tenant:
    """Creates a tenant in the destination's schema, or goes on where that was begun.

    Raises RefusedError for a schema that holds something else or is another's, and for a role that isn't fit; else as a
    deployment does.
    """
    _require_apart(destination)
    named = role.name if role else None
    async with Session(destination, application=application_name(_VERB)) as session:
        if await _is_done(session):
            return await _existing(session, catalogue, request, named)
        session.require_write()
        async with locked_run(session, _VERB, limits=limits, observer=observer):
            await session.learn()  # another may have created it meanwhile
            if await _is_done(session):
                return await _existing(session, catalogue, request, named)
            await _require_free(session, role)
            ledger = await read_ledger(session, founds=True)
            make_plan(catalogue, ledger, await begin_with_snapshot(session, catalogue, ledger, request))
            await _make(session, role)
            observer(Note(text=f"made schema {session.schema}" + (f" for role {named}" if named else "")))
    place = acting_as(destination, role.name) if role and role.owns else destination
    async with run_session(place, "deploy") as session:
        report = await _deploy(session, catalogue, request, limits=limits, observer=observer)
    async with Session(destination, application=application_name(_VERB)) as session:
        await tenants.finish(session.connection, session.tables, role)
        found = await _existing(session, catalogue, request, named)
    return found._replace(made=True, report=report)


def _require_apart(destination: Destination) -> None:
    if destination.schema == DEFAULT_SCHEMA:
        raise RefusedError(f"{DEFAULT_SCHEMA} is everybody's schema, and no tenant's", hint="give another name")


async def _is_done(session: Session) -> bool:
    """Returns whether the schema is that of a tenant which wasn't left half made."""
    if not session.facts.ledger_exists:
        return False
    found = await tenants.find_schema(session.connection, session.tables)
    return not (found and found.marked) and bool((await read_ledger(session)).entries)


async def _existing(session: Session, catalogue: Catalogue, request: Deploy, role: str | None) -> Tenant:
    ledger = await read_ledger(session)
    plan = make_plan(catalogue, ledger, request)
    release = compare_with_ledger(catalogue, ledger).release
    nothing = Report(direction=Direction.DEPLOY, target=plan.target, plan=plan, before=release)
    return Tenant(session.destination, made=False, role=role, release=release, pending=len(plan.steps), report=nothing)


async def _require_free(session: Session, role: TenantRole | None) -> None:
    """Raises RefusedError where the schema exists and is another's, or holds what no tenant's creation has made."""
    schema, found = session.schema, await tenants.find_schema(session.connection, session.tables)
    if found is None:
        return
    wanted = role.name if role and role.owns else found.me
    if found.owner != wanted:
        raise RefusedError(
            f"schema {schema} exists, and belongs to role {found.owner}, not to {wanted}; nothing was done",
            hint="give the tenant another name; or, where the schema is meant for it, change its owner: alter schema",
        )
    if not session.facts.ledger_exists and (strays := (await read_ledger(session)).strays):
        raise RefusedError(
            f"schema {schema} exists, and holds {', '.join(strays[:3])}, but has no ledger; nothing was done",
            hint="give the tenant another name; or adopt the schema: `baseline VERSION`",
        )


async def _make(session: Session, role: TenantRole | None) -> None:
    """Makes schema and role. Raises PrivilegeMissing, which says what it takes."""
    try:
        await tenants.make_schema(session.connection, session.destination, role)
    except DRIVER_ERRORS as error:
        if sqlstate(error) != _DENIED:
            raise
        who = session.facts.role
        raise PrivilegeMissing(
            f"role {who} may not create the tenant: {error}; nothing was done",
            hint=f"it needs CREATE on database {session.facts.database}, and for a role of the tenant's CREATEROLE",
        ) from error


async def _deploy(
    session: Session, catalogue: Catalogue, request: Deploy, *, limits: Limits, observer: Observer
) -> Report:
    """Deploys to a schema that was just made, with a mark in its ledger for as long as that lasts."""
    session.require_write()
    async with locked_run(session, _VERB, limits=limits, observer=observer) as prepared:
        await prepare_ledger(prepared)
        await tenants.mark_begun(session.connection, session.tables)
        await session.learn()
    return await run(session, catalogue, request, limits=limits, observer=observer)


async def look(destination: Destination, role: str | None) -> TenantContents:
    """Reads what would be dropped with a tenant. Raises SchemaMissing, and RefusedError as `drop`."""
    async with Session(destination, application=application_name(_VERB)) as session:
        await _require_tenant(session)
        return await tenants.read_contents(session.connection, destination, role)


async def drop(destination: Destination, role: str | None, *, limits: Limits, observer: Observer) -> TenantContents:
    """Drops a tenant's schema and its role, in one transaction; returns what they held.

    Raises SchemaMissing; RefusedError for a schema that isn't a tenant's, or where something outside it would go too.
    """
    async with Session(destination, application=application_name(_VERB)) as session:
        await _require_tenant(session)
        session.require_write()
        async with locked_run(session, _VERB, limits=limits, observer=observer):
            try:
                return await tenants.drop_schema(session.connection, destination, role, lock_timeout=limits.lock_budget)
            except DRIVER_ERRORS as error:
                if sqlstate(error) != _DENIED:
                    raise
                hint = "the role must own the schema and all that it holds, or be a member of the role that does"
                said = f"schema {session.schema} can't be dropped: {error}; nothing was dropped"
                raise PrivilegeMissing(said, hint=hint) from error


async def _require_tenant(session: Session) -> None:
    _require_apart(session.destination)
    await session.require_schema()
    if not session.facts.ledger_exists and (strays := (await read_ledger(session)).strays):
        raise RefusedError(
            f"schema {session.schema} isn't a tenant's: it holds {', '.join(strays[:3])}, and has no ledger;"
            " nothing was dropped",
            hint="name the schema of a tenant; another one you drop yourself, by `drop schema`",
        )
