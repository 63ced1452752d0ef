"""Sentences about a plan, for people: what it means to this database, beyond its steps."""

from collections.abc import Iterator

from sartor.domain.plan import Direction, Plan, Step
from sartor.domain.repeatable import deploy_notes, rollback_note
from sartor.domain.status import Status, few, status_notes


def plan_notes(plan: Plan) -> list[str]:
    notes = list(status_notes(_left(plan)))
    if plan.direction is Direction.DEPLOY:
        accepted = [f"{pair.alteration.name}: the edited file is accepted" for pair in plan.accept]
        forgotten = [f"{e.name} is removed from the ledger; the objects that it created stay" for e in plan.forget]
        moot = [f"{each} isn't deployed here, so there is nothing to accept" for each in plan.moot]
        late = [f"{step.alteration.name} is late, and is deployed now" for step in plan.steps if step.late]
        notes += [*plan.passed_over, *_snapshot_notes(plan), *_target_notes(plan)]
        notes += few(accepted, "are accepted as edited")
        notes += few(forgotten, "are removed from the ledger")
        notes += few(moot, "aren't deployed here")
        notes += few(late, "are late")
        wanted, pending = [step.alteration for step in plan.alterations], plan.status.pending
        notes += deploy_notes(plan.status.repeatables, pending, wanted, ahead=bool(plan.status.ahead))
    else:
        notes += few([*map(_kept_note, (step for step in plan.steps if step.kept))], "are undone by kept downs")
        if plan.steps and (note := rollback_note(plan.status.repeatables)):
            notes.append(note)
    return notes


def _snapshot_notes(plan: Plan) -> Iterator[str]:
    if plan.snapshot is not None:
        left = sum(not step.alteration.is_repeatable for step in plan.one_by_one)
        rest = f", then {_count(left)}" if left else ""
        yield f"{plan.snapshot.release} is built from its snapshot ({_count(len(plan.by_snapshot))}){rest}"


def _count(number: int) -> str:
    return f"{number} alteration{'' if number == 1 else 's'}"


def _left(plan: Plan) -> Status:
    """Returns the status without what a rollback puts right: rows of newer releases, and of files that were edited."""
    if plan.direction is Direction.DEPLOY:
        return plan.status
    undone = {step.entry for step in plan.steps if step.kept}
    return plan.status._replace(
        ahead=tuple(entry for entry in plan.status.ahead if entry not in undone),
        edited_next=tuple(pair for pair in plan.status.edited_next if pair.entry not in undone),
    )


def _kept_note(step: Step) -> str:
    kept = step.kept
    proved = f", proved on Postgres {kept.server}" if kept and kept.proof and kept.server else ""
    return f"{step.alteration.name}: undone by its down as deployed, which the ledger keeps{proved}"


def _target_notes(plan: Plan) -> Iterator[str]:
    target, current = plan.target, plan.status.release
    if target is None or target.unreleased:
        return
    known = {*plan.status.releases} | {a.release for a in plan.status.pending}
    above = current is not None and current > target
    if above and not plan.alterations:
        yield f"the database is at {current}, above {target}; to go down, use `rollback {target}`"
    elif target not in known:
        below = max((release for release in known if release < target), default=None)
        what = f"{target} has the schema of {below}" if below else "there is no earlier release either"
        yield f"no alteration belongs to release {target}; {what}"
