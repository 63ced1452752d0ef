"""`rehearse` of a fleet: one destination of each class of likeness is rehearsed, for all that are like it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import NamedTuple

import sartor
from sartor import Settings
from sartor.cli import output
from sartor.cli.fleet_looking import Look, Looked, look_at_each, tell_end, worst
from sartor.cli.results.fleet import destinations
from sartor.cli.results.fleet_rehearsal import Rehearsed, aside_json, aside_lines, rehearsed_fleet_lines, verdict_json
from sartor.cli.results.objects import JsonObject
from sartor.cli.results.rehearse import rehearsal_json, too_bad
from sartor.cli.words import hint
from sartor.domain.destination import Destination
from sartor.domain.fleet import FleetOrder
from sartor.domain.hazards.hazard import Verdict
from sartor.domain.likeness import LikenessClass, Placed, find_classes
from sartor.domain.rehearsal import Rehearsal
from sartor.domain.report import Observer
from sartor.domain.visible import visible_line

CLONES = 2
"""How many clones are made at once on a server, at most: each is a database."""


class _Plan(NamedTuple):
    """The plan of a rehearsal: for how many destinations each stands; the classes, with what is set aside."""

    stands_for: dict[Destination, int]
    classes: tuple[LikenessClass, ...] = ()
    unread: Looked[Placed] | None = None


def rehearse_fleet(
    settings: Settings,
    order: FleetOrder,
    call: Callable[..., Awaitable[Rehearsal]],
    lines: Callable[[Rehearsal], Iterable[str]],
    limit: Verdict | None,
    *,
    each: bool,
) -> int:
    """Rehearses a fleet by `call`, and shows what it found by `lines`; returns the exit code.

    `each` asks for a rehearsal of each destination: none can stand for others where rows count, or the database itself.
    """
    catalogue = sartor.list_alterations(settings.sources)
    plan = _Plan(dict.fromkeys(settings.destinations, 1)) if each else _one_of_each(settings, catalogue, order)

    async def rehearse(place: Destination, observer: Observer) -> tuple[Destination, Rehearsal]:
        return place, await call(place, catalogue, observer=observer)

    def shown(answer: tuple[Destination, Rehearsal]) -> Iterator[str]:
        place, found = answer
        like = plan.stands_for[place] - 1
        yield f"== {visible_line(place.label)}" + (f", and {destinations(like)} like it" if like else "")
        yield from lines(found)

    def as_json(answer: tuple[Destination, Rehearsal]) -> JsonObject:
        return rehearsal_json(answer[1]) | {"stands_for": plan.stands_for[answer[0]]}

    def keep(answer: tuple[Destination, Rehearsal]) -> Rehearsed:
        place, found = answer
        bad = too_bad(found, limit)
        return Rehearsed(place, plan.stands_for[place], _verdict(found), bad)

    look = Look(rehearse, keep=keep, as_json=as_json, lines=shown, heading=False)
    looked = look_at_each(settings._replace(destinations=tuple(plan.stands_for)), look, _clones(order))
    looked = _joined(plan.unread, looked, len(settings.destinations))
    found = [rehearsed for _, rehearsed in looked.found]
    ends = [*rehearsed_fleet_lines(found), *aside_lines(plan.classes, all_=output.wants("--verbose"))]
    tell_end(looked, ends, {"verdicts": [verdict_json(one) for one in found], "aside": aside_json(plan.classes)})
    for one in found:
        _tell_error(one)
    return worst([looked.code, *(one.error.exit_code if one.error else 0 for one in found)])


def _joined(unread: Looked[Placed] | None, looked: Looked[Rehearsed], total: int) -> Looked[Rehearsed]:
    """Returns what was rehearsed, with those destinations that couldn't be asked whom they are like."""
    if unread is None:
        return looked
    one, other = unread.summary, looked.summary
    failed = one.failed + other.failed
    groups, seconds = (*one.groups, *other.groups), one.seconds + other.seconds
    whole = other._replace(failed=failed, untouched=total - other.done - failed, groups=groups, seconds=seconds)
    return looked._replace(failed=(*unread.failed, *looked.failed), summary=whole)


def _one_of_each(settings: Settings, catalogue: sartor.Catalogue, order: FleetOrder) -> _Plan:
    """Looks which destinations are alike, and chooses one of each kind."""

    async def call(place: Destination, _observer: Observer) -> Placed:
        return place, (await sartor.status(place, catalogue)).likeness

    def keep(answer: Placed) -> Placed:
        return answer

    looked = look_at_each(settings, Look(call, keep=keep), order)
    classes = find_classes(placed for _, placed in looked.found)
    chosen = [variety.destinations for each in classes for variety in each.representatives]
    return _Plan({alike[0]: len(alike) for alike in chosen}, classes, looked)


def _tell_error(one: Rehearsed) -> None:
    if one.error is None:
        return
    others = f" and {one.stands_for - 1:,} like it" if one.stands_for > 1 else ""
    output.tell(f"{visible_line(one.destination.label)}{others}: {one.error}", head="error:")
    if one.error.hint:
        output.tell(hint(one.error), head="  hint:")


def _clones(order: FleetOrder) -> FleetOrder:
    return order._replace(jobs_per_server=min(order.jobs_per_server, CLONES))


def _verdict(found: Rehearsal) -> str:
    if found.failed is not None:
        return "failed"
    if not found.alterations:
        return "nothing to rehearse"
    doubt = ", in doubt" if any(each.in_doubt for each in found.alterations) else ""
    return found.verdict.value.replace("-", " ") + doubt
