"""Finds what releases make: deploys them one after the other in a scratch database, and reads each as a diagram."""

from collections.abc import Sequence

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.diagram import Diagram
from sartor.domain.plan import Deploy
from sartor.domain.release import Release
from sartor.domain.report import Observer, Waiting, only
from sartor.drawing.reading import read_diagram
from sartor.execution.run import run, run_session
from sartor.postgres.catalog import OF_USERS, class_of, in_extension
from sartor.postgres.ledger import create_ledger
from sartor.postgres.session import Session, application_name
from sartor.schema.fingerprint import read_fingerprint
from sartor.scratch.database import scratch_session

_SCHEMAS = f"""
select n.nspname::text from pg_catalog.pg_namespace n
where {OF_USERS} and not {in_extension("n.oid", classid=class_of("pg_namespace"))}
"""


async def replay(
    beside: Destination, catalogue: Catalogue, releases: Sequence[Release], *, limits: Limits, observer: Observer
) -> list[Diagram]:
    """Returns what each of the releases makes, the lowest first; they are deployed on the server of `beside`.

    A diagram has the destination's schema, and those that alterations created. Raises AlterationFailed, PlanError,
    DestinationError.
    """
    found, shown = list[Diagram](), only(observer, Waiting)
    unrecorded = limits._replace(fingerprint=False)  # nobody asks later what the schema should be
    application, base = application_name("diagram"), limits.scratch_bootstrap
    async with scratch_session(beside, application=application, base=base) as session:
        before = await _schemas(session)
        await create_ledger(session)
        async with run_session(session.destination, "diagram") as runs:
            for release in releases:
                await runs.renew_where_worn()
                await runs.learn()
                await run(runs, catalogue, Deploy(target=release), limits=unrecorded, observer=shown)
                schemas = {session.schema, *(await _schemas(session) - before)}
                fingerprint = await read_fingerprint(session.connection, schemas)
                found.append(read_diagram(fingerprint, session.schema, release=_label(release, catalogue)))
    return found


async def read_live(destination: Destination) -> Diagram:
    """Returns what stands in the destination's schema. Raises DestinationError, SchemaMissing."""
    async with Session(destination, application=application_name("diagram")) as session:
        await session.require_schema()
        return read_diagram(await read_fingerprint(session.connection, [session.schema]), session.schema)


async def _schemas(session: Session) -> set[str]:
    return {row[0] for row in await session.connection.fetch(_SCHEMAS)}


def _label(release: Release, catalogue: Catalogue) -> str:
    """Returns the name of a release for people; where nothing is unreleased, `next` is the latest one."""
    if release.unreleased and catalogue.latest and not any(a.release.unreleased for a in catalogue):
        return catalogue.latest.label
    return release.label
