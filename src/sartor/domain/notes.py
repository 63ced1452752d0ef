"""Notes about a plan, in addition to its steps."""

from __future__ import annotations

from collections.abc import Iterator

from sartor.domain.ledger import Entry
from sartor.domain.plan import Direction, Plan
from sartor.domain.status import Status


def plan_notes(plan: Plan) -> list[str]:
    """Returns sentences about a plan, for the user who runs it."""
    notes = list(status_notes(plan.status))
    if plan.direction is Direction.DEPLOY:
        notes += _target_notes(plan)
        notes += (f"{pair.alteration.name}: the edited file is accepted" for pair in plan.accept)
        notes += (f"{entry.name} is removed from the ledger; the objects that it created stay" for entry in plan.forget)
        notes += (f"{each} isn't deployed here, so there is nothing to accept" for each in plan.moot)
        notes += (f"{step.alteration.name} is late, and is deployed now" for step in plan.steps if step.late)
    return notes


def status_notes(status: Status) -> Iterator[str]:
    """Yields sentences about how disk and ledger compare, beyond what is pending, edited or missing."""
    for pair in status.edited_next:
        yield (
            f"{pair.alteration.name} was edited after it was deployed here; to deploy the edited file,"
            " roll the alteration back and deploy it again"
        )
    for pair in status.renamed:
        if pair.entry.release != pair.alteration.release:
            yield f"{pair.alteration.id}: deployed as {pair.entry.release}, now part of {pair.alteration.release}"
    for pair in status.kept:
        yield (
            f"{pair.alteration.id}: release {pair.entry.release} here, {pair.alteration.release} in this"
            f" package; the ledger keeps {pair.entry.release}, because a released alteration stays released"
        )
    if status.ahead:
        yield _ahead(status.ahead)
    for entry in status.interrupted:
        yield f"{entry.name} was interrupted outside a transaction; a deploy or rollback resumes it"
    for lineage in status.elsewhere:
        yield f"the database also has alterations of lineage {lineage!r}, which wasn't given"


def _ahead(entries: tuple[Entry, ...]) -> str:
    releases = ", ".join(dict.fromkeys(entry.release.label for entry in entries))
    count = len(entries)
    return (
        f"the database is ahead: it has {count} alteration{'s' if count > 1 else ''} of {releases}"
        " that this package doesn't contain; use the package of that release, or roll back with it"
        " first"
    )


def _target_notes(plan: Plan) -> Iterator[str]:
    target, current = plan.target, plan.status.release
    if target is None or target.unreleased:
        return
    known = {*plan.status.releases} | {a.release for a in plan.status.pending}
    above = current is not None and current > target
    if above and not plan.steps:
        yield f"the database is at {current}, above {target}; to go down, use `rollback {target}`"
    elif target not in known:
        below = max((release for release in known if release < target), default=None)
        what = f"{target} has the schema of {below}" if below else "there is no earlier release either"
        yield f"no alteration belongs to release {target}; {what}"
