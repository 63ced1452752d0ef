"""Connects to a destination, and reads what must be known of a database before anything is done to it."""

import json
import os
import socket
from typing import NamedTuple, Self

from sartor.domain.destination import Destination
from sartor.domain.own_tables import OwnTable, require_readable, require_trusted
from sartor.domain.table_names import OwnTables
from sartor.errors import DestinationError, PrivilegeMissing, ReadOnly, SchemaMissing
from sartor.postgres.catalog import OF_USERS, other_prefixes
from sartor.postgres.connect.connect import DRIVER_ERRORS, close, connect, session_error
from sartor.postgres.connect.kept import leave_connection, take_connection
from sartor.postgres.connect.pooler import NO_POOLER, Pooler, look_at_pooler
from sartor.postgres.driver.connection import Connection
from sartor.postgres.own_tables import OWN
from sartor.sql.quoting import quote_identifier

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
    exists (select from pg_catalog.pg_language where lanname = 'plpgsql') as has_plpgsql,
    n.oid is not null as schema_exists,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as can_create_schema,
    coalesce(pg_catalog.has_schema_privilege(n.oid, 'usage'), false) as can_use,
    coalesce(pg_catalog.has_schema_privilege(n.oid, 'create'), false) as can_create,
    coalesce(pg_catalog.has_table_privilege(l.oid, 'select'), false) as ledger_readable,
    coalesce(pg_catalog.has_table_privilege(j.oid, 'select'), false) as journal_readable,
    coalesce(pg_catalog.has_table_privilege(l.oid, 'insert') and pg_catalog.has_table_privilege(l.oid, 'update')
        and pg_catalog.has_table_privilege(l.oid, 'delete') and pg_catalog.has_table_privilege(j.oid, 'insert')
        and pg_catalog.has_table_privilege(j.oid, 'update') and pg_catalog.has_table_privilege(r.oid, 'select')
        and pg_catalog.has_table_privilege(r.oid, 'insert') and pg_catalog.has_table_privilege(r.oid, 'update')
        and pg_catalog.has_table_privilege(r.oid, 'delete'), false) as ledger_writable,
    coalesce(pg_catalog.has_table_privilege(r.oid, 'select'), false) as repeatable_readable,
    coalesce(pg_catalog.has_table_privilege(f.oid, 'select'), false) as fingerprint_readable,
    coalesce(pg_catalog.has_table_privilege(f.oid, 'insert') and pg_catalog.has_table_privilege(f.oid, 'update')
        and pg_catalog.has_table_privilege(f.oid, 'select'), false) as fingerprint_writable,
    ({OWN}) as own,
    case when l.oid is null then {other_prefixes("n.oid")} end as others,
    (select r.rolname::text from pg_catalog.pg_roles r
        where r.oid = coalesce(nullif(n.nspowner, 'pg_database_owner'::pg_catalog.regrole), d.datdba)
        and not pg_catalog.pg_has_role(r.oid, 'usage') and pg_catalog.pg_has_role(r.oid,
            case when pg_catalog.current_setting('server_version_num')::int4 >= 160000 then 'set' else 'member' end)
    ) as owner
