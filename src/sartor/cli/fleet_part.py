"""A process's part of a fleet, and what is done at each of its destinations, in the words of a run that is shared."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import sartor
from sartor import FleetOrder, FleetWork, Settings, Shard, Share
from sartor.cli import output
from sartor.domain.destination import Destination
from sartor.domain.release import LATEST
from sartor.errors import SettingsError, UsageError

CLASSES = "classes"
MOST = 1_000_000_000


def order_of(options: Mapping[str, Any]) -> FleetOrder:
    """Returns the order that a command's options give, of those that it has. Raises SettingsError."""
    given = {name: options[name] for name in ("jobs", "jobs_per_server") if options[name] is not None}
    if (canary := options.get("canary")) not in {None, CLASSES}:
        given["canary"] = _number(canary)
    for name in ("wave", "max_failures"):
        if (text := options.get(name)) is not None:
            given[name] = Share.parse(text, origin=f"--{name.replace('_', '-')}")
    return FleetOrder(**given)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < MOST):
        raise SettingsError(f"--canary: {text!r} is neither a number nor {CLASSES!r}", hint="write 5, or classes")
    return int(text)


def find_shard(options: Mapping[str, Any]) -> Shard:
    """Returns the part that `--shard` names: the whole fleet without it. Raises UsageError."""
    if (text := options["shard"]) is None:
        return Shard()
    return Shard.parse(text, index=os.environ.get("JOB_COMPLETION_INDEX"), origin="--shard")


def require_usable(options: Mapping[str, Any]) -> None:
    """Raises SettingsError or UsageError where a run's options can't be used: before any database is asked."""
    order_of(options)
    find_shard(options)


def is_fleet(settings: Settings, options: Mapping[str, Any]) -> bool:
    """Returns whether a run is one on a fleet: it has several destinations, or the options say that it is shared."""
    names_run = settings.control is not None and any(options[name] is not None for name in ("control", "run"))
    return len(settings.destinations) > 1 or names_run


def of_part(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """Returns the settings with the destinations of this process's part, where it shares nothing else with others."""
    if options["run"] is not None and settings.control is None:
        raise UsageError("--run names a run of a control database", hint="give --control URL as well")
    if settings.control is not None:
        return settings
    shard = find_shard(options)
    mine = part_of(settings.destinations, shard)
    if not mine:
        output.tell(f"note: part {shard} has none of the {len(settings.destinations)} destinations")
    return settings._replace(destinations=mine)


def make_work(verb: str, target: str | None, settings: Settings, **options: Any) -> FleetWork:
    """Returns what is done at each destination; `options` count that aren't empty. Raises UsageError for `steps`.

    The latest release is named: processes may ship different ones.
    """
    if options.pop("steps", None) is not None:
        hint = "name a release instead: a destination that is begun again would go further"
        raise UsageError("--steps and --control exclude each other", hint=hint)
    if target == LATEST and (latest := sartor.list_alterations(settings.sources).latest) is not None:
        target = latest.label
    return FleetWork(verb, target, {name: value for name, value in options.items() if value})


def part_of(destinations: Sequence[Destination], shard: Shard) -> tuple[Destination, ...]:
    return tuple(each for each in destinations if shard.has(each.server))
