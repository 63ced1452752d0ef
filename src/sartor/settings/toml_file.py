"""Reads the maker's settings: `sartor.toml`, or `[tool.sartor]` in `pyproject.toml`."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sartor.conninfo.parameters import nearest
from sartor.errors import SettingsError
from sartor.settings.owners import require_own
from sartor.settings.product import SARTOR, Product

KEYS = (
    "alterations",
    "db-url",
    "db-url-env",
    "embedded",
    "environment",
    "fingerprint",
    "ignore-objects",
    "import-path",
    "lint-ignore",
    "lock-budget",
    "lock-timeout",
    "max-hazard",
    "schema",
    "scratch-bootstrap",
    "search-path",
    "statement-timeout",
    "strict-order",
    "user",
    "variables",
    "wait",
)

_MENTION = rb"tool[\s.\"']*(sartor|[\]=])"
"""Matches a pyproject.toml that may have the table: most don't, and aren't parsed."""


class TomlFile(NamedTuple):
    """The table that was found, and its file; an empty table where there is no file."""

    path: Path
    table: Mapping[str, Any]

    def __repr__(self) -> str:
        return "TomlFile(...)"  # a password may be in it

    def origin(self, key: str) -> str:
        return f"{key} in {self.path}"

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
            return value and str(self.path.parent / value)
        raise SettingsError(f"{self.origin(key)} must be a string", hint="give the name of a file")

    def named_texts(self, key: str) -> tuple[tuple[str, str], ...]:
        """Returns a setting that is a table of texts, as (name, text) pairs. Raises SettingsError."""
        pairs = tuple(self.table[key].items())
        if all(isinstance(text, str) for _, text in pairs):
            return pairs
        raise SettingsError(
            f"{self.origin(key)} must be a string, a list of strings or a table of strings", hint=_shapes(key)
        )


def find_toml(directory: Path, environ: Mapping[str, str], product: Product = SARTOR) -> TomlFile:
    """Finds the settings in `directory`, or in its nearest parent that has some.

    Beside a `sartor.toml`, the table in `pyproject.toml` is ignored: one file applies. Raises SettingsError where the
    file isn't ours.
    """
    for folder in (directory, *directory.parents):
        if (table := _read(folder / "sartor.toml")) is not None:
            return _checked(TomlFile(path=folder / "sartor.toml", table=table), environ, product)
        if (table := _pyproject_table(folder / "pyproject.toml")) is not None:
            return _checked(TomlFile(path=folder / "pyproject.toml", table=table), environ, product)
    return TomlFile(path=directory / "sartor.toml", table={})


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
    """Returns the file's bytes; doesn't wait for a pipe of that name."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123 - of a descriptor
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileNotFoundError(path)
        return file.read()


def _parse(content: bytes, path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most runs have no such file, and start-up counts

    try:
        return tomllib.loads(content.decode())
    except ValueError as error:
        raise SettingsError(f"{path} isn't valid TOML: {error}", hint="fix the file") from None


def _checked(file: TomlFile, environ: Mapping[str, str], product: Product) -> TomlFile:
    require_own(file.path, environ, product)
    for key in file.table:
        if key not in KEYS:
            raise SettingsError(f"{file.path} has an unknown setting {key!r}", hint=_nearest(key, product))
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
