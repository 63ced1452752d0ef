"""Runs what changes a database: alterations, and the commands of development."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sartor.api.backups import ordered_before
from sartor.api.files import list_alterations
from sartor.api.requests import contained, deploy_request, ignore, rollback_request
from sartor.domain.destination import Destination
from sartor.domain.limits import Limits
from sartor.domain.release import LATEST
from sartor.errors import RefusedError
from sartor.settings import LineageSource

if TYPE_CHECKING:
    from sartor.domain.report import Observer, Report

PRODUCTION = frozenset({"production", "prod"})
"""The environments in which nothing destructive runs unasked."""


async def deploy(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str = LATEST,
    *,
    steps: int | None = None,
    strict_order: bool = False,
    accepted: Iterable[str] = (),
    limits: Limits | None = None,
    backup: str | None = None,
    affected: bool = False,
    observer: Observer = ignore,
) -> Report:
    """Deploys all that is pending up to `target` (a version, `latest` or `next`), or the first `steps` of it.

    `accepted` are identities of edited or missing alterations that are right as they are; `backup` is a folder for a
    backup, without which nothing is deployed: of all rows or, with `affected`, of those tables that the run may change,
    as a rehearsal finds. Raises SartorError; its `report` says what had been done.
    """
    from sartor.execution.run import run

    catalogue = list_alterations(sources)
    request = deploy_request(target, steps=steps, strict_order=strict_order, accepted=accepted)
    limits = limits or Limits()
    order = await ordered_before(destination, backup, catalogue, request, limits, affected=affected)
    return await run(destination, catalogue, request, limits=limits, backup=order, observer=contained(observer))


async def rollback(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str | None = None,
    *,
    steps: int | None = None,
    to_timestamp: str | None = None,
    accepted: Iterable[str] = (),
    limits: Limits | None = None,
    backup: str | None = None,
    affected: bool = False,
    observer: Observer = ignore,
) -> Report:
    """Rolls back, newest deployment first: all above `target`, the last `steps`, or all after `to_timestamp`.

    The timestamp is in Unix seconds. One of the three must be given; `backup` and `affected` are as in `deploy`. Raises
    SartorError; its `report` says what had been done.
    """
    from sartor.execution.run import run

    catalogue = list_alterations(sources)
    request = rollback_request(catalogue, target, steps=steps, to_timestamp=to_timestamp, accepted=accepted)
    limits = limits or Limits()
    order = await ordered_before(destination, backup, catalogue, request, limits, affected=affected)
    return await run(destination, catalogue, request, limits=limits, backup=order, observer=contained(observer))


def is_production(environment: str | None) -> bool:
    """Returns whether this is an environment in which nothing destructive runs unasked."""
    return environment is not None and environment.lower() in PRODUCTION


def protect(environment: str | None, command: str) -> None:
    """Raises RefusedError in production."""
    if environment is not None and is_production(environment):
        raise RefusedError(
            f"`{command}` doesn't run where the environment is {environment.lower()}: it destroys data",
            hint="SARTOR_ENVIRONMENT (or `environment` in the settings file) says what this environment is",
        )


async def fresh(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str = "next",
    *,
    environment: str | None,
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> Report:
    """Drops all that the destination's schema holds, and deploys from nothing. Raises RefusedError in production.

    The alterations are read first: nothing is dropped where they can't be.
    """
    from sartor.execution.fresh import drop_all
    from sartor.execution.run import run

    protect(environment, "fresh")
    catalogue = list_alterations(sources)
    request = deploy_request(target)
    limits, observer = limits or Limits(), contained(observer)
    await drop_all(destination, catalogue, request, limits=limits, observer=observer)
    return await run(destination, catalogue, request, limits=limits, observer=observer)


async def seed(
    destination: Destination,
    sources: Iterable[LineageSource],
    *,
    reset: bool = False,
    environment: str | None,
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> Sequence[str]:
    """Runs the seed modules in one transaction; returns their files' names. Raises RefusedError in production."""
    from sartor.execution.seed import run_seeds

    protect(environment, "seed")
    return await run_seeds(
        destination, list_alterations(sources), reset=reset, limits=limits or Limits(), observer=contained(observer)
    )
