"""Settings from elsewhere: packages that fetch them, from a vault for example, by the entry point `sartor.settings`.

A provider is a function without parameters that returns what a folder of secret files would hold, by name:

    def settings():
        return {"SARTOR_PASSWORD": fetch("database/password")}

A `SettingsError` that it raises is shown; what any other error says may be a secret.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sartor.errors import SettingsError
from sartor.settings.entry_points import call_named
from sartor.settings.once import once

GROUP = "sartor.settings"
"""The group of entry points that providers are registered in."""
KEY = "settings-from"
"""The setting that names the providers that are asked."""


class Provided(NamedTuple):
    """A value, and the name of its provider."""

    text: str
    provider: str

    def __repr__(self) -> str:
        return "Provided(...)"  # it is a secret

    @property
    def origin(self) -> str:
        return f"{KEY} {self.provider}"


def ask_providers(names: tuple[str, ...]) -> Mapping[str, Provided]:
    """Returns what the providers of these names give, by the setting's name; an earlier one comes first.

    Raises SettingsError where there is no such provider, it fails, or gives what isn't text.
    """
    found: dict[str, Provided] = {}
    for name in names:
        for key, text in _given_by(name).items():
            found.setdefault(key, Provided(text, name))
    return found


def _given_by(name: str) -> Mapping[str, str]:
    return once((GROUP, name), lambda: _ask(name))


def _ask(name: str) -> Mapping[str, str]:
    values: dict[Any, Any] = call_named(name, group=GROUP, key=KEY, kind="provider", take=dict)
    for key, text in values.items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise SettingsError(f"{KEY}: {name} gives a value that isn't text", hint="return a dict of strings")
    return values
