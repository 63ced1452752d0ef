"""The names of Flyway's files, and its versions.

As `ResourceNameParser`, `CoreResourceTypeProvider` and `MigrationVersion` of flyway-core read them: `V1_2__name.sql`,
`U1_2__name.sql` (undo), `B1_2__name.sql` (baseline), `R__name.sql` (repeatable), and callbacks by the name of their
event.
"""

import re
from typing import NamedTuple

_VERSIONED = re.compile(
    r"(?P<prefix>[VUB])(?P<version>[0-9][0-9._]*?)__(?P<description>.*)\.(?P<suffix>[A-Za-z]+)", re.DOTALL
)
_REPEATABLE = re.compile(r"(?P<prefix>R)(?P<version>)__(?P<description>.*)\.(?P<suffix>[A-Za-z]+)", re.DOTALL)
_CALLBACK = re.compile(
    r"(?:before|after)(?:Each)?(?:Migrate|Clean|Info|Validate|Baseline|Repair|Undo|Versioned|Repeatables|Connect"
    r"|CreateSchema)(?:Statement|Applied|OperationFinish)?(?:Error)?(?:__.*)?\.[A-Za-z]+|createSchema(?:__.*)?\.sql"
)


class FlywayName(NamedTuple):
    """A file's name: `prefix` is V, U, B or R, `version` is as written, `description` has spaces."""

    prefix: str
    version: str
    description: str
    suffix: str


def parse_name(name: str) -> FlywayName | None:
    """Returns a migration's name; None where Flyway wouldn't take the file for a migration."""
    match = _VERSIONED.fullmatch(name) or _REPEATABLE.fullmatch(name)
    if match is None:
        return None
    return FlywayName(
        match["prefix"], match["version"], match["description"].replace("_", " "), match["suffix"].lower()
    )


def is_callback(name: str) -> bool:
    """Returns whether Flyway calls the file at an event of its own, such as `beforeMigrate.sql`."""
    return _CALLBACK.fullmatch(name) is not None


def version_key(version: str) -> tuple[int, ...]:
    """Returns a version as numbers by which versions compare: `1_02`, `1.2` and `1.2.0` are the same."""
    numbers = [int(part) for part in re.split(r"[._]", version) if part]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
