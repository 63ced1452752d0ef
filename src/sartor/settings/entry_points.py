"""Calls functions of other packages, by entry points: those that a setting names, and never any other."""

from collections.abc import Callable
from typing import Any, TypeVar

from sartor.errors import BrokenInto, SettingsError

T = TypeVar("T")


def call_named(name: str, *, group: str, key: str, kind: str, take: Callable[[Any], T]) -> T:
    """Returns what `take` makes of the result of a function without parameters.

    `name` is that of its entry point in the `group`, given by the setting `key`; `kind` is what messages call it.
    Raises SettingsError where there is none, or it fails: what its own error says may be a secret, but for a
    SettingsError.
    """
    from importlib import metadata  # noqa: PLC0415 - most runs call none, and start-up counts

    known = {each.name: each for each in metadata.entry_points(group=group)}
    if name not in known:
        installed = f"installed are {', '.join(sorted(known))}" if known else "none is installed"
        hint = f"install the package that has it into Sartor's environment; {installed}"
        raise SettingsError(f"{key}: there is no {kind} {name!r}", hint=hint)
    try:
        return take(known[name].load()())
    except SettingsError as error:
        raise SettingsError(f"{key}: {name}: {error}", hint=error.hint) from error
    except (KeyboardInterrupt, BrokenInto):
        raise
    except BaseException as error:  # it is somebody else's code, which may exit, and say a secret
        reason = f"it raised {type(error).__name__}"
        raise SettingsError(f"{key}: {name} fails: {reason}", hint="--debug shows where") from error
