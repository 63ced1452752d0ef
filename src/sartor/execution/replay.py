"""Replays alterations in a scratch database, to see which schema they make."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.drift import Comparison, Difference, Drift, find_drift
from sartor.domain.fingerprint import Fingerprint
from sartor.domain.other_ledgers import without_other_ledgers
from sartor.domain.plan import Deploy
from sartor.domain.report import Observer
from sartor.errors import AlterationFailed
from sartor.execution.run import run, run_session
from sartor.postgres.driver.connection import DriverConnection
from sartor.postgres.ledger import create_ledger
from sartor.postgres.session import Session, application_name
from sartor.schema.comparison import compare
from sartor.schema.fingerprint import read_fingerprint
from sartor.scratch.database import scratch_session
from sartor.sql.statements import Statement


class Replayed(NamedTuple):
    """What a replay made, and what it made with the repeatable scripts that may have run as well.

    `before` is what the empty schema was like: its rights and its comment.
    """

    before: Fingerprint
    made: Fingerprint
    repeated: Fingerprint | None = None

    def drift(self, compared: Comparison, ignore: Sequence[str]) -> Drift:
        """Returns what a comparison means; `ignore` are patterns of names.

        The schema's own rights and comment are a note, where no alteration changes them: they came with the database,
        and a schema that was dropped and created again has others.
        """
        found = without_other_ledgers(find_drift(compared, ignore))
        given = {(o.kind, o.name): o.definition for o in self.before.objects}
        own = [d for d in found.differences if _of_schema(d) and given.get((d.kind, d.name)) == d.before]
        kept = tuple(d for d in found.differences if d not in own)
        return found._replace(differences=kept, noted=(*found.noted, *own))

    async def compare(self, connection: DriverConnection, live: Fingerprint) -> Comparison:
        """Compares it with what is `live`: an object is right as it is with or without the repeatable scripts."""
        found = await compare(connection, self.made, live)
        if self.repeated is None or not found.differences:
            return found
        keys = {(d.kind, d.name) for d in (await compare(connection, self.repeated, live)).differences}
        kept = tuple(d for d in found.differences if (d.kind, d.name) in keys)
        return found._replace(differences=kept, unread=tuple(d for d in found.unread if (d.kind, d.name) in keys))


async def replay(
    beside: Destination,
    catalogue: Catalogue,
    repeatables: Catalogue | None = None,
    *,
    verb: str,
    limits: Limits,
    observer: Observer,
) -> Replayed:
    """Deploys a catalogue to a scratch database on the server of `beside`; returns the schema that it makes.

    `repeatables` is the same catalogue with the repeatable scripts that may have run. Raises AlterationFailed, and as
    `scratch_session`.
    """
    base, again = limits.scratch_bootstrap, None
    async with scratch_session(beside, application=application_name(verb), base=base) as session:
        await create_ledger(session)
        before = await _look(session)
        async with run_session(session.destination, verb) as runs:
            await run(runs, catalogue, Deploy(replay=True), limits=limits, observer=observer)
            made = await _look(session)
            if repeatables is not None:
                await runs.renew_where_worn()
                await runs.learn()
                await run(runs, repeatables, Deploy(replay=True), limits=limits, observer=observer)
                again = await _look(session)
        return Replayed(before, made, again)


def _of_schema(difference: Difference) -> bool:
    return difference.kind in {"comment", "grant"} and difference.parent.startswith("schema ")


async def _look(session: Session) -> Fingerprint:
    return await read_fingerprint(session.connection, [session.schema])


def restricted(catalogue: Catalogue, identities: Collection[tuple[str, str]]) -> Catalogue:
    """Returns a catalogue with only the scripts of these identities, repeatable ones among them."""
    return Catalogue(
        tuple(
            replace(
                lineage,
                alterations=tuple(a for a in lineage.alterations if a.identity in identities),
                repeatables=tuple(a for a in lineage.repeatables if a.identity in identities),
            )
            for lineage in catalogue.lineages
        )
    )


def unrepeatable(error: AlterationFailed) -> str:
    """Returns why a replay says nothing, where a script changes server-wide objects; "" for any other failure."""
    if error.failure.beyond or Statement(error.failure.statement or "").changes_server:
        return f"{error}; changes of server-wide objects can't be replayed"
    return ""
