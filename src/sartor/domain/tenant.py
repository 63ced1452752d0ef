"""A tenant: a schema of its own beside those of others, at a release, with a role that sees no other's."""

from typing import NamedTuple

from sartor.conninfo.url import is_text
from sartor.domain.destination import Destination
from sartor.domain.release import Release
from sartor.domain.report import Report
from sartor.errors import SettingsError
from sartor.sql.quoting import LONGEST_NAME, shows_itself

_OF_KEYWORDS = frozenset({"none", "public", "current_role", "current_user", "session_user"})
"""Names that mean something else where a role is named."""


class TenantRole(NamedTuple):
    """The role of a tenant's application. It may use its schema and the rows of its tables, and no other's.

    With `owns` it owns the schema and all that is made there, so that alterations may be deployed as this role. With
    `logs_in` it may log in, with the `password` where one is given. A role that exists is taken as it is otherwise.
    """

    name: str
    owns: bool = False
    logs_in: bool = False
    password: str | None = None

    def __repr__(self) -> str:
        return f"TenantRole({self.name!r})"


class Tenant(NamedTuple):
    """A tenant as `create_tenant` leaves it.

    `made` is False where it existed, and nothing was done. `pending` is the number of alterations that it lacks of the
    release that was asked for; `report` says what was deployed.
    """

    destination: Destination
    made: bool
    role: str | None
    release: Release | None
    pending: int
    report: Report


class TenantContents(NamedTuple):
    """The contents of a tenant's schema: the number of its tables, about how many rows, and how many bytes on disk.

    `role` is the role that goes with it, where one is named.
    """

    destination: Destination
    tables: int
    rows: int
    bytes: int
    role: str | None = None


def parse_role(text: str, *, origin: str) -> str:
    """Returns the name of a role that a tenant may have. Raises SettingsError, naming `origin`, for any other."""
    if not text or not is_text(text):
        reason = "the name is empty, contains a NUL character, or isn't UTF-8"
    elif len(text.encode()) > LONGEST_NAME:
        reason = "the name is longer than 63 bytes, the limit of Postgres"
    elif text.startswith("pg_") or text in _OF_KEYWORDS:
        reason = f"{text} is reserved by Postgres"
    elif not shows_itself(text):
        reason = f"{text!r} contains characters that can't be displayed"
    else:
        return text
    raise SettingsError(f"{origin} can't be used: {reason}", hint="give another name")


def parse_password(text: str, *, origin: str) -> str:
    """Returns a password of which a verifier can be made anywhere. Raises SettingsError, which doesn't show it."""
    if text and all(" " <= character <= "~" for character in text):
        return text
    # Others are normalised by SASLprep (RFC 4013), of which servers and clients have different versions.
    raise SettingsError(f"{origin} can't be used: it has other characters than ASCII's", hint="give another password")


def acting_as(destination: Destination, role: str) -> Destination:
    """Returns the destination, where sessions act as `role` from their beginning."""
    word = role.replace("\\", "\\\\").replace(" ", "\\ ")
    options = " ".join(filter(None, [destination.keywords.get("options"), f"-c role={word}"]))
    return destination.with_options(options)
