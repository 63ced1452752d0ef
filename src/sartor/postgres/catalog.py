"""The SQL that queries of the system catalogs share: which relations are users', and what they are called."""

from sartor.domain.table_names import KINDS, OwnTables

FIRST_OF_USERS = 16384
"""The first OID of an object that isn't Postgres's own."""

OF_USERS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
"""The condition that schema `n` isn't Postgres's own."""

RELATIONS = "pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
"""Relations `c`, with their schemas `n`."""

USERS_RELATIONS = f"{RELATIONS} and {OF_USERS}"
"""Likewise, without Postgres's own."""

FULL_NAME = "pg_catalog.format('%I.%I', n.nspname, c.relname)"
"""The name of relation `c`, as SQL."""

SHORT_NAME = "case when n.nspname = $1 then c.relname::text else n.nspname || '.' || c.relname end"
"""The name of relation `c` for people; a relation of schema $1 is named without it."""


def class_of(catalogue: str) -> str:
    """Returns the OID of a catalogue, such as `pg_class`, as SQL: the `classid` of its objects in `pg_depend`.

    It is an oid: for an oid and a regclass, a neighbour may have an operator of his own, which would fit better.
    """
    return f"'pg_catalog.{catalogue}'::pg_catalog.regclass::pg_catalog.oid"


def listed_in(schema: str, *, catalogue: str = "pg_class") -> str:
    """Returns a query of the OIDs of what a catalogue lists in a schema; `schema` is the SQL of the schema's OID.

    It reads indexes alone, as there may be a thousand other schemas. What comes along with something else isn't listed:
    a table's indexes and row type, a composite type's relation, a type's array.
    """
    return f"""
        select d.objid from pg_catalog.pg_depend d where d.refclassid = {class_of("pg_namespace")}
            and d.refobjid = {schema} and d.classid = {class_of(catalogue)}"""


def _histories(tables: str) -> str:
    """Returns a query of where Sartor's tables are, by their names: all of one prefix in one schema.

    It selects a `schema`'s OID and a `prefix` from `tables`, rows of `pg_class` as SQL.
    """
    names = ", ".join(f"j.prefix || '_{kind}'" for kind in KINDS)
    return f"""
        select j.relnamespace as schema, j.prefix from (
            select relnamespace, pg_catalog.left(relname::text, -8) as prefix from {tables}
            where relkind = 'r' and pg_catalog.right(relname::text, 8) = '_journal'
        ) j where {len(KINDS)} = (select pg_catalog.count(*) from pg_catalog.pg_class o
            where o.relnamespace = j.relnamespace and o.relname in ({names}))"""


def _of_schema(schema: str) -> str:
    """Returns the tables of a schema for `_histories`."""
    return f"""(
        select c.* from ({listed_in(schema)}) l
        cross join lateral (select * from pg_catalog.pg_class c where c.oid = l.objid offset 0) c) c"""


def own_names(tables: str = "pg_catalog.pg_class") -> str:
    """Returns a query of the schemas' OIDs and the names of Sartor's tables, whatever their prefix, among `tables`."""
    return f"""
    select h.schema, h.prefix || '_' || k.kind as name from ({_histories(tables)}) h
    cross join pg_catalog.unnest(array{list(KINDS)}) k (kind)"""


def _is_own(tables: str) -> str:
    return f"(c.relname in {OwnTables('').names} or (c.relnamespace, c.relname::text) in ({own_names(tables)}))"


IS_OWN = _is_own("pg_catalog.pg_class")
"""The condition that relation `c` is one of Sartor's tables, of any product's; with its own prefix, of any form."""


def is_own_in(schema: str) -> str:
    """Returns the condition `IS_OWN` for a relation of one schema, given as the SQL of its OID."""
    return _is_own(_of_schema(schema))


def other_prefixes(schema: str) -> str:
    """Returns the prefixes of Sartor's tables in a schema, given as the SQL of its OID, as SQL."""
    return f"array(select prefix from ({_histories(_of_schema(schema))}) h order by 1)"


LOCKS = "max_locks_per_transaction"
"""The setting that the server names, in every language, where its table of locks is full."""
MORE_LOCKS = f"""
select pg_catalog.format('alter system set {LOCKS} = %s; and restart the server', greatest(
    2 * pg_catalog.current_setting('{LOCKS}')::int4, pg_catalog.ceil(2.0 * (select pg_catalog.count(*) from
    pg_catalog.pg_class) / (pg_catalog.current_setting('max_connections')::int4
    + pg_catalog.current_setting('max_prepared_transactions')::int4))::int4))
"""
"""The statement that makes room to lock each relation of the database twice."""


def in_extension(oid: str, *, classid: str = class_of("pg_class")) -> str:
    """Returns the condition that an object, a relation by default, belongs to an extension."""
    return f"""exists (
        select from pg_catalog.pg_depend d where d.deptype = 'e' and d.classid = {classid} and d.objid = {oid}
    )"""
