"""Reads what a session's transaction has done so far to the relations that existed before.

That is locks, files, scans and rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any, NamedTuple

from sartor.domain.hazards.hazard import MODES, STOPS_WRITES, Build, Lock, Size, merged
from sartor.postgres.catalog import FIRST_OF_USERS, IS_OWN, SHORT_NAME, USERS_RELATIONS
from sartor.postgres.driver.connection import Connection
from sartor.sql.statements import Kind, Statement

INDEXES = frozenset("iI")
WRITES = MODES[2]
SOLID = frozenset("rm")
"""Tables and materialized views: the relations that have rows of their own."""
QUERIES = frozenset(MODES[:3])
"""The locks of statements that read rows and return, change or delete them."""
LOOKED_UP = frozenset({MODES[1]})
"""The locks on an index that serves only to fetch rows under a lock, as a foreign key's check does."""

_RELATION = f"""
    c.relkind::text as kind, c.relfilenode::int8 as file, c.reltablespace::int8 as space, i.indrelid::int8 as table,
    {SHORT_NAME} as name, c.relname::text as bare
"""
_RELATIONS = f"""
select c.oid::int8 as oid, {_RELATION}, {IS_OWN} as own
from {USERS_RELATIONS} left join pg_catalog.pg_index i on i.indexrelid = c.oid
where c.relkind in ('r', 'p', 'm', 'v', 'f', 'S', 'i', 'I')
"""
_COUNTERS = """
    pg_catalog.pg_stat_get_xact_numscans(l.oid) as scans,
    pg_catalog.pg_stat_get_xact_tuples_inserted(l.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(l.oid)
        + pg_catalog.pg_stat_get_xact_tuples_deleted(l.oid) as changed,
    pg_catalog.pg_stat_get_xact_tuples_updated(l.oid) as updated,
    pg_catalog.pg_stat_get_xact_tuples_deleted(l.oid) as deleted
"""
LOOK = f"""
select l.oid::int8 as oid, l.modes, {_RELATION}, {_COUNTERS}
from (
    select relation as oid, pg_catalog.array_agg(mode) as modes from pg_catalog.pg_locks
    where pid = pg_catalog.pg_backend_pid() and locktype = 'relation' and granted and relation >= {FIRST_OF_USERS}
        and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    group by relation
) l
left join pg_catalog.pg_class c on c.oid = l.oid
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = l.oid
"""
"""Selects the current transaction's locks on users' relations, and what it did to them."""
COUNTERS = f"""
select l.oid::int8 as oid, array[]::text[] as modes, null::text as kind, {_COUNTERS}
from pg_catalog.pg_class l where l.oid >= {FIRST_OF_USERS} and l.relkind in ('r', 'm', 'i')
"""
"""Selects, where a transaction begins, what the counters still hold of earlier ones."""
_SIZES = f"""
select {SHORT_NAME} as name,
    c.reltuples::int8 as rows, pg_catalog.pg_total_relation_size(c.oid) as bytes
from {USERS_RELATIONS} where c.relkind in ('r', 'm')
"""


class Relation(NamedTuple):
    """A relation: `kind` as in `pg_class`, `file` the number of its file in its tablespace, `space`.

    `table` is the OID of an index's table, None for others; `bare` the name as the catalogue has it, without a schema.
    """

    name: str
    kind: str
    file: int
    space: int
    table: int | None
    bare: str


Relations = Mapping[int, Relation]
Modes = Mapping[int, frozenset[str]]


class Trace(NamedTuple):
    """A transaction's locks on one relation, and its counts of scans and of changed rows.

    Of the rows that were `changed`, some were `updated` or `deleted`.
    """

    relation: Relation | None
    modes: frozenset[str]
    scans: int = 0
    changed: int = 0
    updated: int = 0
    deleted: int = 0


Footprint = Mapping[int, Trace]
NOTHING = Trace(None, frozenset())


async def read_relations(connection: Connection, schema: str) -> dict[int, Relation]:
    """Reads all relations but Postgres's own and Sartor's, by OID.

    Those of `schema` are named without it.
    """
    rows = await connection.fetch(_RELATIONS, schema)
    own = {row["oid"] for row in rows if row["own"]}
    return {row["oid"]: _relation(row) for row in rows if row["oid"] not in own and row["table"] not in own}


async def read_sizes(connection: Connection, schema: str) -> dict[str, Size]:
    """Reads the size of each table and materialized view, by name."""
    rows = await connection.fetch(_SIZES, schema)
    return {row["name"]: Size(row["rows"] if row["rows"] >= 0 else None, row["bytes"]) for row in rows}


def read_footprint(rows: Iterable[Any]) -> dict[int, Trace]:
    """Returns the traces in the rows of LOOK or of COUNTERS, by the relation's OID."""
    counted = Trace._fields[2:]
    return {
        row["oid"]: Trace(_relation(row) if row["kind"] else None, frozenset(row["modes"]), *map(row.get, counted))
        for row in rows
    }


def _relation(row: Any) -> Relation:
    return Relation(row["name"], row["kind"], row["file"], row["space"], row["table"], row["bare"])


class Changes(NamedTuple):
    """The changes between two looks; `queried` says that a statement such as SELECT or UPDATE has read known tables."""

    locks: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    builds: tuple[Build, ...] = ()
    writes: tuple[str, ...] = ()
    changed: int = 0
    queried: bool = False
    emptied: tuple[str, ...] = ()
    partitioned: tuple[str, ...] = ()


