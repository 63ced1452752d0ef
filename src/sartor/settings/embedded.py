"""Decides whether the embedded server stands in for a database: where `embedded` is set, and no URL is."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sartor.conninfo.url import parse_environment
from sartor.errors import SettingsError
from sartor.settings.destinations import REACHING
from sartor.settings.fleet import find_list
from sartor.settings.load import find_lookup
from sartor.settings.lookup import Found, Lookup, parse_switch
from sartor.settings.product import SARTOR, Product
from sartor.settings.toml_file import find_toml


class EmbeddedSetting(NamedTuple):
    """The setting that asks for the embedded server: what messages call its place, and the environment's name."""

    origin: str
    environment: str | None


def project_folder(
    *, environ: Mapping[str, str] | None = None, directory: Path | None = None, product: Product = SARTOR
) -> Path:
    """Returns the folder of the settings file, or `directory` where there is none: by default the working directory.

    Raises SettingsError.
    """
    return find_toml(
        (directory or Path.cwd()).absolute(), os.environ if environ is None else environ, product
    ).path.parent


def find_embedded(
    db_url: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    product: Product = SARTOR,
) -> EmbeddedSetting | None:
    """Returns the setting that asks for the embedded server, or None where none does, or a database is given.

    A database given by the flag (`db_url`), a secret file or a variable, libpq's included, comes first, so that a
    settings file that is shipped with a product never takes the place of an operator's database. Raises SettingsError
    for a variable of the URL that is set and empty, or where the file gives both.
    """
    lookup = find_lookup(environ, directory, product)
    setting = lookup.setting("embedded")
    if db_url or setting is None or not parse_switch(setting) or _is_given(lookup):
        return None
    _refuse_empty(lookup, setting)
    if setting == lookup.in_toml("embedded") and (other := _in_file(lookup)):
        raise SettingsError(f"{setting.origin} and {other} exclude each other", hint="remove one of them")
    environment = lookup.setting("environment")
    return EmbeddedSetting(setting.origin, environment.text.strip() if environment else None)


def is_database_given(
    *, environ: Mapping[str, str] | None = None, directory: Path | None = None, product: Product = SARTOR
) -> bool:
    """Returns whether a secret file, a variable or the settings file names a database. Raises SettingsError."""
    lookup = find_lookup(environ, directory, product)
    return _is_given(lookup) or _in_file(lookup) is not None


def _is_given(lookup: Lookup) -> bool:
    by_name = lookup.numbered("db-url") or any(map(lookup.named, lookup.toml.texts("db-url-env")))
    by_list = lookup.named(lookup.variable("urls-from"))
    return bool(by_name or by_list or REACHING & parse_environment(lookup.environ).keys())


def _in_file(lookup: Lookup) -> str | None:
    """Returns the setting of the file by which it names a database, if any."""
    return "db-url" if lookup.in_toml("db-url") else find_list(lookup)


def _refuse_empty(lookup: Lookup, setting: Found) -> None:
    """Raises SettingsError for an empty variable: whoever set it meant another database."""
    for name in (lookup.variable("db-url"), *lookup.toml.texts("db-url-env")):
        if lookup.environ.get(name) == "":
            raise SettingsError(
                f"{name} is set, but empty: {setting.origin} doesn't count then",
                hint=f"give the database's URL in {name}, or unset it to use the embedded server",
            )
