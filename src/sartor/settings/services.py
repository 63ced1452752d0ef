"""Finds libpq's connection services: `service=prod` in a URL, as `~/.pg_service.conf` or the system's file has it."""

import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path

from sartor.conninfo.libpq_files import find_service
from sartor.conninfo.url import parse_pairs
from sartor.errors import SettingsError
from sartor.settings.lookup import read_text

_SYSTEM = ("/etc/postgresql-common", "/etc")
"""The folders of the file for the whole machine, where PGSYSCONFDIR isn't set.

Each libpq knows one folder of its own.
"""


def read_service(name: str, environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Returns the keywords of a service, and where it was found.

    Raises SettingsError where there is none, or its file can't be read.
    """
    looked: list[str] = []
    hint = "make the file readable, or change PGSERVICEFILE"
    for path in _files(environ):
        looked.append(str(path))
        found = find_service(read_text(path, hint=hint), name, origin=str(path))
        if found is not None:
            origin = f"service {name!r} in {path}"
            return parse_pairs(found, origin=origin), origin
    where = f"not found in {', '.join(looked)}" if looked else "there is no ~/.pg_service.conf"
    raise SettingsError(
        f"there is no service {name!r}: {where}",
        hint=f"add [{name}] and its parameters to ~/.pg_service.conf, or set PGSERVICEFILE to the file that has them",
    )


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("PGSERVICEFILE"):
        yield Path(named)
    elif (home := _home(environ)) and (home / ".pg_service.conf").exists():
        yield home / ".pg_service.conf"
    system = [environ["PGSYSCONFDIR"]] if environ.get("PGSYSCONFDIR") else _SYSTEM
    for folder in system:
        if (file := Path(folder, "pg_service.conf")).exists():
            yield file


def _home(environ: Mapping[str, str]) -> Path | None:
    if home := environ.get("HOME"):
        return Path(home)
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        return None