def changes_between(before: Footprint, after: Footprint, known: Relations, files: Mapping[int, int]) -> Changes:
    """Compares two looks at a transaction, for the known relations; `files` are their files' numbers until now."""
    new = {oid: trace.modes - before.get(oid, NOTHING).modes for oid, trace in after.items()}
    now = {oid: trace.relation for oid, trace in after.items() if trace.relation is not None}
    moved = frozenset(_moved_files(now, files))
    changed = sum(trace.changed - before.get(oid, NOTHING).changed for oid, trace in after.items())
    read = frozenset(_read(before, after, changed=changed))
    # A relation was made and dropped at once: a rewrite does that, and its lock stays.
    copied = any(trace.relation is None for oid, trace in after.items() if oid not in before and oid not in known)
    emptied = frozenset() if copied else frozenset(_in_place(moved, now, known))
    wholes = (known[oid] for oid, modes in new.items() if oid in known and modes & STOPS_WRITES)
    return Changes(
        locks=locks_on(known, new, {oid: trace.modes for oid, trace in after.items()}),
        rewrites=_names(moved - emptied, known),
        scans=_names(read - emptied, known),
        builds=_builds({oid: each for oid, each in now.items() if each.table not in emptied}, known, files),
        writes=_writes(now, new, known),
        changed=changed,
        queried=any(oid in known and after[oid].modes & QUERIES for oid in read & after.keys()),
        emptied=_names(emptied, known),
        partitioned=tuple(sorted(each.bare for each in wholes if each.kind == "p")),
    )


def _read(before: Footprint, after: Footprint, *, changed: int) -> Iterator[int]:
    """Yields the tables that were read, also those read by an index: on empty tables a plan's choice says nothing.

    A foreign key's check doesn't count: it fetches a row for each changed row, however many rows there are.
    """
    for oid, trace in after.items():
        if trace.scans <= before.get(oid, NOTHING).scans:
            continue
        table = trace.relation.table if trace.relation else None
        if table is None:
            yield oid
        elif not (changed and trace.modes == LOOKED_UP):
            yield table


def _in_place(moved: Iterable[int], now: Relations, known: Relations) -> Iterator[int]:
    """Yields the tables that have a new file beside the old one: it is empty where nothing was copied."""
    tables = (oid for oid in moved if oid in known and now[oid].kind == "r")
    return (oid for oid in tables if now[oid].space == known[oid].space)


def locks_on(known: Relations, modes: Modes, beside: Modes) -> tuple[Lock, ...]:
    """Returns the locks on known relations, the strongest of each.

    A lock on an index counts only where it stops more than its table's lock does, which is among those held `beside`.
    """
    strongest = {oid: max(map(MODES.index, each)) for oid, each in modes.items() if each and oid in known}
    return merged(
        Lock(known[oid].name, MODES[mode])
        for oid, mode in strongest.items()
        if known[oid].kind not in INDEXES
        or (
            MODES[mode] in STOPS_WRITES
            and mode > max(map(MODES.index, beside.get(known[oid].table or 0, ())), default=0)
        )
    )


def _writes(now: Relations, modes: Modes, known: Relations) -> tuple[str, ...]:
    """Returns the names of the relations, new ones too, that have got the lock under which rows are changed."""
    found = [oid for oid in now if WRITES in modes[oid] and now[oid].kind in "rpvf"]
    return tuple(sorted(known.get(oid, now[oid]).name for oid in found))


def _moved_files(now: Relations, files: Mapping[int, int]) -> list[int]:
    """Returns the relations that have another file than they had."""
    return [oid for oid, relation in now.items() if relation.file != files.get(oid, relation.file) and relation.file]


def _builds(now: Relations, known: Relations, files: Mapping[int, int]) -> tuple[Build, ...]:
    """Returns the indexes built on known tables: new ones, and those that have another file than they had.

    A new one in the file of one that is gone isn't built: ALTER TYPE hands it over where no entry changes.
    """
    left = {file for oid, file in files.items() if oid not in now}
    made = [*_moved_files(now, files), *(oid for oid in now if oid not in files and now[oid].file not in left)]
    indexes = [now[oid] for oid in made if now[oid].kind == "i"]
    return tuple(
        sorted(
            Build(each.name, known[each.table].name)
            for each in indexes
            if each.table is not None and each.table in known
        )
    )


def changes_of_bare(query: str, now: Relations, known: Relations, files: Mapping[int, int]) -> Changes:
    """Returns the changes by a statement that refuses a transaction, with the locks that the manual names for it.

    The locks themselves are released by its end, so they can't be read.
    """
    built, rewritten = _builds(now, known, files), _names(_moved_files(now, files), known)
    tables = [known[oid].table for oid in files.keys() - now.keys() if oid in known and known[oid].kind in INDEXES]
    dropped = sorted(known[table].name for table in tables if table is not None and table in known)
    touched = rewritten or (*(build.table for build in built), *dropped)
    locks = [Lock(table, MODES[7] if rewritten else MODES[3]) for table in touched]
    return Changes(locks=merged([*locks, *_unseen_locks(query, known)]), rewrites=rewritten, builds=built)


def _unseen_locks(query: str, known: Relations) -> Iterator[Lock]:
    """Yields the locks on the tables that VACUUM, or DETACH PARTITION CONCURRENTLY, names: they change no file."""
    statement = Statement(query)
    detaches = "detach" in statement.words
    if detaches or statement.kind is Kind.VACUUM:
        tables = {each.bare: each.name for each in known.values() if each.kind in "rpm"}
        named = [tables[token.name] for token in statement.outer if token.name in tables]
        # First the whole, then the part, which is locked for a moment when nobody uses it any more.
        yield from map(Lock, named, (MODES[3], MODES[7]) if detaches else repeat(MODES[3]))


def _names(oids: Iterable[int], known: Relations) -> tuple[str, ...]:
    """Returns the names of those that are known and have rows of their own."""
    return tuple(sorted(known[oid].name for oid in oids if oid in known and known[oid].kind in SOLID))
