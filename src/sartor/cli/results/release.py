"""The output of `release`."""

from collections.abc import Iterator

from sartor.cli.results.objects import VERSION, JsonObject, alteration_json, pick
from sartor.cli.results.units import count
from sartor.domain.cutting import ReleasePlan
from sartor.domain.manifest import Line


def _renamed(plan: ReleasePlan) -> Iterator[str]:
    width = max((len(each.alteration.name) for each in plan.renamings), default=0)
    yield from (f"{each.alteration.name.ljust(width)} -> {each.name}" for each in plan.renamings)


def release_lines(plan: ReleasePlan) -> Iterator[str]:
    """Yields what was done."""
    yield from _renamed(plan)
    if not plan.done:
        yield f"Released {plan.release}{_brings(plan)}"


def plan_lines(plan: ReleasePlan) -> Iterator[str]:
    """Yields what would be done, and what is in the way."""
    yield from _renamed(plan)
    yield from (f"manifest: {line.id} = {line.release}, {_proof(line)}" for line in plan.frozen)
    yield from (f"in the way: {obstacle.message}" for obstacle in plan.obstacles)
    if not (plan.done or plan.obstacles):
        yield f"{plan.release} would be released{_brings(plan)}; nothing was changed"


def _proof(line: Line) -> str:
    return "not proved" if line.proof is None else f"{line.proof.value} on Postgres {line.server}"


def _brings(plan: ReleasePlan) -> str:
    """Returns the number of a release's alterations, and of earlier releases that weren't listed so far."""
    own = plan.alterations or [a for a in plan.lineage.alterations if a.release == plan.release]
    brings = f": {count(len(own))}" if own else ", without alterations"
    earlier = len({*(plan.manifest.releases or ())} - {*(plan.before.releases or ()), plan.release})
    return (
        f"{brings}; the manifest lists {earlier} earlier release{'s' if earlier > 1 else ''} too" if earlier else brings
    )


def release_json(plan: ReleasePlan, *, is_done: bool) -> JsonObject:
    return {
        "version": VERSION,
        "lineage": plan.lineage.name,
        **pick(plan, "release"),
        "done": is_done or plan.done,
        "renamed": [{"id": a.id, "from": a.name, "to": name} for a, name in plan.renamings],
        "alterations": [alteration_json(a) for a in plan.alterations],
        "frozen": [pick(line, "id release checksum proof server") for line in plan.frozen],
        "releases": [release.label for release in plan.manifest.releases or ()],
        "obstacles": [pick(obstacle, "kind id message") for obstacle in plan.obstacles],
        **pick(plan, "staged notes"),
    }
