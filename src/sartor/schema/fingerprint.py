"""Reads the fingerprint of a live database, by a query over the catalogue, and its catalog version."""

import functools
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from sartor.domain.fingerprint import FORMAT, Fingerprint, SchemaObject, Scope
from sartor.postgres.catalog import listed_in, own_names
from sartor.postgres.driver.connection import DriverConnection

PATIENCE = 10.0
"""Seconds that a fingerprint waits for a table that is locked."""

KINDS: Mapping[str, frozenset[str] | None] = {
    **dict.fromkeys(("relations", "columns", "constraints", "indexes", "triggers")),
    "routines": frozenset({"pg_proc"}),
    "statistics": frozenset({"pg_statistic_ext"}),
    "types": frozenset({"pg_type", "pg_collation"}),
    "domains": frozenset({"pg_type"}),
    "operators": frozenset({"pg_operator", "pg_opclass", "pg_opfamily", "pg_conversion", "pg_cast"}),
    "text_search": frozenset({"pg_ts_config", "pg_ts_dict", "pg_ts_parser", "pg_ts_template"}),
    "foreign_data": frozenset(),
    "database": frozenset({"pg_extension", "pg_default_acl"}),
}
"""The files in `objects/` that each select one sort of object.

Their columns are class, oid, sub, kind, name, parent, definition, owner, acl_type, acl. `covered` comes before them,
`rows` after. With each are the catalogues in which a schema has something for it; None where it is always read, and
nothing where it is about the whole database alone.
"""

_PRESENT = """
select distinct d.classid::regclass::text from pg_namespace n
cross join lateral (
    select d.classid from pg_depend d where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
    offset 0
) d
where n.nspname = any ($1::text[])
union all
select 'pg_cast' where exists (select from pg_cast c where c.oid >= 16384)
"""
"""Selects the catalogues that list something in the schemas; casts belong to none."""

_SINCE = " -- since "
"""The end of a line of SQL that older servers than the one named behind it don't understand."""

_PINNED = """
set local search_path = pg_catalog, pg_temp;
set local quote_all_identifiers = off;
set local standard_conforming_strings = on;
set local datestyle = 'ISO, MDY';
set local intervalstyle = 'postgres';
set local timezone = 'UTC';
set local extra_float_digits = 1;
set local bytea_output = 'hex';
set local lc_monetary = 'C';
set local xmlbinary = 'base64';
set local jit = off;
set local plan_cache_mode = force_generic_plan;
set local enable_seqscan = off;
set local enable_hashjoin = off;
set local enable_mergejoin = off;
"""
"""Pins the settings that the text of a definition depends on, and a plan that stays good where it is kept.

A temporary table can't hide a name, as the path has pg_temp last. A plan that reads whole catalogues, or joins them by
hashes, is the best one for an empty database alone: it is kept while a fleet fills that with schemas.
"""

CATALOGUES = (
    "aggregate", "am", "amop", "amproc", "attrdef", "attribute", "cast", "class", "collation", "constraint",
    "conversion", "default_acl", "depend", "description", "enum", "extension", "foreign_data_wrapper",
    "foreign_server", "foreign_table", "index", "inherits", "language", "namespace", "opclass", "operator", "opfamily",
    "partitioned_table", "policy", "proc", "range", "rewrite", "sequence", "statistic_ext", "tablespace", "transform",
    "trigger", "ts_config", "ts_config_map", "ts_dict", "ts_parser", "ts_template", "type",
)  # fmt: skip
"""The catalogues that the files in `objects/` name or the server's functions look up for them; without `pg_`."""

# A write gives a row the number of its transaction, which no row had before; the number stays when the row is frozen.
# Few may read the catalogue of roles: its view has no transaction numbers, so the names of roles count there.
_CATALOG_ROWS = " union all ".join(f"select xmin::text from pg_catalog.pg_{name}" for name in CATALOGUES)
_CATALOG_VERSION = f"""
select pg_catalog.concat_ws('.', {FORMAT}, pg_catalog.current_setting('server_version_num'), pg_catalog.count(*),
    pg_catalog.sum(pg_catalog.hashtextextended(written, 0)))
from ({_CATALOG_ROWS} union all select pg_catalog.concat(oid, rolname) from pg_catalog.pg_roles) as rows (written)
"""

WORTH = 100
"""The tables, views and sequences from which on a run reads a catalog version rather than a fingerprint."""

