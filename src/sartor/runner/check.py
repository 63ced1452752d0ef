"""What a run would do: planned, its SQL found out, and written down for psql. Nothing is written to the database."""

from __future__ import annotations

from collections.abc import Iterator

from sartor.catalogue.script import Script
from sartor.catalogue.scripts import load_script
from sartor.domain.alteration import Catalogue
from sartor.domain.check import Check, CheckedStep
from sartor.domain.destination import Destination
from sartor.domain.drift import Drift
from sartor.domain.errors import DestinationError, LedgerTooNew, PrivilegeMissing
from sartor.domain.ledger import Ledger, State
from sartor.domain.limits import Limits
from sartor.domain.plan import Deploy, Direction, Plan, Rollback, Step, make_plan
from sartor.postgres import psql
from sartor.postgres.ledger import read_ledger, require_format
from sartor.postgres.session import Session, application_name
from sartor.runner.preview import find_losses
from sartor.runner.progress import load_all
from sartor.runner.psql_script import write_script
from sartor.runner.verify import look_for_drift


async def check(
    destination: Destination, catalogue: Catalogue, request: Deploy | Rollback, *, limits: Limits, writes: bool
) -> Check:
    """What `request` would do; `writes` asks for the script for psql, too.

    Raises SartorError where a run would be refused, whoever asks for it: PlanError, TargetError, ScriptError. What
    would be refused to this role is an obstacle.
    """
    async with Session(destination, application=application_name("check")) as session:
        ledger = await read_ledger(session)
        plan = make_plan(catalogue, ledger, request)
        # What records no fingerprint has none to be held against.
        drift = await look_for_drift(session) if ledger.exists and limits.fingerprint else Drift()
        obstacles = list(_obstacles(session, ledger, plan))
        steps = tuple(_checked(step, plan.direction) for step in plan.steps)
        losses = await find_losses(session, plan) if plan.direction is Direction.ROLLBACK else ()
        script = None
        if writes:
            try:
                session.require_read(journal=True)
                require_format(ledger)
                script = await write_script(session, ledger, plan, steps, limits)
            except (PrivilegeMissing, LedgerTooNew) as error:
                obstacles.append(f"there is no script: {_sentence(error)}")
    return Check(plan=plan, drift=drift, steps=steps, losses=losses, script=script, obstacles=tuple(obstacles))


def _obstacles(session: Session, ledger: Ledger, plan: Plan) -> Iterator[str]:
    """Why this role, or this Sartor, couldn't carry the plan out. Raises ScriptError where nobody could."""
    for require in (session.require_write, lambda: require_format(ledger), lambda: load_all(plan, session)):
        try:
            require()
        except DestinationError as error:
            if not plan.is_empty:
                yield f"not from here: {_sentence(error)}"


def _sentence(error: DestinationError) -> str:
    return f"{error}; {error.hint}" if error.hint else str(error)


def _checked(step: Step, direction: Direction) -> CheckedStep:
    script = load_script(step.alteration)
    fragments = script.sql(direction)
    return CheckedStep(
        step=step,
        sql=None if fragments is None else "".join(psql.say(fragment.text) for fragment in fragments),
        transactional=not script.needs_session(direction),
        unsayable=_unsayable(step, script, direction),
    )


def _unsayable(step: Step, script: Script, direction: Direction) -> str | None:
    fragments = script.sql(direction)
    if fragments is None:
        return "is Python, and only running it can tell its SQL"
    if step.entry is not None and step.entry.state is not State.DEPLOYED:
        return "was interrupted outside a transaction, and only Sartor can go on with it"
    if not all(psql.is_sayable(fragment.text) for fragment in fragments):
        return "has SQL that psql would read in another way: COPY from the client, a backslash, an open quote"
    return None
