"""Asks the conditions of scripts, read-only, in the transaction that they decide about."""

import secrets
from collections.abc import Sequence

from sartor.alterations.script import Condition
from sartor.domain.report import Note
from sartor.domain.source import Run
from sartor.errors import Unmet
from sartor.execution.run_context import RunContext
from sartor.execution.script_call import contained
from sartor.execution.units import Unit
from sartor.postgres.driver.connection import Connection


async def ask(run: RunContext, unit: Unit, conditions: Sequence[Condition], connection: Connection, given: Run) -> None:
    """Asks conditions of a unit's script, in order. Raises Unmet, and what a condition raises.

    Each is asked in a savepoint that is read-only and undone, so it changes nothing: the server lets no inner
    transaction become writable again. The savepoint's name is a secret, so a condition can't end it.
    """
    for condition in conditions:
        savepoint = f"sartor_{secrets.token_hex(8)}"
        await connection.execute(f"savepoint {savepoint}; set transaction read only")
        body = condition.body if condition.query is not None else contained(condition.body, unit.about.file)
        try:
            await body(connection, given)
        except Unmet as error:
            if not run.session.lacks_rows:
                raise
            run.observer(Note(text=f"{unit.about.name}: not judged on a database without rows: {error}"))
        await connection.execute(f"rollback to savepoint {savepoint}; release savepoint {savepoint}")
