"""The options that commands share, each declared once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from sartor.api import Flags
from sartor.cli.declare import Group, Option
from sartor.errors import UsageError

DbUrl = Annotated[
    str | None,
    Option(
        "--db-url",
        metavar="URL",
        help="The database, as postgresql://user:password@host/name. Better kept off the command line:"
        " SARTOR_DB_URL, a variable or a secret file.",
    ),
]
Schema = Annotated[
    str | None,
    Option("--schema", metavar="NAME", help="The schema that the product lives in. [default: public]"),
]
Alterations = Annotated[
    list[str] | None,
    Option(
        "--alterations",
        metavar="[NAME=]SOURCE",
        help="A folder or an import package of alterations; repeat it for several lineages. [default: alterations]",
    ),
]
Embedded = Annotated[
    str | None,
    Option(
        "--embedded",
        metavar="[=DIR]",
        help="Use a server of Sartor's own, for trying things out; its data stay in DIR. [default: .sartor/embedded]",
    ),
]
LockTimeout = Annotated[
    str | None,
    Option(
        "--lock-timeout",
        metavar="DURATION",
        help="How long a statement may wait for a lock before its script is rolled back and tried again; a bare number"
        " is milliseconds. [default: 300ms]",
    ),
]
LockBudget = Annotated[
    str | None,
    Option("--lock-budget", metavar="DURATION", help="How long to go on trying for a script's locks. [default: 60s]"),
]
Wait = Annotated[
    str | None,
    Option("--wait", metavar="DURATION", help="How long to wait for another run to end. [default: 60s]"),
]
StatementTimeout = Annotated[
    str | None,
    Option("--statement-timeout", metavar="DURATION", help="How long one statement may take. [default: no limit]"),
]
Json = Annotated[bool, Option("--json", help="Print the result as JSON.")]
Debug = Annotated[bool, Option("--debug", help="Show the traceback of an error.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Don't ask.")]
AcceptEdited = Annotated[
    list[str] | None,
    Option("--accept-edited", metavar="ID", help="Take an edited alteration as it is now; repeat it for several."),
]
AcceptMissing = Annotated[
    list[str] | None,
    Option(
        "--accept-missing", metavar="ID", help="Forget a deployed alteration that has no file; repeat it for several."
    ),
]
NoFuse = Annotated[
    bool, Option("--no-fuse", help="Send every statement by itself, where scripts could be sent together.")
]
Backup = Annotated[
    str | None,
    Option("--backup", metavar="DIR", help="Take a backup into this folder first; without it, nothing is done."),
]
Tables = Annotated[
    str | None,
    Option(
        "--tables",
        metavar="all|affected",
        help="Whose rows the backup holds: with `affected`, of those tables alone that the run may change, and of"
        " those that they reference. [default: all]",
    ),
]
ScratchUrl = Annotated[
    str | None,
    Option("--scratch-url", metavar="URL", help="The server for the scratch database. [default: the database's]"),
]
Sql = Annotated[
    str | None,
    Option("--sql", metavar="FILE", help="Write the script for psql to a file, and show the plan alone."),
]
Steps = Annotated[int | None, Option("--steps", metavar="N", min=1, help="No more than N alterations.")]

CODES = {
    0: "done, or nothing to do",
    1: "an alteration failed",
    2: "wrong use or settings, or refused",
    3: "something is pending",
    4: "alterations edited or missing, or the schema changed",
    5: "busy: another run, or a lock not had in time",
    6: "the database can't be reached, or refuses; a backup failed",
    130: "interrupted",
}


RUN = (0, 1, 2, 4, 5, 6, 130)
"""The exit codes of a run."""


def epilog(example: str, *codes: int, said: Mapping[int, str] = CODES) -> str:
    """Returns the end of a command's help: an example, and its exit codes (a run's, unless others are given)."""
    lines = [f"  {code:<4} {said[code]}" for code in codes or RUN]
    return "\n".join(["\b", "Example:", f"  sartor {example}", "", "\b", "Exit codes:", *lines])


def only_affected(tables: str | None, backup: str | None) -> bool:
    """Returns whether --tables asks for the affected tables alone.

    Raises UsageError where its value is unknown, or no backup is to be taken.
    """
    if tables not in {None, "all", "affected"}:
        raise UsageError(f"--tables {tables!r} is neither `all` nor `affected`")
    if tables is not None and backup is None:
        raise UsageError("--tables says whose rows a backup holds, and none is to be taken", hint="add --backup DIR")
    return tables == "affected"


class Reach(Group):
    """The database and the schema to work on."""

    db_url: DbUrl = None
    schema: Schema = None
    embedded: Embedded = None


class Compare(Reach):
    """The database and the schema to work on, and the alterations to compare with them."""

    alterations: Alterations = None


class Patience(Group):
    """The options for how long a run waits."""

    lock_timeout: LockTimeout = None
    lock_budget: LockBudget = None
    statement_timeout: StatementTimeout = None
    wait: Wait = None


class Pins(Group):
    """The options for the settings that a script is run with."""

    lock_timeout: LockTimeout = None
    statement_timeout: StatementTimeout = None


class Common(Group):
    """The options that every command has."""

    json: Json = False
    debug: Debug = False


def make_flags(*given: Group, strict_order: bool = False) -> Flags:
    """Returns the command line's part of the settings."""
    said = {name: value for group in given for name, value in vars(group).items() if name != "embedded"}
    said["alterations"] = tuple(said.get("alterations") or ())
    return Flags(**said, strict_order=strict_order or None)
