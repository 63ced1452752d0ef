"""The schema and the role of a tenant: made in one transaction, looked at, dropped in one."""

from typing import NamedTuple

from sartor.domain.destination import Destination
from sartor.domain.table_names import OwnTables
from sartor.domain.tenant import TenantContents, TenantRole
from sartor.errors import RefusedError
from sartor.postgres.driver.connection import Connection
from sartor.postgres.schema_contents import lock_tables, refuse_outside, require_unshared, tables_of
from sartor.postgres.scram import scram_verifier
from sartor.sql.quoting import quote_identifier, quote_literal

_MARK = "Sartor: this tenant is being created."

_SCHEMA = """
select pg_catalog.pg_get_userbyid(n.nspowner)::text as owner, current_user::text as me,
    coalesce(pg_catalog.col_description(l.oid, 2) = $3::text, false) as marked
from pg_catalog.pg_namespace n
left join pg_catalog.pg_class l on l.relnamespace = n.oid and l.relname = $2::text and l.relkind = 'r'
where n.nspname = $1::text
"""

_ROLE = """
select r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls as mighty,
    r.rolname in (current_user, session_user) as mine,
    array(select pg_catalog.pg_get_userbyid(m.roleid)::text from pg_catalog.pg_auth_members m
        where m.member = r.oid order by 1) as groups,
    array(
        select case when d.dbid in (0, here.oid) then i.type || ' ' || i.identity
            else 'an object of database ' || coalesce(other.datname, d.dbid::text) end
        from pg_catalog.pg_shdepend d
        left join pg_catalog.pg_database other on other.oid = d.dbid
        left join lateral pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) i on d.dbid in (0, here.oid)
        where d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and d.refobjid = r.oid and d.deptype = 'o'
            and not coalesce(d.dbid = here.oid and (d.classid = 'pg_catalog.pg_default_acl'::pg_catalog.regclass
                or d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.objid = n.oid
                or i.schema = pg_catalog.quote_ident($2::text)), false)
        order by 1 limit 11
    ) as owned,
    array(
        select s.nspname::text from pg_catalog.pg_namespace s, pg_catalog.aclexplode(s.nspacl) a
        where a.grantee = r.oid and s.nspname <> $2::text and exists (
            select from pg_catalog.pg_class l where l.relnamespace = s.oid and l.relname = $3::text)
        order by 1 limit 11
    ) as tenants,
    coalesce(n.nspowner = r.oid or exists (
        select from pg_catalog.aclexplode(n.nspacl) a where a.grantee = r.oid), false) as belongs
from pg_catalog.pg_roles r
join pg_catalog.pg_database here on here.datname = pg_catalog.current_database()
left join pg_catalog.pg_namespace n on n.nspname = $2::text
where r.rolname = $1::text
"""
"""Selects what is to be known of role $1 for the tenant in schema $2, whose ledger is called $3.

`owned` is what it owns outside the schema, default privileges apart; `tenants` the schemas of others that it was given
rights on.
"""

_CONTENTS = """
select pg_catalog.count(*) filter (where c.relkind in ('r', 'p') and not c.relispartition)::int4 as tables,
    coalesce(pg_catalog.sum(case when c.reltuples < 0 then pg_catalog.pg_stat_get_live_tuples(c.oid)
        else c.reltuples end) filter (where c.relkind = 'r'), 0)::int8 as rows, -- never analysed: less than 0
    coalesce(pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)) filter (where c.relkind in ('r', 'm')), 0)::int8
        as bytes
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1::text and c.relkind in ('r', 'p', 'm') and c.relname <> all($2::text[])
"""

_NAMED = """
select exists (
    select from pg_catalog.pg_shdepend d join pg_catalog.pg_roles r on r.oid = d.refobjid
    where d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and r.rolname = $1::text)
"""
"""Selects whether a role has rights somewhere, or default privileges that keep it."""


class FoundSchema(NamedTuple):
    """A schema that exists: its owner, the role of the session, and whether a tenant was begun there and isn't done."""

    owner: str
    me: str
    marked: bool


async def find_schema(connection: Connection, own: OwnTables) -> FoundSchema | None:
    row = await connection.fetchrow(_SCHEMA, own.schema, own.name("ledger"), _MARK)
    return None if row is None else FoundSchema(row["owner"], row["me"], row["marked"])


async def mark_begun(connection: Connection, own: OwnTables) -> None:
    """Notes in the ledger that a tenant is being created: whoever comes later goes on."""
    await connection.execute(f"comment on column {own.ledger}.id is {quote_literal(_MARK)}")


async def finish(connection: Connection, own: OwnTables, role: TenantRole | None) -> None:
    """Takes the mark away, and lets the role log in: until now nobody could put code before the deployment."""
    async with connection.transaction():
        await connection.execute(f"comment on column {own.ledger}.id is null")
        if role is not None and role.logs_in:
            password = "" if role.password is None else f" password {quote_literal(scram_verifier(role.password))}"
            await connection.execute(f"alter role {quote_identifier(role.name)} login{password}")


