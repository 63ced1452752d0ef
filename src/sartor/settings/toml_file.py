"""Reads the maker's settings: `sartor.toml`, or `[tool.sartor]` in `pyproject.toml`."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from sartor.conninfo.parameters import nearest
from sartor.domain.package_folders import package_folders
from sartor.errors import SettingsError
from sartor.settings.owners import require_own
from sartor.settings.product import SARTOR, Product

NAME = "sartor.toml"
"""The name of the settings file."""
_PYPROJECT = "pyproject.toml"
CONFIG = "config"
"""The setting that names the settings file."""

KEYS = (
    "alterations",
    "control",
    "databases",
    "db-url",
    "db-url-env",
    "destination",
    "destinations-from",
    "embedded",
    "environment",
    "existing",
    "fingerprint",
    "ignore-objects",
    "import-path",
    "lint-ignore",
    "lock-budget",
    "lock-timeout",
    "max-hazard",
    "require-tls",
    "schema",
    "schemas",
    "schemas-from",
    "scratch-bootstrap",
    "search-path",
    "settings-from",
    "statement-timeout",
    "strict-order",
    "tables",
    "urls-from",
    "user",
    "variables",
    "wait",
)

OPERATORS = frozenset(
    {"alterations", "control", "db-url", "destination", "embedded", "environment", "urls-from", "user"}
)
"""The settings that a package's file can't have: they belong to a place where the product runs."""

_MENTION = rb"tool[\s.\"']*(sartor|[\]=])"
"""Matches a pyproject.toml that may have the table: most don't, and aren't parsed."""


def refuse(error: SettingsError) -> None:
    """Raises the error: what is done about a name that isn't a setting's, unless all of them are collected."""
    raise error


class TomlFile(NamedTuple):
    """The table that was found, and its file; an empty table where there is no file.

    `inherited` says in which file of an import package the keys stand that the file itself doesn't have.
    """

    path: Path
    table: Mapping[str, Any]
    inherited: Mapping[str, Path] = MappingProxyType({})

    def __repr__(self) -> str:
        return "TomlFile(...)"  # a password may be in it

    def place(self, key: str) -> Path:
        """Returns the file that has a setting."""
        return self.inherited.get(key, self.path)

    def origin(self, key: str) -> str:
        return f"{key} in {self.place(key)}"

    def over(self, base: "TomlFile") -> "TomlFile":
        """Returns this file laid over another one, which has what this one doesn't."""
        inherited = dict.fromkeys(base.table.keys() - self.table.keys(), base.path)
        return TomlFile(self.path, {**base.table, **self.table}, inherited)

    def texts(self, key: str) -> tuple[str, ...]:
        """Returns a setting that is a text or a list of texts; nothing where it isn't set. Raises SettingsError."""
        value = self.table.get(key, [])
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list) and all(isinstance(text, str) and text for text in texts):
            return tuple(texts)
        raise SettingsError(f"{self.origin(key)} must be a string or a list of strings", hint=_shapes(key))

    def file(self, key: str) -> str | None:
        """Returns a setting that is a file's name, which begins at the folder of the settings. Raises SettingsError."""
        value = self.table.get(key)
        if value is None or (isinstance(value, str) and value):
            return value and str(self.place(key).parent / value)
        raise SettingsError(f"{self.origin(key)} must be a string", hint="give the name of a file")

    def named_texts(self, key: str) -> tuple[tuple[str, str], ...]:
        """Returns a setting that is a table of texts, as (name, text) pairs. Raises SettingsError."""
        pairs = tuple(self.table[key].items())
        if all(isinstance(text, str) for _, text in pairs):
            return pairs
        raise SettingsError(
            f"{self.origin(key)} must be a string, a list of strings or a table of strings", hint=_shapes(key)
        )


def named_file(environ: Mapping[str, str], product: Product) -> str | None:
    """Returns the settings file that the flag, else a variable that isn't empty, names."""
    return environ.get(product.variable(CONFIG)) or None if product.config is None else product.config


