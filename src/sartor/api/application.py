"""Tells an application whether the schema of its database fits. Writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sartor.api.requests import Sources, deploy_request, list_alterations
from sartor.domain.destination import DEFAULT_SCHEMA, Destination, parse_schema
from sartor.domain.release import LATEST, Release
from sartor.domain.table_names import OwnTables, parse_prefix
from sartor.errors import SartorError, UsageError
from sartor.settings.lineages import MAIN

if TYPE_CHECKING:
    from sartor.domain.ledger import Ledger
    from sartor.postgres.facts import Facts
    from sartor.postgres.lent_connection import AnyConnection, AnyPool

Database: TypeAlias = "AnyConnection | AnyPool | Destination | str"
"""The database of an application: a connection or a pool of asyncpg's, a URL, or a Destination."""


async def require(
    database: Database,
    wanted: str,
    *,
    alterations: Sources | None = None,
    schema: str | None = None,
    tables: str | None = None,
) -> Release | None:
    """Raises an error unless the schema has a release that the application fits; returns that release.

        async with asyncpg.create_pool("postgresql://webapp@db.example.com/app") as pool:
            await sartor.require(pool, ">=1.4,<2", alterations="acme.alterations")

    It only reads, and needs no right but to read the ledger. A given connection is left as it was, within a
    transaction too. The release is that of `status`, and None where no release is complete and `wanted` is empty.

    - `database`: a connection or a pool of asyncpg's, a URL, or a `Destination`.
    - `wanted`: the releases that the application fits, as PEP 440 writes a range; "" for any.
    - `alterations`: what the application ships, like `sources`: all of it up to the range's end must be deployed, and
      unedited. Without it only the release is compared, that of the lineage `main`.
    - `schema`: the schema of the product; by default that of the URL or the Destination, else `public`.
    - `tables`: the prefix of Sartor's own tables, as in the setting `tables`: `acme` for `acme_ledger`.

    Raises a subclass of SchemaUnfit: NothingDeployed, SchemaTooOld, SchemaTooNew, SchemaPending, SchemaEdited;
    UsageError for a range that can't be parsed, a schema whose ledger is in other `tables`, or a connection that is in
    use; CatalogueError, SchemaMissing, LedgerUnsound, DestinationError.
    """
    from sartor.domain.fit import parse_range, require_fit

    try:
        ranged = parse_range(wanted)
        catalogue = None if alterations is None else list_alterations(alterations)
        name, ledger, facts = await _read(database, schema, tables)
        place = f"schema {name} of database {facts.database}"
        return require_fit(ledger, catalogue, ranged, lineage=MAIN, place=place)
    except SartorError as error:
        if error.hint:  # a server that starts applications shows the traceback, and no attribute
            error.add_note(f"hint: {error.hint}")
        raise


async def warn_if_pending(
    database: Database,
    alterations: Sources,
    target: str = LATEST,
    *,
    schema: str | None = None,
    tables: str | None = None,
) -> None:
    """Logs a WARNING where alterations are pending, or where that can't be found out; never raises, and runs nothing.

        await sartor.warn_if_pending(pool, "acme.alterations")

    The logger is `sartor`.

    - `database`, `alterations`, `schema`, `tables`: as in `require`.

    Raises nothing.
    """
    from sartor.domain.visible import visible_line
    from sartor.errors import said
    from sartor.log import LOG

    try:
        if text := await _describe_pending(database, alterations, target, schema, tables):
            LOG.warning("%s", visible_line(text))
    except Exception as error:  # noqa: BLE001 - an application starts whatever its database is like
        LOG.warning("can't find out whether alterations are pending: %s", visible_line(said(error)))


def heartbeat(application: str, version: str, wanted: str) -> dict[str, str]:
    """Returns settings with which the sessions of an application tell its name, its version and what it fits.

        pool = asyncpg.create_pool(url, server_settings=sartor.heartbeat("acme", "1.4.0", ">=1.4,<2"))

    `status` and `check` show the applications that are connected; nothing else is kept. It is the session's
    `application_name`, so any driver can give it.

    - `application`, `version`: the application's name and its own version.
    - `wanted`: the releases of the schema that it fits, as in `require`.

    Raises UsageError where they are longer than 63 characters in all, aren't ASCII, or can't be parsed.
    """
    from sartor.domain.applications import session_name

    return {"application_name": session_name(application, version, wanted)}


async def _describe_pending(
    database: Database, alterations: Sources, target: str, schema: str | None, tables: str | None
) -> str:
    """Returns in words what is pending up to a target; "" where nothing is."""
    from sartor.domain.fit import pending_up_to
    from sartor.domain.status import compare_with_ledger

    request, catalogue = deploy_request(target), list_alterations(alterations)
    name, ledger, facts = await _read(database, schema, tables)
    pending = pending_up_to(compare_with_ledger(catalogue, ledger), request.target or catalogue.latest)
    if not pending:
        return ""
    number = "1 alteration is" if len(pending) == 1 else f"{len(pending)} alterations are"
    return f"{number} pending in schema {name} of database {facts.database}; the first is {pending[0].name}"


async def _read(database: Database, schema: str | None, tables: str | None) -> tuple[str, Ledger, Facts]:
    """Returns the name of the schema, its ledger, and what is known of the database."""
    from sartor.postgres.ledger import read_ledger
    from sartor.postgres.lent_connection import AnyPool, read_ledger_by, read_ledger_by_pool
    from sartor.postgres.session import Session

    if isinstance(database, str):
        database = Destination.parse(database, schema=schema, tables=tables)
    elif schema is not None:
        schema = parse_schema(schema, origin="the schema")
    if isinstance(database, Destination):
        place = database if schema is None else database._replace(schema=schema)
        place = place if tables is None else place.with_tables(tables, origin="the prefix of the tables")
        async with Session(place, application="sartor require") as session:
            return place.schema, await read_ledger(session), session.facts
    own = OwnTables(schema or DEFAULT_SCHEMA)
    if tables is not None:
        own = own._replace(prefix=parse_prefix(tables, origin="the prefix of the tables"))
    if isinstance(database, AnyPool):
        return own.schema, *await read_ledger_by_pool(database, own)
    if not hasattr(database, "fetchrow"):
        kind = f"{type(database).__module__}.{type(database).__qualname__}"
        raise UsageError(f"{kind} isn't a connection or a pool of asyncpg's", hint="give the database's URL")
    return own.schema, *await read_ledger_by(database, own)
