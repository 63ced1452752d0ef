"""Runs a command on a fleet: in the order that its options give, with one question for all, shown while it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import sartor
from sartor import DestinationStatus, End, FleetOrder, FleetReport, FleetWork, Observer, Report, Settings
from sartor.cli import output, prompts
from sartor.cli.command import run
from sartor.cli.fleet_part import CLASSES, order_of
from sartor.cli.fleet_progress import View, What
from sartor.cli.results.fleet import destinations
from sartor.cli.results.fleet_looks import lost_lines
from sartor.domain.destination import Destination
from sartor.domain.fleet_losses import FleetLosses
from sartor.domain.fleet_summary import Summary
from sartor.domain.likeness import find_classes, pick_canaries
from sartor.domain.repeatable import names
from sartor.errors import RefusedError, SchemaMissing, TargetError

Call = Callable[[Destination, Observer], Awaitable[Any]]

LEFT = "each destination is at a whole alteration"
"""The state in which a signal leaves a fleet's run."""


def with_canaries(settings: Settings, options: Mapping[str, Any]) -> tuple[Settings, FleetOrder]:
    """Returns the settings and the order of a run; one canary of each class of likeness comes first, where asked for.

    Destinations that can't be read yet are a class: those whose schema is missing.
    """
    order = order_of(options)
    if options["canary"] != CLASSES:
        return settings, order
    found, missing = _statuses(settings)
    canaries = [*pick_canaries(find_classes((each.destination, each.likeness) for each in found)), *missing[:1]]
    first = set(canaries)
    others = (place for place in settings.destinations if place not in first)
    return settings._replace(destinations=(*canaries, *others)), order._replace(canary=len(canaries))


def work_through(
    settings: Settings, call: Call, what: What, options: Mapping[str, Any], work: Callable[[], FleetWork]
) -> Summary:
    """Awaits a call for each destination of the settings, and shows it; returns what became of them.

    Behind canaries it goes on where the options approve of that and none of them failed, or somebody at the terminal
    does. With a control database it is a part of a run that does `work`.
    """
    settings, order = with_canaries(settings, options)
    if settings.control is not None:
        from sartor.cli import fleet_shared

        return fleet_shared.work_on_part(settings, call, what, order, options, work())
    view = View(settings.destinations, what)

    async def approve(report: FleetReport) -> bool:
        if options["approve"] or not output.is_terminal():
            return options["approve"] and not report.of(End.FAILED)
        with view.paused():
            return await prompts.confirm_rest(report)

    with view.shown():
        report = run(
            sartor.run_fleet(
                settings.destinations, call, order, approve=approve, keep_results=False, observer=view.take
            ),
            left=LEFT,
        )
    return view.end(report)


def with_sources(function: Callable[..., Awaitable[Report]], settings: Settings, **how: Any) -> Call:
    """Returns the call of a function of the API with the alterations of the settings and further arguments."""
    catalogue = sartor.list_alterations(settings.sources)

    def call(destination: Destination, observer: Observer) -> Awaitable[Report]:
        return function(destination, catalogue, observer=observer, **how)

    return call


def ask_target(settings: Settings) -> str | None:
    """Asks once for the release to deploy to all destinations, and returns it; None where nothing is pending.

    Where only repeatable scripts are, asks whether to run them. Raises RefusedError where nothing is chosen.
    """
    found, missing = _statuses(settings)
    catalogue = sartor.list_alterations(settings.sources)
    pending = [each.status.pending for each in found] + [tuple(catalogue)] * len(missing)
    everywhere = f"at {destinations(len(settings.destinations))}{prompts.environment(settings)}"
    if not any(pending):
        due = {script.identity: script for each in found for script in each.status.repeatables.due}
        if not due:
            return None
        prompts.confirm(f"Run {names([*due.values()])} {everywhere}?")
        return sartor.LATEST if catalogue.latest else "next"
    release = prompts.choose_target(
        pending,
        catalogue.bare_releases,
        question=f"Choose the release to deploy {everywhere}",
        may_leave=sartor.is_production(settings.environment),
    )
    if release is None:
        raise RefusedError("no release was chosen; nothing was done")
    return release.label


def ask_way_back(settings: Settings) -> str:
    """Asks once for the release to go back to at all destinations. Raises TargetError where nothing is deployed."""
    found = [each.status for each in _statuses(settings)[0]]
    releases = sorted({release for each in found for release in each.releases}, reverse=True)
    if not releases:
        raise TargetError("nothing is deployed at any of them, so there is nothing to roll back")
    undone = [
        (release.label, sum(n for one in found for each, n in one.releases.items() if each > release))
        for release in releases[1:]
    ]
    everywhere = f"at {destinations(len(settings.destinations))}{prompts.environment(settings)}"
    return prompts.choose_rollback(
        [*undone, ("0", sum(each.number for each in found))],
        question=f"Choose the release to go back to {everywhere} (0 rolls everything back)",
    )


def confirm_next(settings: Settings) -> None:
    """Asks in production whether to deploy unreleased alterations. Raises RefusedError where the answer is no."""
    if sartor.is_production(settings.environment):
        where = destinations(len(settings.destinations))
        prompts.confirm(f"Deploy unreleased alterations to {where}{prompts.environment(settings)}?")


def confirm_rollback(settings: Settings, what: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Shows what a rollback loses at all destinations, and asks; not where nothing is to be rolled back.

    Raises RefusedError where the answer is no, and the first error where no destination can be asked.
    """
    from sartor.cli.fleet_looking import Look, failed_lines, look_at_each

    limits, lost = settings.limits._replace(fingerprint=False), FleetLosses()  # drift isn't asked about
    check = partial(sartor.check_rollback, script=False, rehearse=False, limits=limits)
    catalogue = sartor.list_alterations(settings.sources)

    async def call(destination: Destination, _observer: Observer) -> None:
        lost.take(await check(destination, catalogue, **what))

    look: Look[None, None] = Look(call, keep=lambda found: found, left="nothing was done")
    looked = look_at_each(settings, look, order_of(options))
    if not looked.found:
        raise next(outcome.error for outcome in looked.failed if outcome.error is not None)
    for line in failed_lines(looked.failed):
        output.tell(line)
    if not lost.undone and not looked.failed:
        return
    for line in lost_lines(lost) if lost.undone else ():
        output.tell(line)
    if looked.failed:
        output.tell(f"What is lost at {destinations(len(looked.failed))} isn't known.")
    prompts.confirm(f"Roll back at {destinations(looked.total)}{prompts.environment(settings)}?")


def _statuses(settings: Settings) -> tuple[list[DestinationStatus], list[Destination]]:
    """Returns the statuses of the destinations that can be read, and those whose schema is missing.

    Raises the first error where none can be read.
    """

    async def call(destination: Destination, _observer: Observer) -> DestinationStatus:
        return await sartor.status(destination, settings.sources)

    report = run(sartor.run_fleet(settings.destinations, call), left="nothing was done")
    place_of = {place: at for at, place in enumerate(settings.destinations)}
    ended = sorted(report.outcomes, key=lambda outcome: place_of[outcome.destination])
    found: list[DestinationStatus] = [outcome.result for outcome in ended if outcome.end is End.DONE]
    missing = [outcome.destination for outcome in ended if isinstance(outcome.error, SchemaMissing)]
    errors = (outcome.error for outcome in ended if outcome.error is not None)
    if not found and not missing and (error := next(errors, None)) is not None:
        raise error
    return found, missing
