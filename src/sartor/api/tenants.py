"""Tenants: a schema for each, with a role that sees no other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.api.observing import Observed, ignore
from sartor.api.requests import NO_LIMITS, Sources, deploy_request, find_destination, list_alterations
from sartor.domain.destination import Destination, Limits
from sartor.domain.release import LATEST
from sartor.errors import RefusedError

if TYPE_CHECKING:
    from sartor.domain.report import Observer
    from sartor.domain.tenant import Tenant, TenantContents, TenantRole


async def create_tenant(
    destination: Destination | str,
    sources: Sources,
    target: str = LATEST,
    *,
    role: TenantRole | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Tenant:
    """Creates a tenant: the destination's schema, closed to everybody else, at a release, with its role.

        place = sartor.Destination.parse("postgresql://ops@db.example.com/app", schema="tenant_a")
        tenant = await sartor.create_tenant(place, "alterations", role=sartor.TenantRole("tenant_a", logs_in=True))

    Where a call was ended before its end, the same call goes on. A tenant that exists is left as it is.

    - `role`: the role that the tenant's application has; it is made where it doesn't exist.

    Raises RefusedError where the schema or the role is another's, TargetError, SettingsError for a name that can't be
    used, and as `deploy`.
    """
    from sartor.domain.destination import parse_schema
    from sartor.domain.tenant import parse_password, parse_role
    from sartor.execution.tenants import create

    place, catalogue, request = find_destination(destination), list_alterations(sources), deploy_request(target)
    parse_schema(place.schema, origin="the tenant's name")
    if role is not None:
        parse_role(role.name, origin="the role's name")
        if role.password is not None:
            parse_password(role.password, origin="the role's password")
            place = place._replace(withheld=(*place.withheld, role.password))
    with Observed(observer) as told:
        return told.keep(await create(place, catalogue, request, role, limits=limits, observer=told))


async def find_tenant(destination: Destination | str, *, role_name: str | None = None) -> TenantContents:
    """Returns what a tenant's schema holds: what would be lost with it. Writes nothing.

        found = await sartor.find_tenant(place)
        print(found.tables, found.rows, found.bytes)

    - `role_name`: the role that would be dropped, too.

    Raises SchemaMissing where there is no such schema, RefusedError where it isn't a tenant's, or the role isn't its.
    """
    from sartor.execution.tenants import look

    return await look(find_destination(destination), role_name)


async def drop_tenant(
    destination: Destination | str,
    *,
    confirm: str,
    role_name: str | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> TenantContents:
    """Drops a tenant: its schema with all data, in one transaction; returns what it held.

        await sartor.drop_tenant(place, confirm="tenant_a", role_name="tenant_a")

    - `confirm`: the name of the schema, once more.
    - `role_name`: the tenant's role, which is dropped in the same transaction.

    Raises RefusedError where `confirm` is another name, where the schema isn't a tenant's, or where something outside
    it depends on it; SchemaMissing, RunHeld and DestinationError.
    """
    from sartor.execution.tenants import drop

    place = find_destination(destination)
    if confirm != place.schema:
        raise RefusedError(
            f"the name of the tenant is {place.schema}, not {confirm}; nothing was dropped",
            hint=f"give `confirm` {place.schema}",
        )
    with Observed(observer) as told:
        return told.keep(await drop(place, role_name, limits=limits, observer=told))