def find_toml(
    directory: Path,
    environ: Mapping[str, str],
    product: Product = SARTOR,
    unknown: Callable[[SettingsError], None] = refuse,
) -> TomlFile:
    """Finds the settings: the file that is named, else that in `directory` or in its nearest parent that has one.

    Beside a `sartor.toml`, the table in `pyproject.toml` is ignored: one file applies. Raises SettingsError where the
    file isn't ours, or the one that is named isn't there. `unknown` gets an error for each setting that there isn't.
    """
    if (named := named_file(environ, product)) is not None:
        return _known(_named(directory / named, product), product, unknown)
    for folder in (directory, *directory.parents):
        if (table := _read(folder / NAME)) is not None:
            return _known(_own(TomlFile(folder / NAME, table), environ, product), product, unknown)
        if (table := _pyproject_table(folder / _PYPROJECT)) is not None:
            return _known(_own(TomlFile(folder / _PYPROJECT, table), environ, product), product, unknown)
    return TomlFile(path=directory / NAME, table={})


def _named(path: Path, product: Product) -> TomlFile:
    """Reads the file that is named: whoever names it trusts it. Raises SettingsError."""
    table = (_pyproject_table if path.name == _PYPROJECT else _read)(path)
    if table is None and path.exists() and not path.is_file():
        raise SettingsError(f"{path} is no settings file: it is a folder or a pipe", hint="name a file")
    if table is None:
        hint = f"--config and {product.variable(CONFIG)} name a settings file"
        raise SettingsError(f"{path} isn't there, or has no settings", hint=hint)
    return TomlFile(path, table)


def shipped_toml(
    packages: Iterable[str], product: Product, unknown: Callable[[SettingsError], None] = refuse
) -> TomlFile | None:
    """Returns the settings that the first of some import packages carries; None where it has none.

    Raises SettingsError where it names what isn't a maker's to name, such as a database, or the package's parent can't
    be imported. `unknown`: as in `find_toml`.
    """
    for package in packages:
        if (folder := _folder(package)) and (table := _read(folder / NAME)) is not None:
            found = _known(TomlFile(folder / NAME, table), product, unknown)
            if own := sorted(OPERATORS & table.keys()):
                hint = f"remove it: {', '.join(sorted(OPERATORS))} are for those who run the product to say"
                raise SettingsError(f"{found.path}, in the package {package}, can't have {own[0]}", hint=hint)
            return found
    return None


def _folder(package: str) -> Path | None:
    return next(iter(map(Path, package_folders(package, SettingsError))), None)


def _pyproject_table(path: Path) -> dict[str, Any] | None:
    document = _read(path, only_if=_MENTION)
    tool = (document or {}).get("tool")
    table = tool.get("sartor") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise SettingsError(f"tool.sartor in {path} isn't a table", hint="write [tool.sartor] above the settings")
    return table


def _read(path: Path, *, only_if: bytes = b"") -> dict[str, Any] | None:
    """Returns the document; None where there is no file, or where it can't hold what is sought."""
    try:
        content = _content(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}", hint="make the file readable") from error
    return _parse(content, path) if re.search(only_if, content) else None


def _content(path: Path) -> bytes:
    """Returns the file's bytes; doesn't wait for a pipe of that name. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(path)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
        return file.read()


def _parse(content: bytes, path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most runs have no such file, and start-up counts

    try:
        return tomllib.loads(content.decode())
    except ValueError as error:
        raise SettingsError(f"{path} isn't valid TOML: {error}", hint="fix the file") from None


def _own(file: TomlFile, environ: Mapping[str, str], product: Product) -> TomlFile:
    require_own(file.path, environ, product)
    return file


def _known(file: TomlFile, product: Product, unknown: Callable[[SettingsError], None]) -> TomlFile:
    """Returns the file; `unknown` gets an error for each setting that there isn't."""
    for key in file.table:
        if key not in KEYS:
            unknown(SettingsError(f"{file.path} has an unknown setting {key!r}", hint=_nearest(key, product)))
    return file


def _nearest(key: str, product: Product) -> str:
    if key == "password":
        name = product.variable("password")
        return f"don't put passwords into the file: give {name} as a secret file or a variable"
    near = nearest(key.replace("_", "-").lower(), KEYS, cutoff=0.6)
    return f"did you mean {near}?" if near else f"the settings are {', '.join(KEYS)}"


def _shapes(key: str) -> str:
    table = ', or a table, name = "..."' if key == "alterations" else ""
    return f'write {key} = "...", or {key} = ["...", "..."]{table}'
