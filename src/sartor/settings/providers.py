"""Settings from elsewhere: packages that fetch them, from a vault for example, by the entry point `sartor.settings`.

A provider is a function without parameters that returns what a folder of secret files would hold, by name:

    def settings():
        return {"SARTOR_PASSWORD": fetch("database/password")}

A `SettingsError` that it raises is shown; what any other error says may be a secret.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from sartor.errors import BrokenInto, SettingsError

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


_kept: list[dict[str, Mapping[str, str]]] = []
"""What was given since `asked_once` began, by the provider's name."""


@contextmanager
def asked_once() -> Iterator[None]:
    """Asks each provider once while the block runs, however often settings are loaded."""
    _kept.append({})
    try:
        yield
    finally:
        _kept.pop()


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
    kept = _kept[-1] if _kept else {}
    if name not in kept:
        kept[name] = _ask(name)
    return kept[name]


def _ask(name: str) -> Mapping[str, str]:
    from importlib import metadata  # noqa: PLC0415 - most runs have no provider, and start-up counts

    known = {each.name: each for each in metadata.entry_points(group=GROUP)}
    if name not in known:
        installed = f"installed are {', '.join(sorted(known))}" if known else "none is installed"
        hint = f"install the package that has it into Sartor's environment; {installed}"
        raise SettingsError(f"{KEY}: there is no provider {name!r}", hint=hint)
    try:
        values = dict(known[name].load()())
    except SettingsError as error:
        raise SettingsError(f"{KEY}: {name}: {error}", hint=error.hint) from error
    except (KeyboardInterrupt, BrokenInto):
        raise
    except BaseException as error:  # it is somebody else's code, which may exit, and say a secret
        reason = f"it raised {type(error).__name__}"
        raise SettingsError(f"{KEY}: {name} fails: {reason}", hint="--debug shows where") from error
    for key, text in values.items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise SettingsError(f"{KEY}: {name} gives a value that isn't text", hint="return a dict of strings")
    return values
