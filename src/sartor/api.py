"""What an application, or a maker's own command, calls; every command of `sartor` is one call here.

    report = await sartor.api.deploy(destination, sources, target="1.2.0")

Functions are coroutines where they reach a database. They raise SartorError, never print, and tell an `observer` what
happens. What needs the driver is imported where it is needed: `list` must not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sartor.catalogue.files import read_catalogue
from sartor.domain.alteration import Catalogue
from sartor.domain.destination import Destination
from sartor.domain.errors import RefusedError, TargetError
from sartor.domain.ledger import Event, Ledger
from sartor.domain.limits import Limits
from sartor.domain.plan import Deploy, Rollback, Status, compare
from sartor.domain.release import LATEST, Release, parse_target
from sartor.settings import Flags, LineageSource, Settings, load_ignored, load_settings, load_sources

if TYPE_CHECKING:
    from sartor.domain.check import Check
    from sartor.domain.loss import RollbackPreview
    from sartor.domain.repair import Mend, Repair
    from sartor.domain.report import Observer, Report, RunEvent
    from sartor.domain.rules import Lint
    from sartor.domain.verification import Verification

__all__ = [
    "LATEST",
    "DestinationStatus",
    "Flags",
    "LineageSource",
    "Settings",
    "check",
    "check_rollback",
    "deploy",
    "embedded",
    "fresh",
    "history",
    "lint",
    "list_alterations",
    "load_ignored",
    "load_settings",
    "load_sources",
    "make_limits",
    "preview_repair",
    "preview_rollback",
    "protect",
    "repair",
    "rollback",
    "seed",
    "status",
    "verify",
]

PRODUCTION = "production"
"""The environment in which nothing destructive runs."""


def ignore(_event: RunEvent) -> None:
    """The observer that looks away."""


def make_limits(settings: Settings, *, fuse: bool = True) -> Limits:
    """The limits that the settings state; `fuse` False sends every statement by itself."""
    return Limits(
        lock_timeout=settings.lock_timeout,
        lock_budget=settings.lock_budget,
        wait=settings.wait,
        statement_timeout=settings.statement_timeout,
        fuse=fuse,
        fingerprint=settings.fingerprint,
    )


def list_alterations(sources: Iterable[LineageSource]) -> Catalogue:
    """What is shipped. Raises CatalogueError."""
    return read_catalogue((source.name, source.location) for source in sources)


def lint(
    sources: Iterable[LineageSource],
    *,
    released: bool = False,
    above: str | None = None,
    ignored: Iterable[str] = (),
) -> Lint:
    """What is wrong with the files, as far as that can be seen without a database and without running any of them.

    `released` says that they are about to be shipped; `above` leaves out what belongs to that release or an earlier
    one; `ignored` are rules' codes, or `CODE=identity`. Raises CatalogueError, SettingsError, TargetError.
    """
    from sartor.catalogue.lint import lint_lineages
    from sartor.domain.rules import Ignored

    return lint_lineages(
        [(source.name, source.location) for source in sources],
        released=released,
        above=None if above is None else parse_target(above),
        ignored=[Ignored.parse(text) for text in ignored],
    )


class DestinationStatus(NamedTuple):
    """What a destination has and lacks: its facts, its ledger, and that ledger against the catalogue."""

    destination: Destination
    database: str
    user: str
    server_version: int
    ledger: Ledger
    catalogue: Catalogue
    status: Status


async def status(destination: Destination, sources: Iterable[LineageSource]) -> DestinationStatus:
    """Disk against ledger. Writes nothing, and needs no right but to read the ledger."""
    from sartor.postgres.ledger import read_ledger
    from sartor.postgres.session import Session

    catalogue = list_alterations(sources)
    async with Session(destination, application="sartor status") as session:
        ledger = await read_ledger(session)
        facts = session.facts
    return DestinationStatus(
        destination=destination,
        database=facts.database,
        user=facts.user,
        server_version=facts.server_version,
        ledger=ledger,
        catalogue=catalogue,
        status=compare(catalogue, ledger),
    )


async def history(destination: Destination, *, after: int = -1) -> list[Event]:
    """The journal's events numbered above `after`, oldest first. Writes nothing."""
    from sartor.postgres.ledger import read_history
    from sartor.postgres.session import Session

    async with Session(destination, application="sartor history") as session:
        return await read_history(session, after=after)


