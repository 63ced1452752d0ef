"""The facts of a connection: what must be known of a database and a role before anything is done."""

import json
from typing import NamedTuple, Self

from sartor.domain.own_tables import OwnTable, expected
from sartor.domain.table_names import OwnTables
from sartor.postgres.catalog import class_of
from sartor.postgres.connect.pooler import Pooler
from sartor.postgres.driver.connection import Connection
from sartor.postgres.own_tables import OWN, RIGHTS

_FACTS = f"""
select
    pg_catalog.current_database()::text as database,
    session_user::text as user,
    current_user::text as role,
    pg_catalog.current_setting('server_version_num')::int4 as server_version,
    pg_catalog.pg_backend_pid() as pid,
    pg_catalog.pg_is_in_recovery() as standby,
    pg_catalog.current_setting('transaction_read_only')::bool as read_only,
    pg_catalog.current_setting('session_replication_role') = 'replica' as replicates,
    exists (select from pg_catalog.pg_event_trigger where evtenabled <> 'D') as event_triggers,
    exists (select from pg_catalog.pg_default_acl) as default_rights,
    exists (select from pg_catalog.pg_auth_members
        where roleid = 'pg_write_all_data'::pg_catalog.regrole::pg_catalog.oid) as others_write,
    exists (select from pg_catalog.pg_language where lanname = 'plpgsql') as has_plpgsql,
    n.oid is not null as schema_exists,
    exists (select from pg_catalog.pg_depend u
        where u.refclassid = {class_of("pg_namespace")} and u.refobjid = n.oid) as schema_used,
    pg_catalog.has_database_privilege(d.oid, 'create') as can_create_schema,
    coalesce(pg_catalog.has_schema_privilege(n.oid, 'usage'), false) as can_use,
    coalesce(pg_catalog.has_schema_privilege(n.oid, 'create'), false) as can_create,
    (%s) as own,
    case when not pg_catalog.pg_has_role(o.owner, 'usage') and pg_catalog.pg_has_role(o.owner,
        case when pg_catalog.current_setting('server_version_num')::int4 >= 160000 then 'set' else 'member' end)
        then pg_catalog.pg_get_userbyid(o.owner)::text end as owner
from (select $1::text as schema, $2::text[] as names) given
join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
left join pg_catalog.pg_namespace n on n.nspname = given.schema
cross join lateral (select coalesce(
    nullif(n.nspowner, 'pg_database_owner'::pg_catalog.regrole::pg_catalog.oid), d.datdba) as owner) o
"""
_UNREAD = "unread"
_LOOKED_FOR = f"""
    select '{_UNREAD}' where exists (select from pg_catalog.unnest(given.names) k (name) cross join lateral (
        select from pg_catalog.pg_class c where c.relname = k.name and c.relnamespace = n.oid offset 0) c)"""
_FIRST, _WHOLE = _FACTS % _LOOKED_FOR, _FACTS % OWN
_OWN = f"select ({OWN}) as own from (select $1::text as schema, $2::text[] as names) given"
"""The statement for what only a schema with a ledger has. To plan it takes a new connection longer than all others."""


class Facts(NamedTuple):
    """The facts of a connection: its role, its database, and what it may do. `server_version` is a number like 150018.

    `owner` is the owner of the schema, or else of the database, where the role may act as it and doesn't inherit its
    rights. `schema_used` says that the schema holds anything, `default_rights` that there are default privileges in the
    database, `others_write` that roles may write all data. `own` are Sartor's tables, or other relations of their
    names. `pooled` says that a pooler may lend its session to others, `alone` that it has none for another client.
    """

    database: str
    user: str
    role: str
    server_version: int
    pid: int
    standby: bool
    read_only: bool
    replicates: bool
    event_triggers: bool
    default_rights: bool
    others_write: bool
    has_plpgsql: bool
    schema_exists: bool
    schema_used: bool
    can_create_schema: bool
    can_use: bool
    can_create: bool
    own: tuple[OwnTable, ...]
    owner: str | None
    pooled: bool
    alone: bool

    @property
    def ledger_exists(self) -> bool:
        """True where one of Sartor's tables exists, or another relation with the name of one."""
        return bool(self.own)

    @property
    def ledger_readable(self) -> bool:
        return self._may("ledger", "select")

    @property
    def journal_readable(self) -> bool:
        return self._may("journal", "select")

    @property
    def ledger_writable(self) -> bool:
        """True where a run can be recorded, in the ledger and the journal."""
        return self._may("ledger", "insert", "update", "delete") and self._may("journal", "insert", "update")

    @property
    def fingerprint_readable(self) -> bool:
        return self._may("fingerprint", "select")

    @property
    def fingerprint_writable(self) -> bool:
        return self._may("fingerprint", "select", "insert", "update")

    def _may(self, kind: str, *rights: str) -> bool:
        return any(each.name.endswith(f"_{kind}") and {*rights} <= {*each.rights} for each in self.own)

    @property
    def creates_plainly(self) -> bool:
        """True where a new table is as its statement says: no event trigger and no default privileges have a say."""
        return not (self.event_triggers or self.default_rights)

    def after_creation(self, tables: OwnTables) -> Self | None:
        """Returns the facts once this role has created the ledger, and the schema where it was missing.

        Returns None where they must be read.
        """
        if not self.creates_plainly:
            return None
        made = self._replace(schema_used=True, own=_as_made(tables, self.role))
        return (
            made if self.schema_exists else made._replace(schema_exists=True, can_use=True, can_create=True, owner=None)
        )


def _as_made(tables: OwnTables, owner: str) -> tuple[OwnTable, ...]:
    """Returns the facts of Sartor's tables as this role, `owner`, makes them."""
    columns = [trait for trait in expected(tables.prefix) if trait.kind == "column"]
    return tuple(
        OwnTable(
            name=name,
            owner=owner,
            trusted=True,
            entitled=True,
            odd=None,
            hidden=False,
            columns=[column.name for column in columns if column.table == name],
            rights=RIGHTS,
        )
        for name in tables.names
    )


async def read_facts(connection: Connection, tables: OwnTables, pooler: Pooler, *, whole: bool = False) -> Facts:
    """Reads the facts of a connection and of the schema with these tables.

    With `whole`, in one statement: it is for a schema that is known to have a ledger.
    """
    [first] = await connection.fetch_kept(_WHOLE if whole else _FIRST, tables.schema, tables.names)
    row = dict(first)
    if (own := row.pop("own")) == _UNREAD:
        [[own]] = await connection.fetch_kept(_OWN, tables.schema, tables.names)
    found = tuple(OwnTable(*each) for each in json.loads(own or "[]"))
    return Facts(**row, own=found, pooled=pooler.lends, alone=not pooler.another)
