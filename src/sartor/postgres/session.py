"""Connects to a destination, and requires of its facts what a command needs."""

import os
import socket
from typing import Self

from sartor.domain.destination import Destination
from sartor.domain.own_tables import require_readable, require_trusted
from sartor.domain.table_names import OwnTables
from sartor.errors import DestinationError, PrivilegeMissing, ReadOnly, SchemaMissing
from sartor.postgres.catalog import OF_USERS
from sartor.postgres.connect.connect import DRIVER_ERRORS, close, connect, session_error
from sartor.postgres.connect.kept import leave_connection, take_connection
from sartor.postgres.connect.pooler import NO_POOLER, Pooler, look_at_pooler
from sartor.postgres.driver.connection import Connection
from sartor.postgres.facts import Facts, read_facts
from sartor.sql.quoting import quote_identifier

_SCHEMAS = f"select n.nspname::text as name from pg_catalog.pg_namespace n where {OF_USERS} order by 1"


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
        self.facts = await read_facts(self.connection, self.tables, await self._look_at_pooler())

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
                f" {self.tables.journal} to {role};",
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
        grants.append(f"grant select, insert, update, delete on {tables.ledger}, {tables.journal} to {role};")
    return grants


def application_name(verb: str) -> str:
    """Returns the application name that a run's sessions have in `pg_stat_activity`."""
    return f"sartor {verb} {os.getpid()}@{socket.gethostname()}"[:63]
