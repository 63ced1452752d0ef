"""A process's part of a fleet, and what is done at each of its destinations, in the words of a run that is shared."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import sartor
from sartor import FleetWork, Settings, Shard
from sartor.cli import output
from sartor.domain.destination import Destination
from sartor.domain.release import LATEST
from sartor.errors import UsageError


def find_shard(options: Mapping[str, Any]) -> Shard:
    """Returns the part that `--shard` names: the whole fleet without it. Raises UsageError."""
    if (text := options["shard"]) is None:
        return Shard()
    return Shard.parse(text, index=os.environ.get("JOB_COMPLETION_INDEX"), origin="--shard")


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
