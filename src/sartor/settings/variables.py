"""The variables of SQL scripts: `--var NAME=VALUE`, SARTOR_VAR_NAME, and the table `variables` of the settings file."""

import re
from collections.abc import Iterable, Mapping

from sartor.conninfo.url import is_text
from sartor.errors import SettingsError
from sartor.settings.lookup import Lookup

KEY = "variables"
_FLAG = "--var"
_PREFIX = "var-"
_NAME = r"[^\W\d]\w*"


def find_variables(lookup: Lookup, flags: Iterable[str]) -> Mapping[str, str]:
    """Returns the variables' values, by name. Raises SettingsError where one has no such name, or no such value.

    A flag counts before a secret file or a variable of the environment, and these before the file. The environment's
    SARTOR_VAR_REGION is `region`, or the name that the file spells in another way.
    """
    found = dict(_in_file(lookup))
    prefix = lookup.variable(_PREFIX)
    spelled = {name.upper(): name for name in found}
    for name in sorted(each for each in lookup.names if each.startswith(prefix)):
        if given := lookup.named(name):
            key = name.removeprefix(prefix)
            found[_checked(spelled.get(key.upper(), key.lower()), given.text, name)] = given.text
    for flag in flags:
        name, equals, value = flag.partition("=")
        if not equals:
            raise SettingsError(f"{_FLAG} {name}: there is no value", hint=f"write {name}=VALUE")
        found[_checked(name, value, _FLAG)] = value
    return found


def secret_values(lookup: Lookup) -> tuple[str, ...]:
    """Returns the values from secret files and providers: they are hidden in what is shown, as passwords are."""
    prefix = lookup.variable(_PREFIX)
    names = (name for name in lookup.names if name.startswith(prefix) and lookup.is_secret(name))
    return tuple(found.text for name in names if (found := lookup.named(name)))


def _in_file(lookup: Lookup) -> Iterable[tuple[str, str]]:
    table, origin = lookup.toml.table.get(KEY, {}), lookup.toml.origin(KEY)
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise SettingsError(f"{origin} must be a table of strings", hint='write variables = { region = "eu" }')
    return ((_checked(name, value, origin), value) for name, value in table.items())


def _checked(name: str, value: str, origin: str) -> str:
    if not re.fullmatch(_NAME, name):
        hint = "use letters, digits and _, and begin with a letter or _"
        raise SettingsError(f"{origin}: {name!r} isn't a valid name of a variable", hint=hint)
    if not is_text(value):
        raise SettingsError(f"{origin}: the value of {name} contains a NUL character, or isn't UTF-8")
    return name
