"""Looks a setting's text up: in a secret file, else in an environment variable, else in the toml file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import NamedTuple

from sartor.conninfo.url import is_text
from sartor.errors import SettingsError
from sartor.settings.toml_file import TomlFile

_SECRETS = "/var/run/secrets"


class Found(NamedTuple):
    """A setting's text, and what messages call the place where it was found."""

    text: str
    origin: str

    def __repr__(self) -> str:
        return "Found(...)"  # a password may be in it


class Lookup(NamedTuple):
    """The places to look in, apart from the flags."""

    environ: Mapping[str, str]
    secrets: Path
    secret_names: frozenset[str]
    toml: TomlFile

    def __repr__(self) -> str:
        return "Lookup(...)"  # a password may be in it

    def setting(self, key: str) -> Found | None:
        """Returns a setting by its toml key: `lock-timeout` is SARTOR_LOCK_TIMEOUT too. None where it isn't set."""
        return self.named(variable(key)) or self.in_toml(key)

    def named(self, name: str) -> Found | None:
        """Reads a secret file, else an environment variable that isn't empty; returns None where there is neither."""
        if name in self.secret_names:
            return _read_secret(self.secrets / name)
        text = self.environ.get(name)
        return _checked(Found(text=text, origin=name)) if text else None

    def series(self, key: str) -> tuple[Found, ...]:
        """Returns the numbered values; where there are none, the toml file's one."""
        return self.numbered(key) or tuple(filter(None, [self.in_toml(key)]))

    def numbered(self, key: str) -> tuple[Found, ...]:
        """Returns the values of `SARTOR_X`, if it is given, then of `SARTOR_X.1` (or `SARTOR_X_1`), 2 and so on."""
        name = variable(key)
        numbers = self._numbers(name)
        _check_gaps(name, numbers)
        names = [name, *(numbers[number] for number in sorted(numbers))]
        return tuple(found for each in names if (found := self.named(each)))

    def in_toml(self, key: str) -> Found | None:
        value = self.toml.table.get(key)
        if value is None:
            return None
        origin = self.toml.origin(key)
        if isinstance(value, bool):
            return Found(text=str(value).lower(), origin=origin)
        if isinstance(value, str | int | float):
            return _checked(Found(text=str(value), origin=origin))
        raise SettingsError(f"{origin} can't be used: not a single value", hint="give a string or a number")

    def _numbers(self, name: str) -> dict[int, str]:
        """Returns the names that are `name` followed by a number, by that number."""
        pattern = re.escape(name) + r"[._]([0-9]{1,9})"
        names = {*self.secret_names, *(key for key, text in self.environ.items() if text)}
        given = [each for each in names if each.startswith(name) and each != name]
        found: dict[int, str] = {}
        for candidate, match in ((text, re.fullmatch(pattern, text)) for text in sorted(given)):
            if match and (other := found.setdefault(int(match[1]), candidate)) != candidate:
                raise SettingsError(f"{other} and {candidate} are the same setting", hint="keep one of them")
        return found


def make_lookup(environ: Mapping[str, str], toml: TomlFile) -> Lookup:
    """Makes the lookup for an environment; its SARTOR_SECRETS_DIR says where the secret files are."""
    folder = environ.get("SARTOR_SECRETS_DIR")
    secrets = Path(folder or _SECRETS)
    try:
        names = frozenset(entry.name for entry in secrets.iterdir())
    except OSError as error:
        if folder:
            hint = "name a folder that this user can list, or unset the variable"
            raise SettingsError(f"SARTOR_SECRETS_DIR, {folder}, can't be read: {error.strerror}", hint=hint) from error
        names = frozenset()  # no secrets were made for this process
    return Lookup(environ=environ, secrets=secrets, secret_names=names, toml=toml)


def variable(key: str) -> str:
    """Returns the name of a setting as a variable and as a secret file."""
    return f"SARTOR_{key.upper().replace('-', '_')}"


def _read_secret(path: Path) -> Found:
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise SettingsError(
            f"{path} can't be read: {error.strerror}", hint="make the file readable, or remove it"
        ) from error
    except UnicodeDecodeError:  # it would quote the secret
        raise SettingsError(f"{path} isn't UTF-8", hint="write the file as UTF-8 text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SettingsError(f"{path} is empty", hint="write the value to the file, or remove the file")
    return _checked(Found(text=text, origin=str(path)))


def _checked(found: Found) -> Found:
    if not is_text(found.text):
        raise SettingsError(
            f"{found.origin} contains a NUL character, or bytes that aren't UTF-8", hint="write the value as UTF-8 text"
        )
    return found


def _check_gaps(name: str, numbers: Iterable[int]) -> None:
    given = set(numbers)
    if 0 in given:
        raise SettingsError(f"{name}.0 isn't a setting: numbers begin at 1", hint=f"name the first one {name}")
    last, gap = max(given, default=0), next(number for number in count(1) if number not in given)
    if gap < last:
        hint = f"give {name}.{gap}, or use numbers without a gap"
        raise SettingsError(f"{name}.{gap} is missing, but {name}.{last} is given", hint=hint)