async def deploy(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str = LATEST,
    *,
    steps: int | None = None,
    strict_order: bool = False,
    accepted: Iterable[str] = (),
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> Report:
    """Deploy all that is pending up to `target` (a version, `latest` or `next`), or the first `steps` of it.

    `accepted` are identities of edited or missing alterations that are right as they are. Raises SartorError; its
    `report` tells what had been done.
    """
    from sartor.runner.run import run

    catalogue = list_alterations(sources)
    request = Deploy(
        target=None if target == LATEST else parse_target(target),
        steps=steps,
        strict_order=strict_order,
        accepted=frozenset(accepted),
    )
    return await run(destination, catalogue, request, limits=limits or Limits(), observer=observer)


async def rollback(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str | None = None,
    *,
    steps: int | None = None,
    to_timestamp: str | None = None,
    accepted: Iterable[str] = (),
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> Report:
    """Undo, newest deployment first: all above `target`, the last `steps`, or all after a timestamp (Unix seconds).

    One of the three must be given. Raises SartorError; its `report` tells what had been done.
    """
    from sartor.runner.run import run

    catalogue = list_alterations(sources)
    request = rollback_request(catalogue, target, steps=steps, to_timestamp=to_timestamp, accepted=accepted)
    return await run(destination, catalogue, request, limits=limits or Limits(), observer=observer)


async def preview_rollback(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str | None = None,
    *,
    steps: int | None = None,
    to_timestamp: str | None = None,
    accepted: Iterable[str] = (),
) -> RollbackPreview:
    """What `rollback` would do with these parameters, and what is lost by it. Writes nothing."""
    from sartor.runner.preview import preview

    catalogue = list_alterations(sources)
    request = rollback_request(catalogue, target, steps=steps, to_timestamp=to_timestamp, accepted=accepted)
    return await preview(destination, catalogue, request)


def rollback_request(
    catalogue: Catalogue,
    target: str | None,
    *,
    steps: int | None,
    to_timestamp: str | None,
    accepted: Iterable[str] = (),
) -> Rollback:
    """The request that these words make. Raises TargetError where they make none."""
    if sum(given is not None for given in (target, steps, to_timestamp)) != 1:
        raise TargetError(
            "a rollback needs one of: a target, --steps, --to-timestamp",
            hint="sartor db alteration rollback 1.0.0, or rollback --steps 1",
        )
    return Rollback(
        target=None if target is None else _rollback_target(catalogue, target),
        steps=steps,
        to_timestamp=None if to_timestamp is None else _timestamp(to_timestamp),
        accepted=frozenset(accepted),
    )


def _rollback_target(catalogue: Catalogue, target: str) -> Release:
    if target != LATEST:
        return parse_target(target)
    if catalogue.latest is None:
        raise TargetError("nothing is released yet, so there is no latest release", hint="roll back with --steps")
    return catalogue.latest


def _timestamp(text: str) -> tuple[int, str]:
    seconds, _, fraction = text.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and (fraction.isdigit() or not fraction)):
        raise TargetError(
            f"{text!r} isn't a timestamp", hint="give Unix seconds as file names do: --to-timestamp 1700000000"
        )
    return int(seconds), fraction


async def verify(destination: Destination, sources: Iterable[LineageSource]) -> Verification:
    """What isn't as it should be: ledger against disk, the schema against what the last run left. Writes nothing."""
    from sartor.runner.verify import verify as look

    return await look(destination, list_alterations(sources))


async def preview_repair(
    destination: Destination, sources: Iterable[LineageSource], request: Repair
) -> tuple[Mend, ...]:
    """What `repair` would do with this request. Writes nothing."""
    from sartor.runner.repair import preview_repair as preview

    return await preview(destination, list_alterations(sources), request)


async def repair(
    destination: Destination,
    sources: Iterable[LineageSource],
    request: Repair,
    *,
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> tuple[Mend, ...]:
    """Set right what the ledger says, and tell what was done. Raises SartorError; what was done before it stays."""
    from sartor.runner.repair import run_repair

    catalogue = list_alterations(sources)
    return await run_repair(destination, catalogue, request, limits=limits or Limits(), observer=observer)


async def check(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str = LATEST,
    *,
    steps: int | None = None,
    strict_order: bool = False,
    accepted: Iterable[str] = (),
    limits: Limits | None = None,
    writes: bool = True,
) -> Check:
    """What `deploy` would do with these parameters, with its SQL; and a script for psql, unless `writes` is False.

    Writes nothing, and needs no right but to read ledger and journal. Raises SartorError where a deployment would be
    refused to anyone.
    """
    from sartor.runner.check import check as look

    catalogue = list_alterations(sources)
    request = Deploy(
        target=None if target == LATEST else parse_target(target),
        steps=steps,
        strict_order=strict_order,
        accepted=frozenset(accepted),
    )
    return await look(destination, catalogue, request, limits=limits or Limits(), writes=writes)


async def check_rollback(
    destination: Destination,
    sources: Iterable[LineageSource],
    target: str | None = None,
    *,
    steps: int | None = None,
    to_timestamp: str | None = None,
    accepted: Iterable[str] = (),
    limits: Limits | None = None,
    writes: bool = True,
) -> Check:
    """The same for `rollback`."""
    from sartor.runner.check import check as look

    catalogue = list_alterations(sources)
    request = rollback_request(catalogue, target, steps=steps, to_timestamp=to_timestamp, accepted=accepted)
    return await look(destination, catalogue, request, limits=limits or Limits(), writes=writes)


def protect(environment: str | None, command: str) -> None:
    """Raise RefusedError in production."""
    if environment is not None and environment.lower() == PRODUCTION:
        raise RefusedError(
            f"`{command}` doesn't run where the environment is {PRODUCTION}: it destroys data",
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
    """Drop all that the destination's schema holds, and deploy from nothing. Raises RefusedError in production.

    The alterations are read first: nothing is dropped where they can't be.
    """
    from sartor.runner.fresh import drop_all
    from sartor.runner.run import run

    protect(environment, "fresh")
    catalogue = list_alterations(sources)
    request = Deploy(target=None if target == LATEST else parse_target(target))
    limits = limits or Limits()
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
    """Run the seed modules in one transaction; their files' names. Raises RefusedError in production."""
    from sartor.runner.seed import run_seeds

    protect(environment, "seed")
    return await run_seeds(
        destination, list_alterations(sources), reset=reset, limits=limits or Limits(), observer=observer
    )


@contextmanager
def embedded(directory: str | None) -> Iterator[str]:
    """A server for trying things out, for as long as the block lasts; gives its URL.

    `directory` holds its data and keeps them; None means the project's own, below the working directory. Raises
    EmbeddedUnavailable.
    """
    from sartor.postgres.embedded import default_directory, serve

    folder = Path(directory).absolute() if directory else default_directory(Path.cwd())
    with serve(folder) as server:
        yield server.url