from (select $1::text as schema, $2::text as prefix, $3::text[] as names) given
join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
left join pg_catalog.pg_namespace n on n.nspname = given.schema
left join pg_catalog.pg_class l on l.relnamespace = n.oid and l.relname = prefix || '_ledger' and l.relkind = 'r'
left join pg_catalog.pg_class j on j.relnamespace = n.oid and j.relname = prefix || '_journal' and j.relkind = 'r'
left join pg_catalog.pg_class r on r.relnamespace = n.oid and r.relname = prefix || '_repeatable' and r.relkind = 'r'
left join pg_catalog.pg_class f on f.relnamespace = n.oid and f.relname = prefix || '_fingerprint' and f.relkind = 'r'
"""

_SCHEMAS = f"select n.nspname::text as name from pg_catalog.pg_namespace n where {OF_USERS} order by 1"


class Facts(NamedTuple):
    """The facts of a connection: its role, its database, and what it may do. `server_version` is a number like 150018.

    `owner` is the owner of the schema, or else of the database, where the role may act as it and doesn't inherit its
    rights. `others` are the prefixes of other histories, where there is no ledger. `pooled` says that a pooler may lend
    its session to others, `alone` that it has none for another client.
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
    has_plpgsql: bool
    schema_exists: bool
    can_create_schema: bool
    can_use: bool
    can_create: bool
    ledger_readable: bool
    journal_readable: bool
    ledger_writable: bool
    repeatable_readable: bool
    fingerprint_readable: bool
    fingerprint_writable: bool
    own: tuple[OwnTable, ...]
    others: tuple[str, ...]
    owner: str | None
    pooled: bool
    alone: bool

    @property
    def ledger_exists(self) -> bool:
        """True where one of Sartor's tables exists, or another relation with the name of one."""
        return bool(self.own)


class Session:
    """A connection to a destination, with its facts as last read; a new one can be made where it breaks.

    `async with Session(destination, application="...") as session`. Raises Unreachable where it can't connect; a driver
    error that the block doesn't catch leaves it as DestinationError. `kind` is the connection's class. `lacks_rows` is
    True in a clone that has the schema of a database without its rows.
    """

    connection: Connection
    facts: Facts

    def __init__(self, destination: Destination, *, application: str, kind: type[Connection] = Connection) -> None:
        self.destination = destination
        self.application = destination.called(application)
        self.schema = destination.schema
        self.tables = OwnTables(destination.schema, destination.tables)
        self.lacks_rows = False
        self._kind = kind
        self._pooler: Pooler | None = None

    @property
    def connection_lost(self) -> bool:
        return self.connection.is_closed()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be shown, with the session's password, which may come from a password file."""
        password = self.connection.reached.password
        return (*self.destination.secrets, *self.destination.hidden([password] if password else []))

    async def __aenter__(self) -> Self:
        self._take(await take_connection(self.destination, application=self.application, kind=self._kind))
        try:
            await self.learn()
        except BaseException as error:  # a cancelled connect is closed too
            await self.__aexit__(None, error, None)
            raise
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            await leave_connection(self.connection, self.destination, application=self.application)
        else:
            await close(self.connection)
        if isinstance(error, (OSError, *DRIVER_ERRORS)):
            raise session_error(error, self.destination) from error

    async def learn(self) -> None:
        row = (await self.connection.fetch_kept(_FACTS, self.schema, self.tables.prefix, self.tables.names))[0]
        pooler = await self._look_at_pooler()
        own = tuple(OwnTable(*each) for each in json.loads(row["own"] or "[]"))
        found = {**dict(row), "own": own, "others": tuple(row["others"] or ())}
        self.facts = Facts(**{**found, "pooled": pooler.lends, "alone": not pooler.another})

    async def _look_at_pooler(self) -> Pooler:
        """Returns what is known of the pooler; it is found out once, as it stays the same while the session is open."""
        if self._pooler is None and self.connection.pooled:
            self._pooler = await look_at_pooler(self.connection, self.destination, application=self.application)
            if not self._pooler.lends:
                await self.connection.execute("set idle_session_timeout = 0")  # as of a session without a pooler
        return self._pooler or NO_POOLER

    async def renew(self) -> None:
        await close(self.connection)
        self._take(await connect(self.destination, application=self.application, kind=self._kind))

    async def renew_where_worn(self) -> None:
        """Replaces a connection that is lost, or whose client side a script has changed. Raises Unreachable."""
        if self.connection_lost or self.connection.worn:
            await self.renew()

    def _take(self, connection: Connection) -> None:
        self.connection = connection
        self.connection.confined = self.destination.scratch

    async def require_schema(self) -> None:
        """Raises SchemaMissing where the destination's schema doesn't exist."""
        if self.facts.schema_exists:
            return
        import difflib  # noqa: PLC0415 - only on the way to an error

        rows = await self.connection.fetch(_SCHEMAS)
        names = [row["name"] for row in rows]
        near = difflib.get_close_matches(self.schema, names, n=3)
        raise SchemaMissing(
            f"there is no schema {self.schema} in database {self.facts.database}",
            hint=f"did you mean {' or '.join(near)}? `deploy` creates a schema that doesn't exist"
            if near
            else f"`deploy` creates the schema; the database has {', '.join(names[:10]) or 'no schema'}",
        )

    def require_read(self, *, journal: bool = False) -> None:
        """Raises PrivilegeMissing where the ledger (with `journal`, the journal too) exists and may not be read.

        Raises LedgerUnsound where it isn't a table that Sartor makes.
        """
        facts = self.facts
        require_readable(facts.own, self.tables, facts.role)
        readable = facts.can_use and facts.ledger_readable and (facts.journal_readable or not journal)
        if facts.ledger_exists and not readable:
            schema, role = quote_identifier(self.schema), quote_identifier(facts.role)
            raise PrivilegeMissing(
                f"role {facts.role} has no right to read the {'journal' if journal else 'ledger'} in schema"
                f" {self.schema}",
                hint=f"grant usage on schema {schema} to {role}; grant select on {self.tables.ledger},"
                f" {self.tables.journal}, {self.tables.repeatable} to {role};",
            )

    def require_write(self) -> None:
        """Raises ReadOnly, PrivilegeMissing, LedgerUnsound or DestinationError where a run can't be recorded here."""
        facts = self.facts
        require_trusted(facts.own, self.tables, facts.role)
        where = f"database {facts.database}"
        if facts.standby:
            raise ReadOnly(f"{where} is a standby, which is read-only", hint="give the address of the primary")
        if facts.read_only:
            raise ReadOnly(
                f"{where} is read-only for role {facts.user}: default_transaction_read_only is on",
                hint=f"alter role {quote_identifier(facts.user)} set default_transaction_read_only = off; or change"
                " the setting of the database or the server",
            )
        if facts.replicates:
            raise DestinationError(
                f"session_replication_role is replica for role {facts.user} in {where}: foreign keys and"
                " triggers are disabled, and with them Sartor's guarantee that a script runs once",
                hint=f"alter role {quote_identifier(facts.user)} reset session_replication_role; or change the"
                " setting of the database or in the URL's options",
            )
        if grants := _missing_grants(facts, self.tables):
            raise PrivilegeMissing(
                f"role {facts.role} lacks the rights to deploy to schema {self.schema} of {where}",
                hint=_act_as_owner(facts) or "as the owner, run: " + " ".join(grants),
            )


