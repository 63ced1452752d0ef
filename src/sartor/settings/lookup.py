"""Looks a setting's text up, in a secret file, else in an environment variable, else in the toml file; parses it."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from sartor.conninfo.parameters import nearest
from sartor.conninfo.url import is_text
from sartor.errors import SettingsError
from sartor.settings.product import SARTOR, Product
from sartor.settings.providers import KEY, Provided, ask_providers
from sartor.settings.toml_file import CONFIG, KEYS, TomlFile, refuse

_SECRETS = "/var/run/secrets"

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+) ?(ms|s|min|m|h)?"
_LONGEST = 2_147_483.0
"""The longest duration, in seconds: Postgres keeps its timeouts in 31 bits of milliseconds."""

_SWITCHES = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


HIDDEN = "***"
"""What is shown in place of a secret."""
_NUMBERED = ("db-url", "password", "schema", "user")
ELSEWHERE = (CONFIG, "password", "secrets-dir", "safe-directory", "tenant-password")
"""The settings that no settings file has."""
_OF_TESTS = "test-db-url"
_KUBERNETES = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_[0-9]+_(TCP|UDP)\w*)")
"""The variables, behind the prefix, that Kubernetes sets beside a service called `sartor` or `sartor-...`."""


class Found(NamedTuple):
    """A setting's text, what messages call the place where it was found, and whether it may not be shown."""

    text: str
    origin: str
    is_secret: bool = False

    def __repr__(self) -> str:
        return "Found(...)"  # a password may be in it

    @property
    def quoted(self) -> str:
        """The text as messages quote it: `***` for that of a secret file or a provider."""
        return HIDDEN if self.is_secret else repr(self.text)


class Lookup(NamedTuple):
    """The places to look in, apart from the flags."""

    environ: Mapping[str, str]
    secrets: Path
    secret_names: frozenset[str]
    toml: TomlFile
    product: Product = SARTOR
    provided: Mapping[str, Provided] = MappingProxyType({})

    def __repr__(self) -> str:
        return "Lookup(...)"  # a password may be in it

    def setting(self, key: str) -> Found | None:
        """Returns a setting by its toml key: `lock-timeout` is SARTOR_LOCK_TIMEOUT too. None where it isn't set."""
        return self.named(self.variable(key)) or self.in_toml(key)

    def variable(self, key: str) -> str:
        """Returns the name of a setting as a variable and as a secret file."""
        return self.product.variable(key)

    def named(self, name: str) -> Found | None:
        """Returns what a secret file holds, else a variable that isn't empty, else a provider gives; else None."""
        if name in self.secret_names:
            return _read_secret(self.secrets / name)
        if text := self.environ.get(name):
            return _checked(Found(text=text, origin=name))
        given = self.provided.get(name)
        return _checked(Found(given.text, f"{name} of {given.origin}", is_secret=True)) if given else None

    @property
    def names(self) -> frozenset[str]:
        """The names of the secret files, of the variables that aren't empty, and of what providers give."""
        return self.secret_names.union(self.provided, (key for key, text in self.environ.items() if text))

    def is_secret(self, name: str) -> bool:
        """Returns whether what `named` returns comes from a secret file or a provider."""
        return name in self.secret_names or (not self.environ.get(name) and name in self.provided)

    def series(self, key: str) -> tuple[Found, ...]:
        """Returns the numbered values; where there are none, the toml file's one."""
        return self.numbered(key) or tuple(filter(None, [self.in_toml(key)]))

    def listed(self, key: str) -> tuple[Found, ...]:
        """Returns the texts of a list: those of a variable or a secret file are separated by commas."""
        if found := self.named(self.variable(key)):
            return tuple(found._replace(text=text.strip()) for text in found.text.split(","))
        return tuple(Found(text=text, origin=self.toml.origin(key)) for text in self.toml.texts(key))

    def numbered(self, key: str) -> tuple[Found, ...]:
        """Returns the values of `SARTOR_X`, then of `SARTOR_X.1` (or `SARTOR_X_1`), 2 and so on; () for none.

        Raises SettingsError where one before another is missing.
        """
        name = self.variable(key)
        numbers = self._numbers(name)
        _check_gaps(name, numbers)
        plain = self.named(name)
        if numbers and plain is None:
            raise SettingsError(f"{name} is missing, but {numbers[1]} is given", hint=f"name the first one {name}")
        return tuple(filter(None, [plain, *(self.named(numbers[number]) for number in sorted(numbers))]))

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
        given = [each for each in self.names if each.startswith(name) and each != name]
        found: dict[int, str] = {}
        for candidate, match in ((text, re.fullmatch(pattern, text)) for text in sorted(given)):
            if match and (other := found.setdefault(int(match[1]), candidate)) != candidate:
                raise SettingsError(f"{other} and {candidate} are the same setting", hint="keep one of them")
        return found


