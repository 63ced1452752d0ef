"""Brings a database to what the files say: undoes what was edited or deleted, and deploys what is pending."""

from typing import NamedTuple

from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Limits
from sartor.domain.plan import Direction
from sartor.domain.report import Done, Finished, Observer, RunEvent
from sartor.domain.status import Status, compare_with_ledger
from sartor.errors import SartorError
from sartor.execution.redo import ALL, run_redo
from sartor.execution.run import run
from sartor.postgres.ledger import read_ledger
from sartor.postgres.session import Session


class Brought(NamedTuple):
    """What was undone and deployed, the error that ended it, and notes."""

    undone: tuple[Done, ...]
    deployed: tuple[Done, ...]
    error: SartorError | None
    notes: tuple[str, ...]


async def bring_up_to_date(session: Session, catalogue: Catalogue, *, limits: Limits, observer: Observer) -> Brought:
    """Does what has changed again, and what was deployed after it; deploys all that is pending.

    An error is in the result: what was done before it stays.
    """
    done: dict[Direction, list[Done]] = {Direction.ROLLBACK: [], Direction.DEPLOY: []}

    def observe(event: RunEvent) -> None:
        if isinstance(event, Finished):
            done[event.direction].append(Done(event.alteration, event.duration_ms))
        observer(event)

    error: SartorError | None = None
    status = compare_with_ledger(catalogue, await read_ledger(session, founds=True))
    try:
        if names := _changed(status):
            await run_redo(session.destination, catalogue, names, limits=limits, observer=observe)
        else:
            await run(session, catalogue, ALL, limits=limits, observer=observe)
    except SartorError as found:
        error = found
    notes = tuple(f"{entry.name} was renamed to {file.name}" for file, entry in status.moved)
    return Brought(tuple(done[Direction.ROLLBACK]), tuple(done[Direction.DEPLOY]), error, notes)


def _changed(status: Status) -> list[str]:
    """Returns the names of unreleased rows whose files were edited, or are gone."""
    alike = {pair.entry.identity for pair in status.alike}
    gone = [e.id for e in status.missing if e.release.unreleased and e.identity not in alike]
    return [*(pair.entry.id for pair in status.edited_next), *gone]
