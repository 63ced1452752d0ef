"""The options that commands share, each declared once; an option of one command alone stands in that command."""

from __future__ import annotations

from typing import Annotated

import typer

from sartor.errors import UsageError

DbUrl = Annotated[
    str | None,
    typer.Option(
        "--db-url",
        metavar="URL",
        help="The database, as postgresql://user:password@host/name. Better kept off the command line:"
        " SARTOR_DB_URL, a variable or a secret file.",
    ),
]
Schema = Annotated[
    str | None,
    typer.Option("--schema", metavar="NAME", help="The schema that the product lives in. [default: public]"),
]
Alterations = Annotated[
    list[str] | None,
    typer.Option(
        "--alterations",
        metavar="[NAME=]SOURCE",
        help="A folder or an import package of alterations; repeat it for several lineages. [default: alterations]",
    ),
]
Embedded = Annotated[
    str | None,
    typer.Option(
        "--embedded",
        metavar="[=DIR]",
        help="Use a server of Sartor's own, for trying things out; its data stay in DIR. [default: .sartor/embedded]",
    ),
]
LockTimeout = Annotated[
    str | None,
    typer.Option(
        "--lock-timeout",
        metavar="DURATION",
        help="How long a statement may wait for a lock before its script is rolled back and tried again; a bare number"
        " is milliseconds. [default: 300ms]",
    ),
]
LockBudget = Annotated[
    str | None,
    typer.Option(
        "--lock-budget", metavar="DURATION", help="How long to go on trying for a script's locks. [default: 60s]"
    ),
]
Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="DURATION", help="How long to wait for another run to end. [default: 60s]"),
]
StatementTimeout = Annotated[
    str | None,
    typer.Option(
        "--statement-timeout", metavar="DURATION", help="How long one statement may take. [default: no limit]"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show connections, statements with their times, waits and retries.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
AcceptEdited = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-edited", metavar="ID", help="Take an edited alteration as it is now; repeat it for several."
    ),
]
AcceptMissing = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-missing", metavar="ID", help="Forget a deployed alteration that has no file; repeat it for several."
    ),
]
NoBatch = Annotated[
    bool, typer.Option("--no-batch", help="Send every statement by itself, where scripts could be sent together.")
]
Backup = Annotated[
    str | None,
    typer.Option("--backup", metavar="DIR", help="Take a backup into this folder first; without it, nothing is done."),
]
Tables = Annotated[
    str | None,
    typer.Option(
        "--tables",
        metavar="all|affected",
        help="Whose rows the backup holds: with `affected`, of those tables alone that the run may change, and of"
        " those that they reference. [default: all]",
    ),
]
ScratchUrl = Annotated[
    str | None,
    typer.Option("--scratch-url", metavar="URL", help="The server for the scratch database. [default: the database's]"),
]
Sql = Annotated[
    str | None,
    typer.Option("--sql", metavar="FILE", help="Write the script for psql to a file, and show the plan alone."),
]
Steps = Annotated[int | None, typer.Option("--steps", metavar="N", min=1, help="No more than N alterations.")]


# These functions declare options that commands have in common: a command names the functions whose options it has.


def database(db_url: DbUrl = None, schema: Schema = None, embedded: Embedded = None) -> None:
    """The database and the schema to work on."""


def where(
    db_url: DbUrl = None, schema: Schema = None, embedded: Embedded = None, alterations: Alterations = None
) -> None:
    """The database and the schema to work on, and the alterations on disk."""


def alterations(alterations: Alterations = None) -> None:
    """The alterations on disk."""


def patience(
    lock_timeout: LockTimeout = None,
    lock_budget: LockBudget = None,
    statement_timeout: StatementTimeout = None,
    wait: Wait = None,
) -> None:
    """How long a run waits."""


def script_timeouts(lock_timeout: LockTimeout = None, statement_timeout: StatementTimeout = None) -> None:
    """How long a statement of a script waits and takes."""


def common(json: Json = False, verbose: Verbose = False, debug: Debug = False) -> None:
    """The options that every command has."""


def only_affected(tables: str | None, backup: str | None) -> bool:
    """Returns whether --tables asks for the affected tables alone.

    Raises UsageError where its value is unknown, or no backup is to be taken.
    """
    if tables not in {None, "all", "affected"}:
        raise UsageError(f"--tables {tables!r} is neither `all` nor `affected`")
    if tables is not None and backup is None:
        raise UsageError("--tables says whose rows a backup holds, and none is to be taken", hint="add --backup DIR")
    return tables == "affected"
