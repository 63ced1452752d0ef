"""Finds out how to connect to a server before anything connects, so that the driver looks nothing up by itself.

The driver reads the environment, `~/.pgpass` and service files otherwise than libpq does, and silently.
"""

import os
import pwd
import random
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sartor.conninfo.libpq_files import LOCAL, find_password
from sartor.conninfo.parameters import ssl_mode
from sartor.conninfo.url import KNOWN, build_url, complete, parse_environment, places_of
from sartor.domain.destination import Destination
from sartor.errors import SettingsError, Unreachable

PORT = "5432"


class Place(NamedTuple):
    """The place of a server: the host's name, or the folder of its socket; the address where it is known; the port."""

    host: str
    address: str
    port: str

    @property
    def is_socket(self) -> bool:
        return self.address.startswith("/")

    def __str__(self) -> str:
        return f"{self.host or self.address}:{self.port}"


class Password(NamedTuple):
    """A password and where it was found; None where there is none, and then `source` may say why."""

    text: str | None
    source: str

    def __repr__(self) -> str:
        return "Password(...)"


CONNECT_TIMEOUT = 10.0
"""Seconds that a connection may take, where the URL doesn't say (`connect_timeout`)."""


class Way(NamedTuple):
    """The way to connect: libpq's keywords, the places to try in turn, and the session's settings.

    `require_tls` is the destination's: `sslmode` is then one that requires TLS.
    """

    keywords: Mapping[str, str]
    places: tuple[Place, ...]
    user: str
    database: str
    settings: Mapping[str, str]
    password_from: str
    require_tls: bool = False

    def __repr__(self) -> str:
        return "Way(...)"  # a password is in it

    @property
    def timeout(self) -> float:
        """Seconds that connecting to a place may take; libpq's 0, no limit, is replaced by `CONNECT_TIMEOUT`."""
        seconds = float(self.keywords.get("connect_timeout") or 0)
        return seconds if seconds > 0 else CONNECT_TIMEOUT

    def password(self, place: Place) -> Password:
        """Returns the password for a place: the one that is given, else that of the password file."""
        if given := self.keywords.get("password"):
            return Password(given, self.password_from)
        file = Path(self.keywords.get("passfile") or os.path.expanduser("~/.pgpass"))  # noqa: PTH111 - never raises
        text, complaint = _read(file)
        found = find_password(
            text, host=place.host or place.address, port=place.port, database=self.database, user=self.user
        )
        return Password(found, str(file)) if found is not None else Password(None, complaint)


class Reached(NamedTuple):
    """The record of a connection: the way, which of the places it reached, and the password that was sent there."""

    way: Way
    place: Place
    password: str | None

    def __repr__(self) -> str:
        return "Reached(...)"


def find_way(destination: Destination) -> Way:
    """Returns the way to a destination.

    Raises SettingsError where it can't be known, and Unreachable where it has no TLS and the destination requires it.
    """
    keywords = destination.keywords
    password_from = destination.password_from
    if not destination.settled:
        given = parse_environment(os.environ)
        password_from = password_from if "password" in keywords else "PGPASSWORD"
        keywords = complete(keywords, given)
    if "service" in keywords:
        raise SettingsError(
            "a service is named, and its file isn't read here", hint="have `sartor.load_destination` read the URL"
        )
    user, places = keywords.get("user") or _own_name(), _places(keywords)
    if destination.require_tls and not all(place.is_socket for place in places):
        keywords = _with_tls(keywords, destination)
    return Way(
        keywords=keywords,
        places=places,
        user=user,
        database=keywords.get("dbname") or user,
        settings={key: value for key, value in keywords.items() if key not in KNOWN or key == "options"},
        password_from=password_from,
        require_tls=destination.require_tls,
    )


def url_for_others(destination: Destination) -> str:
    """Returns the URL for a program that connects by itself: it requires TLS where the destination does."""
    if not destination.require_tls:
        return destination.url
    return build_url({**destination.keywords, "sslmode": ssl_mode(find_way(destination).keywords)})


def _with_tls(keywords: Mapping[str, str], destination: Destination) -> Mapping[str, str]:
    """Returns the keywords with an `sslmode` that requires TLS. Raises Unreachable for one that turns TLS off."""
    mode = ssl_mode(keywords)
    if mode == "disable":
        reason = "TLS is required, but sslmode=disable connects without it"
        hint = "write sslmode=require, or sslmode=verify-full&sslrootcert=system; or turn off `require_tls`"
        raise Unreachable(f"{destination.label}: {reason}", hint=hint)
    return {**keywords, "sslmode": "require"} if mode in {"allow", "prefer"} else keywords


def _places(keywords: Mapping[str, str]) -> tuple[Place, ...]:
    named = places_of(keywords)
    if not named:
        return (_local(keywords.get("port") or PORT),)
    given = keywords["hostaddr"].split(",") if "hostaddr" in keywords else [""] * len(named)
    hosts = keywords.get("host", "").split(",") if "host" in keywords else [""] * len(named)
    places = [
        Place(host or "", address or host, port or PORT)
        for host, address, (_, port) in zip(hosts, given, named, strict=True)
    ]
    if keywords.get("load_balance_hosts") == "random":
        random.shuffle(places)
    return tuple(places)


def _local(port: str) -> Place:
    """Returns the place of a local server's socket, where no host is given; skips one that any user may have made."""
    for folder in reversed(LOCAL):
        socket = Path(folder, f".s.PGSQL.{port}")
        try:
            found = socket.stat()
        except OSError:
            continue
        if stat.S_ISSOCK(found.st_mode) and found.st_uid in _keepers():
            return Place(folder, folder, port)
    return Place(LOCAL[-1], LOCAL[-1], port)


def _keepers() -> set[int]:
    try:
        postgres = {pwd.getpwnam("postgres").pw_uid}
    except KeyError:
        postgres = set()
    return {0, os.geteuid()} | postgres


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise SettingsError(
            f"no database user is given, and user number {os.geteuid()} of this process has no name on this computer",
            hint="give the database user: postgresql://USER@..., SARTOR_USER or PGUSER",
        ) from None


def _read(file: Path) -> tuple[str, str]:
    """Returns a password file's text, and why no password was found in it or it wasn't read."""
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            return "", f"{file} was ignored: it isn't a regular file"
        if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            mode = stat.S_IMODE(found.st_mode)
            return "", f"{file} was ignored: other users can access it (mode {mode:04o}; run: chmod 600 {file})"
        return file.read_bytes().decode(), f"{file} has no line for this host, port, database and user"
    except UnicodeDecodeError:
        return "", f"{file} was ignored: it isn't UTF-8"
    except FileNotFoundError:
        return "", ""
    except OSError as error:
        return "", f"{file} was ignored: {error.strerror}"