# A fingerprint takes about ten times as long for an object as the version for one of any schema; a table has five rows
# of 250 bytes in `pg_class`. An empty database has 120 KB of them. The version of one takes 10 ms where nothing is in
# the server's caches yet, which is as long as the fingerprint of some tables.
_PAYS = f"""
select pg_catalog.pg_relation_size('pg_catalog.pg_class'::pg_catalog.regclass) < 131072 + 8192 * number
    and number >= $2::int4
from pg_catalog.pg_namespace n
cross join lateral (select pg_catalog.count(*) as number from ({listed_in("n.oid")}) listed) found
where n.nspname = $1::text
"""


async def read_fingerprint(
    connection: DriverConnection,
    schemas: Iterable[str],
    *,
    scope: Scope = Scope.SCHEMAS,
    lock_timeout: float = PATIENCE,
) -> Fingerprint:
    """Reads the fingerprint of schemas, as they are now or in the connection's transaction; changes nothing.

    Extensions' own objects and Sartor's tables are left out, and a schema that doesn't exist is empty. To write out an
    expression or a view's query, the server opens the tables in it: it waits where one is locked against readers,
    `lock_timeout` seconds at most, and then the driver raises LockNotAvailableError.
    """
    wanted = tuple(sorted(set(schemas)))
    async with pinned(connection, lock_timeout):
        objects = await read_objects(connection, wanted, scope)
    server = connection.get_server_version().major
    return Fingerprint.of(objects, schemas=wanted, scope=scope, server=server)


@asynccontextmanager
async def pinned(connection: DriverConnection, lock_timeout: float = PATIENCE) -> AsyncIterator[None]:
    """Runs the block in a transaction that is rolled back, with the settings that texts depend on.

    All queries in it read one snapshot, unless a transaction was open before.
    """
    transaction = connection.transaction(isolation=None if connection.is_in_transaction() else "repeatable_read")
    await transaction.start()
    try:
        await connection.execute(f"{_PINNED} set local lock_timeout = {lock_timeout * 1000:.0f}")
        yield
    finally:
        # Where a transaction was open before, this undoes the settings in it too.
        await transaction.rollback()


async def read_objects(connection: DriverConnection, schemas: Sequence[str], scope: Scope) -> list[SchemaObject]:
    """Reads the objects of a fingerprint, in any order; to be called inside `pinned`. Raises as `read_fingerprint`."""
    kinds = tuple(KINDS) if scope is Scope.DATABASE else await _present(connection, schemas)
    query = _objects_query(connection.get_server_version().major, scope, kinds)
    return [SchemaObject(*row) for row in await _fetch(connection, query, schemas)]


async def _present(connection: DriverConnection, schemas: Sequence[str]) -> tuple[str, ...]:
    """Returns the kinds of which there may be something in the schemas: planning a query for the others takes longer.

    Nothing is made in between, as both queries read one snapshot.
    """
    present = {row[0] for row in await _fetch(connection, _PRESENT, schemas)}
    return tuple(kind for kind, needs in KINDS.items() if needs is None or not needs.isdisjoint(present))


async def _fetch(connection: DriverConnection, query: str, *args: Any) -> list[Any]:
    """Fetches rows. One of Sartor's own connections keeps the plan: of a small schema, it takes half of the time."""
    fetch = getattr(connection, "fetch_kept", connection.fetch)  # the driver's class takes any for an instance of it
    return list(await fetch(query, *args))


@functools.cache
def _objects_query(server: int, scope: Scope, kinds: tuple[str, ...]) -> str:
    whole = "true" if scope is Scope.DATABASE else "false"
    parts = "\nunion all\n".join(_part(name, server) for name in kinds).replace("$2", whole)
    return f"""
with {_part("covered", server).replace("$2", own_names("found"))},
objects as materialized (
    select * from ({parts}) o
    where (coalesce(o.class, 0), coalesce(o.oid, 0)) not in (select m.classid, m.objid from member m)
)
{_part("rows", server)}"""


def _part(name: str, server: int) -> str:
    text = files("sartor.schema").joinpath("objects", f"{name}.sql").read_text("utf-8")
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if server >= int(line.partition(_SINCE)[2] or 0))


async def read_catalog_version(connection: DriverConnection, schema: str, *, least: int = WORTH) -> str:
    """Returns the catalog version of the database now. Raises what the driver raises.

    Equal versions mean that the fingerprint of a schema would be the same. Different ones mean nothing: a temporary
    table changes the version, and so does one in another schema. Reading it costs a tenth of a fingerprint of the whole
    database, and waits for no lock. Returns "" where the fingerprint of `schema` is read sooner: where it holds less
    than `least` tables, or the database so much beside it, as where each of a thousand tenants has a schema.
    """
    found = await _fetch(connection, _PAYS, schema, least)  # nothing where there is no such schema
    if not (found and found[0][0]):
        return ""
    version: str = await connection.fetchval(_CATALOG_VERSION)
    return version
