"""The output of `tenant create` and `tenant drop`."""

from collections.abc import Iterator

from sartor.cli.results.objects import VERSION, JsonObject, pick, plain
from sartor.cli.results.run import report_json, report_lines
from sartor.cli.results.units import count, rows, size
from sartor.domain.tenant import Tenant, TenantContents


def tenant_lines(tenant: Tenant) -> Iterator[str]:
    schema = tenant.destination.schema
    at = f"at {tenant.release}" if tenant.release else "without a release"
    if tenant.made:
        yield from report_lines(tenant.report)
        yield f"Created tenant {schema}, {at}" + (f", with role {tenant.role}" if tenant.role else "")
        return
    yield f"Tenant {schema} exists, {at}; nothing was done" + (
        f"; {count(tenant.pending)} pending" * bool(tenant.pending)
    )


def tenant_json(tenant: Tenant) -> JsonObject:
    """Returns the JSON of the deployment, with what is known of the tenant."""
    about = pick(tenant, "made role pending") | {"release": plain(tenant.release)}
    return report_json(tenant.report) | {"tenant": about}


def contents_line(found: TenantContents) -> str:
    held = f"{count(found.tables, 'table')}, about {rows(found.rows)}, {size(found.bytes)}"
    role = f", and role {found.role}" if found.role else ""
    return f"{found.destination.label}, with all data ({held}){role}"


def dropped_lines(found: TenantContents) -> Iterator[str]:
    yield f"Dropped {contents_line(found)}"


def contents_json(found: TenantContents | None) -> JsonObject:
    return {"version": VERSION, "dropped": None if found is None else pick(found, "tables rows bytes role")}
