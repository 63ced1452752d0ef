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
        help="The database, as postgresql://user:password@host/name. It is safer to give it in"
        " SARTOR_DB_URL, as a variable or a secret file.",
    ),
]
Schema = Annotated[
    str | None,
    typer.Option("--schema", metavar="NAME", help="The schema of the product. [default: public]"),
]
Alterations = Annotated[
    list[str] | None,
    typer.Option(
        "--alterations",
        metavar="[NAME=]SOURCE",
        help="A folder or an import package of alterations; repeatable for several lineages. [default: alterations]",
    ),
]
Embedded = Annotated[
    str | None,
    typer.Option(
        "--embedded",
        metavar="[=DIR]",
        help="Use an embedded server, to try Sartor; its data are kept in DIR. [default: .sartor/embedded]",
    ),
]
LockTimeout = Annotated[
    str | None,
    typer.Option(
        "--lock-timeout",
        metavar="DURATION",
        help="How long a statement waits for a lock before its script is rolled back and retried; a bare"
        " number is milliseconds. [default: 300ms]",
    ),
]
LockBudget = Annotated[
    str | None,
    typer.Option(
        "--lock-budget", metavar="DURATION", help="How long to retry a script that gets no lock. [default: 60s]"
    ),
]
Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="DURATION", help="How long to wait for another run to end. [default: 60s]"),
]
StatementTimeout = Annotated[
    str | None,
    typer.Option("--statement-timeout", metavar="DURATION", help="How long a statement may run. [default: no limit]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show connections, statements with their times, waits and retries.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation.")]
AcceptEdited = Annotated[
    list[str] | None,
    typer.Option("--accept-edited", metavar="ID", help="Accept an edited alteration in its current form; repeatable."),
]
AcceptMissing = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-missing",
        metavar="ID",
        help="Remove a deployed alteration without a file from the ledger; repeatable.",
    ),
]
NoBatch = Annotated[
    bool, typer.Option("--no-batch", help="Send each statement separately, instead of scripts in batches.")
]
Backup = Annotated[
    str | None,
    typer.Option(
        "--backup", metavar="DIR", help="Take a backup into this folder first; if the backup fails, nothing is changed."
    ),
]
Tables = Annotated[
    str | None,
    typer.Option(
        "--tables",
        metavar="all|affected",
        help="The tables whose rows are backed up: all, or only those that the run may change and those"
        " that they reference. [default: all]",
    ),
]
ScratchUrl = Annotated[
    str | None,
    typer.Option(
        "--scratch-url",
        metavar="URL",
        help="The server for the scratch database. [default: the server of the database]",
    ),
]
ScratchBootstrap = Annotated[
    str | None,
    typer.Option(
        "--scratch-bootstrap",
        metavar="FILE",
        help="Run this SQL, which pg_dump may have written, in the scratch database before the alterations.",
    ),
]
Sql = Annotated[
    str | None,
    typer.Option("--sql", metavar="FILE", help="Write the script for psql to a file, and show only the plan."),
]
StrictOrder = Annotated[bool, typer.Option("--strict-order", help="Refuse late alterations instead of deploying them.")]
Steps = Annotated[int | None, typer.Option("--steps", metavar="N", min=1, help="At most N alterations.")]


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
    """Declares how long a run waits."""


def script_timeouts(lock_timeout: LockTimeout = None, statement_timeout: StatementTimeout = None) -> None:
    """Declares how long a statement of a script may wait and take."""


def base(scratch_bootstrap: ScratchBootstrap = None) -> None:
    """Declares what a scratch database holds before the alterations."""


def common(json: Json = False, verbose: Verbose = False, debug: Debug = False) -> None:
    """The options that every command has."""


def only_affected(tables: str | None, backup: str | None) -> bool:
    """Returns whether --tables asks for the affected tables alone.

    Raises UsageError where its value is unknown, or no backup is to be taken.
    """
    if tables not in {None, "all", "affected"}:
        raise UsageError(f"invalid value {tables!r} for --tables; use `all` or `affected`")
    if tables is not None and backup is None:
        raise UsageError("--tables needs --backup", hint="add --backup DIR")
    return tables == "affected"