def _act_as_owner(facts: Facts) -> str:
    """Returns how a role that may act as the owner, and doesn't inherit its rights, acts as the owner; else ""."""
    if facts.owner is None:
        return ""
    member, database, owner = map(quote_identifier, (facts.user, facts.database, facts.owner))
    return f"act as the owner: alter role {member} in database {database} set role = {owner};"


def _missing_grants(facts: Facts, tables: OwnTables) -> list[str]:
    named, role = quote_identifier(tables.schema), quote_identifier(facts.role)
    if not facts.schema_exists:
        create = f"grant create on database {quote_identifier(facts.database)} to {role};"
        return [] if facts.can_create_schema else [create]
    grants = []
    if not (facts.can_use and facts.can_create):
        grants.append(f"grant usage, create on schema {named} to {role};")
    whole = len(facts.own) == len(tables.names) and not any(table.odd for table in facts.own)
    if whole and not (facts.ledger_readable and facts.journal_readable and facts.ledger_writable):
        grants.append(
            f"grant select, insert, update, delete on {tables.ledger}, {tables.journal}, {tables.repeatable} to {role};"
        )
    return grants


def application_name(verb: str) -> str:
    """Returns the application name that a run's sessions have in `pg_stat_activity`."""
    return f"sartor {verb} {os.getpid()}@{socket.gethostname()}"[:63]
