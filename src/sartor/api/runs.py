"""Runs what changes a database: alterations, repairs of the ledger, and the commands of development."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sartor.api.backups import ordered_before
from sartor.api.observing import Observed, ignore
from sartor.api.requests import NO_LIMITS, Sources, deploy_request, find_destination, list_alterations, rollback_request
from sartor.domain.destination import Destination, Limits
from sartor.domain.release import LATEST
from sartor.errors import RefusedError

if TYPE_CHECKING:
    from sartor.domain.alteration import Catalogue
    from sartor.domain.plan import Deploy, Rollback
    from sartor.domain.redo import Redone
    from sartor.domain.repair import Correction, Repair
    from sartor.domain.report import Observer, Report


async def deploy(
    destination: Destination | str,
    sources: Sources,
    target: str = LATEST,
    *,
    steps: int | None = None,
    strict_order: bool = False,
    accepted: Iterable[str] = (),
    replay: bool = False,
    backup: str | None = None,
    affected: bool = False,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Report:
    """Deploys what is pending up to a release, each alteration in a transaction of its own, exactly once.

        report = await sartor.deploy("postgresql://app@db.example.com/app", "alterations", "1.2.0")
        print([done.alteration.name for done in report.done])

    - `replay`: deploy an empty schema's alterations one by one, instead of beginning with a snapshot.
    - `backup`: a folder for a backup that is taken before the run; where it can't be taken, nothing is deployed.
    - `affected`: have that backup hold the rows of those tables alone that the run may change, as a rehearsal finds.

    Raises PlanError where files and ledger contradict each other, AlterationFailed where a script fails (those before
    it stay deployed), and every other SartorError; the error's `report` says what the run had done.
    """
    catalogue = list_alterations(sources)
    request = deploy_request(target, steps=steps, strict_order=strict_order, accepted=accepted, replay=replay)
    return await _run("deploy", destination, catalogue, request, limits, observer, backup=backup, affected=affected)


async def rollback(
    destination: Destination | str,
    sources: Sources,
    target: str | None = None,
    *,
    steps: int | None = None,
    to_timestamp: int | str | None = None,
    accepted: Iterable[str] = (),
    backup: str | None = None,
    affected: bool = False,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Report:
    """Rolls back, newest deployment first: all above `target`, the last `steps`, or all after `to_timestamp`.

        report = await sartor.rollback("postgresql://app@db.example.com/app", "alterations", steps=1)

    One of the three must be given.

    - `backup`, `affected`: a backup before the run, as in `deploy`.

    Raises TargetError where none or several of the three are given, else as `deploy`.
    """
    catalogue = list_alterations(sources)
    request = rollback_request(catalogue, target, steps=steps, to_timestamp=to_timestamp, accepted=accepted)
    return await _run("rollback", destination, catalogue, request, limits, observer, backup=backup, affected=affected)


async def _run(
    verb: str,
    destination: Destination | str,
    catalogue: Catalogue,
    request: Deploy | Rollback,
    limits: Limits,
    observer: Observer,
    *,
    backup: str | None = None,
    affected: bool = False,
) -> Report:
    from sartor.execution.run import run, run_session

    place = find_destination(destination)
    order = await ordered_before(place, backup, catalogue, request, limits, affected=affected)
    with Observed(observer) as told:
        async with run_session(place, verb) as session:
            report = await run(session, catalogue, request, limits=limits, backup=order, observer=told)
        return told.keep(report)


async def repair(
    destination: Destination | str,
    sources: Sources,
    request: Repair,
    *,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> tuple[Correction, ...]:
    """Corrects what the ledger says, with the reason in the journal; returns what was done.

        request = sartor.Repair(reason="made by hand in an outage", mark_deployed=frozenset({"1700000000-add-users"}))
        await sartor.repair("postgresql://app@db.example.com/app", "alterations", request)

    - `request`: the corrections to make.

    Raises PlanError for what doesn't exist here, RunHeld, DestinationError; what was done before the error stays.
    """
    from sartor.execution.repair import run_repair

    place, catalogue = find_destination(destination), list_alterations(sources)
    with Observed(observer) as told:
        return told.keep(await run_repair(place, catalogue, request, limits=limits, observer=told))


def is_production(environment: str | None) -> bool:
    """Returns whether this is an environment in which nothing destructive runs unasked."""
    return environment is not None and environment.lower() in {"production", "prod"}


def protect(environment: str | None, command: str) -> None:
    """Raises RefusedError in production."""
    if environment is not None and is_production(environment):
        raise RefusedError(
            f"`{command}` destroys data, so it is refused in the environment {environment.lower()}",
            hint="the environment is set by SARTOR_ENVIRONMENT or `environment` in the settings file",
        )


async def fresh(
    destination: Destination | str,
    sources: Sources,
    target: str = "next",
    *,
    environment: str | None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Report:
    """Drops all that the destination's schema holds, and deploys from nothing: for development.

        await sartor.fresh("postgresql://localhost/app_dev", "alterations", environment="development")

    The alterations are read first: nothing is dropped where they can't be.

    Raises RefusedError where the environment is production, else as `deploy`.
    """
    from sartor.execution.development import drop_all
    from sartor.execution.run import run, run_session

    protect(environment, "fresh")
    place, catalogue, request = find_destination(destination), list_alterations(sources), deploy_request(target)
    with Observed(observer) as told:
        await drop_all(place, catalogue, request, limits=limits, observer=told)
        async with run_session(place, "deploy") as session:
            report = await run(session, catalogue, request, limits=limits, observer=told)
        return told.keep(report)


async def redo(
    destination: Destination | str,
    sources: Sources,
    names: Iterable[str] = (),
    *,
    environment: str | None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Redone:
    """Rolls back unreleased alterations by the code that was deployed, and deploys their files as they are now.

        done = await sartor.redo("postgresql://localhost/app_dev", "alterations", environment="development")
        print([each.alteration.name for each in done.deployed.done])

    All that was deployed after the first of them is rolled back as well, and all that is pending is deployed.

    - `names`: identities or file names; without any, those whose files have changed since they were deployed or are
      gone, or else the newest one.

    Raises RefusedError where the environment is production, or where one of them is released; TargetError for a name
    that isn't known; else as `deploy`. Where deploying fails, what was rolled back is pending.
    """
    from sartor.execution.redo import run_redo

    protect(environment, "redo")
    place, catalogue = find_destination(destination), list_alterations(sources)
    with Observed(observer) as told:
        return told.keep(await run_redo(place, catalogue, names, limits=limits, observer=told))


async def seed(
    destination: Destination | str,
    sources: Sources,
    *,
    reset: bool = False,
    environment: str | None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> tuple[str, ...]:
    """Runs the seed modules in one transaction; returns their files' names: for development.

        await sartor.seed("postgresql://localhost/app_dev", "alterations", environment="development")

    - `reset`: delete first what earlier seeds have put in.

    Raises RefusedError where the environment is production, AlterationFailed where a seed fails (nothing has changed
    then), and every other SartorError.
    """
    from sartor.execution.development import run_seeds

    protect(environment, "seed")
    place, catalogue = find_destination(destination), list_alterations(sources)
    with Observed(observer) as told:
        return told.keep(tuple(await run_seeds(place, catalogue, reset=reset, limits=limits, observer=told)))