def make_lookup(environ: Mapping[str, str], toml: TomlFile, product: Product = SARTOR) -> Lookup:
    """Makes the lookup for an environment; its SARTOR_SECRETS_DIR says where the secret files are."""
    folder = environ.get(variable := product.variable("secrets-dir"))
    secrets = Path(folder or _SECRETS)
    try:
        names = frozenset(entry.name for entry in secrets.iterdir())
    except OSError as error:
        if folder:
            hint = "name a folder that this user can list, or unset the variable"
            raise SettingsError(f"{variable}, {folder}, can't be read: {error.strerror}", hint=hint) from error
        names = frozenset()  # no secrets were made for this process
    return Lookup(environ=environ, secrets=secrets, secret_names=names, toml=toml, product=product)


def with_providers(lookup: Lookup) -> Lookup:
    """Returns the lookup with what the providers give that the settings name. Raises SettingsError."""
    providers = tuple(found.text for found in lookup.listed(KEY) if found.text)
    return lookup._replace(provided=ask_providers(providers)) if providers else lookup


def read_text(path: Path, *, hint: str) -> str:
    """Reads a file that may hold a secret. Raises SettingsError; `hint` is for a file that can't be read."""
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError:  # it would quote the secret
        raise SettingsError(f"{path} isn't UTF-8", hint="write the file as UTF-8 text") from None


def _read_secret(path: Path) -> Found:
    if path.is_fifo():  # else a command waits for somebody who writes to it
        raise SettingsError(f"{path} is a pipe, which isn't read", hint="write the value to a file of that name")
    text = read_text(path, hint="make the file readable, or remove it").removesuffix("\n").removesuffix("\r")
    if not text:
        raise SettingsError(f"{path} is empty", hint="write the value to the file, or remove the file")
    return _checked(Found(text, str(path), is_secret=True))


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


def parse_duration(found: Found, *, unit: str) -> float:
    """Returns a duration in seconds. Raises SettingsError.

    A bare number counts in `unit`. A bare number of milliseconds must be whole: 0.3 may well mean seconds.
    """
    match = re.fullmatch(_DURATION, found.text.strip())
    number, named = match.groups() if match else ("0", None)
    seconds = float(number) * _UNITS[named or unit]
    if not match:
        reason, hint = "isn't a duration", "write 300ms, 2s, 1.5s, 1m or 1h"
    elif not named and unit == "ms" and "." in number:
        reason, hint = "has no unit", f"write {number}s for seconds, {number}ms for milliseconds"
    elif 0 < seconds < 0.001:
        reason, hint = "is too short", "write 1ms or more, or 0"
    elif seconds > _LONGEST:
        reason, hint = "is too long", "write 576h (24 days) or less"
    else:
        return seconds
    raise SettingsError(f"{found.origin}: {found.quoted} {reason}", hint=hint)


def parse_switch(found: Found) -> bool:
    """Returns whether a switch is on. Raises SettingsError where the text means neither true nor false."""
    switch = _SWITCHES.get(found.text.strip().lower())
    if switch is None:
        raise SettingsError(f"{found.origin}: {found.quoted} is neither true nor false", hint="write true or false")
    return switch


def check_names(lookup: Lookup, unknown: Callable[[SettingsError], None] = refuse) -> tuple[str, ...]:
    """Returns notes on unknown names; `unknown` gets an error for each that is nearly a setting's."""
    ours = sorted(name for name in lookup.names if name.startswith(lookup.product.prefix))
    makers = lookup.toml.texts("db-url-env")
    others = [name for name in ours if not _is_known(name, lookup.product) and name not in makers]
    told = (_told(name, lookup.product, unknown) for name in others)
    ignored = (told_ignored(lookup, key) for key in (*KEYS, *ELSEWHERE))
    return (*filter(None, told), *filter(None, ignored))


def told_ignored(lookup: Lookup, key: str) -> str:
    """Returns that a setting is given under Sartor's name alone, where a product has its own; "" where it isn't."""
    theirs, ours = SARTOR.variable(key), lookup.variable(key)
    is_ignored = theirs != ours and theirs in (names := lookup.names) and ours not in names
    return f"{theirs} is ignored: {lookup.product.name} reads {ours}" if is_ignored else ""


def _known(product: Product) -> frozenset[str]:
    return frozenset(map(product.variable, (*KEYS, *ELSEWHERE)))


def _is_known(name: str, product: Product) -> bool:
    series = re.fullmatch(r"(.+?)[._][0-9]+", name)
    numbered = series is not None and series[1] in map(product.variable, _NUMBERED)
    own = name.startswith(var := product.variable("var-")) and name != var
    listed = name in _known(product) or name == product.variable(_OF_TESTS)
    return listed or numbered or own or _KUBERNETES.fullmatch(name.removeprefix(product.prefix)) is not None


def _told(name: str, product: Product, nearly: Callable[[SettingsError], None]) -> str | None:
    """Returns the note on an unknown name, None where `nearly` gets an error for it."""
    rest = name.removeprefix(product.prefix).upper()
    known = {each.removeprefix(product.prefix): each for each in _known(product)}
    unknown = f"{name} isn't a setting of {product.title}"
    if near := nearest(rest, known):
        nearly(SettingsError(unknown, hint=f"did you mean {known[near]}?"))
        return None
    near = nearest(rest, known, cutoff=0.5)
    hint = f"did you mean {known[near]}?" if near else f"the settings are {', '.join(sorted(known.values()))}"
    return f"{unknown}, and is ignored: {hint}"
