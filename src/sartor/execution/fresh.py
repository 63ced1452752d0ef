"""Drops everything in a schema, to start over."""

from __future__ import annotations

from sartor.alterations.loader import load_script
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination, Limits
from sartor.domain.ledger import Ledger
from sartor.domain.plan import Deploy, Direction, make_plan
from sartor.domain.report import Note, Observer
from sartor.errors import DestinationError
from sartor.execution.run_context import locked_run
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.schema_contents import drop_contents
from sartor.postgres.session import Session, application_name


async def drop_all(
    destination: Destination, catalogue: Catalogue, request: Deploy, *, limits: Limits, observer: Observer
) -> int:
    """Drops all that a destination's schema holds, except extensions, in one transaction.

    Loads first what is to be deployed afterwards, and waits for a run that is under way. Returns the number of objects
    dropped. Raises ScriptError, RunHeld, DestinationError.
    """
    for step in make_plan(catalogue, Ledger(), request).steps:
        load_script(step.alteration).body(Direction.DEPLOY)
    async with Session(destination, application=application_name("fresh")) as session:
        session.require_write()
        if not session.facts.schema_exists:
            return 0
        async with locked_run(session, "fresh", limits=limits, observer=observer):
            try:
                count = await drop_contents(session.connection, destination.schema, lock_timeout=limits.lock_budget)
            except DRIVER_ERRORS as error:
                raise DestinationError(
                    f"schema {destination.schema} can't be emptied: {error}; nothing was dropped",
                    hint="the role must own all objects of the schema, and no other session may be using them",
                ) from error
            observer(Note(text=f"dropped all {count} objects of schema {destination.schema}"))
            return count