async def make_schema(connection: Connection, destination: Destination, role: TenantRole | None) -> None:
    """Creates what is missing of a tenant's schema, its role and their rights, in one transaction.

    Raises RefusedError where a role exists that isn't fit to be a tenant's.
    """
    own, name = OwnTables(destination.schema, destination.tables), quote_identifier(destination.schema)
    async with connection.transaction():
        if role is not None:
            await _make_role(connection, own, role)
        owner = f" authorization {quote_identifier(role.name)}" if role and role.owns else ""
        # The name may have been taken by a tenant of the same name that was begun and isn't done.
        await connection.execute(f"create schema if not exists {name}{owner}")
        await connection.execute(f"revoke all on schema {name} from public")
        if role is not None:
            await _give_rights(connection, destination, role)


async def _make_role(connection: Connection, own: OwnTables, role: TenantRole) -> None:
    name, found = (
        quote_identifier(role.name),
        await connection.fetchrow(_ROLE, role.name, own.schema, own.name("ledger")),
    )
    if found is not None:
        if reason := _unfit(found, role.name):
            hint = "give each tenant a role of its own: leave it to `create_tenant` to make it"
            raise RefusedError(f"role {role.name} can't be the role of a tenant: {reason}; nothing was done", hint=hint)
    else:
        await connection.execute(f"create role {name} nologin")
    if role.owns and not await connection.fetchval("select pg_catalog.pg_has_role($1::text, 'usage')", role.name):
        # Since Postgres 16, who creates a role may not act as it before it says so.
        await connection.execute(f"grant {name} to current_user")


def _unfit(found: dict[str, object], name: str) -> str:
    """Returns why a role that exists can't be a tenant's; "" where it can."""
    reasons = (
        ("mine", "it is the role of this session"),
        ("mighty", "it is a superuser, or may create roles or databases, replicate, or bypass row level security"),
        ("groups", "it has the rights of {}"),
        ("owned", "it owns {}"),
        ("tenants", "it has rights on {}, the schema of another tenant"),
    )
    for key, reason in reasons:
        if what := found[key]:
            return reason.format(", ".join(what) if isinstance(what, list) else name)
    return ""


async def _give_rights(connection: Connection, destination: Destination, role: TenantRole) -> None:
    """Gives a role its rights on the schema, on what is in it and on what will be; sets its search path."""
    schema, name = quote_identifier(destination.schema), quote_identifier(role.name)
    if not role.owns:
        await connection.execute(f"grant usage on schema {schema} to {name}")
        rights = {"tables": "select, insert, update, delete", "sequences": "usage, select"}
        for kind, granted in rights.items():
            await connection.execute(f"alter default privileges in schema {schema} grant {granted} on {kind} to {name}")
        if tables := await tables_of(connection, destination.schema):
            await connection.execute(f"grant {rights['tables']} on {', '.join(tables)} to {name}")
            await connection.execute(f"grant {rights['sequences']} on all sequences in schema {schema} to {name}")
    database = quote_identifier(await connection.fetchval("select pg_catalog.current_database()"))
    path = ", ".join(map(quote_identifier, (destination.schema, *destination.search_path)))
    await connection.execute(f"alter role {name} in database {database} set search_path = {path}")


async def read_contents(connection: Connection, destination: Destination, role: str | None) -> TenantContents:
    """Reads what a tenant's schema holds. Raises RefusedError where `role` isn't its role, or may not be dropped."""
    own = OwnTables(destination.schema, destination.tables)
    if role is not None:
        await _require_droppable(connection, own, role)
    row = await connection.fetchrow(_CONTENTS, own.schema, list(own.names))
    return TenantContents(destination, row["tables"], row["rows"], row["bytes"], role)


async def _require_droppable(connection: Connection, own: OwnTables, role: str) -> None:
    found = await connection.fetchrow(_ROLE, role, own.schema, own.name("ledger"))
    if found is None or not found["belongs"]:
        said = "there is no such role" if found is None else f"it has no right on schema {own.schema}"
        hint = "leave `role_name` out, or name the tenant's role"
        raise RefusedError(f"role {role} isn't the role of this tenant: {said}; nothing was dropped", hint=hint)
    if reason := _unfit(found, role):
        hint = "leave `role_name` out to drop the schema alone"
        raise RefusedError(f"role {role} can't be dropped: {reason}; nothing was dropped", hint=hint)


async def drop_schema(
    connection: Connection, destination: Destination, role: str | None, *, lock_timeout: float
) -> TenantContents:
    """Drops a tenant's schema with all that it holds, and its role, in one transaction; returns what that was.

    `lock_timeout` is in seconds. Raises RefusedError where anything outside the schema would be dropped with it, where
    another product's history is in it, or where the role owns something elsewhere.
    """
    own = OwnTables(destination.schema, destination.tables)
    async with connection.transaction():
        await connection.execute(f"set local lock_timeout = {lock_timeout * 1000:.0f}")
        # So that nothing is made that uses a table after the check for such objects.
        await lock_tables(connection, own.schema)
        await require_unshared(connection, own, "dropped")
        contents = await read_contents(connection, destination, role)
        hint = (
            "drop these objects yourself if they aren't needed; an extension moves: alter extension NAME set schema"
            " public;"
        )
        await refuse_outside(connection, own.schema, hint=hint)
        await connection.execute(f"drop schema {quote_identifier(own.schema)} cascade")
        if role is not None:
            if await connection.fetchval(_NAMED, role):  # on the database, or on a schema that tenants share
                await connection.execute(f"drop owned by {quote_identifier(role)} restrict")
            await connection.execute(f"drop role {quote_identifier(role)}")
        return contents
