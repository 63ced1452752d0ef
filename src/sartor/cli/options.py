"""The options that commands share, each declared once."""

from __future__ import annotations

from typing import Annotated

import typer

from sartor.api import Flags

DbUrl = Annotated[
    str | None,
    typer.Option(
        "--db-url",
        metavar="URL",
        help="The database, as postgresql://user:password@host/name. Better kept off the command line:"
        " SARTOR_DB_URL, a variable or a secret file.",
        show_default=False,
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
Steps = Annotated[int | None, typer.Option("--steps", metavar="N", min=1, help="No more than N alterations.")]


def make_flags(
    *,
    db_url: str | None = None,
    schema: str | None = None,
    alterations: list[str] | None = None,
    lock_timeout: str | None = None,
    lock_budget: str | None = None,
    wait: str | None = None,
    statement_timeout: str | None = None,
    strict_order: bool = False,
) -> Flags:
    """What the command line said, for the settings."""
    return Flags(
        db_url=db_url,
        schema=schema,
        alterations=tuple(alterations or ()),
        lock_timeout=lock_timeout,
        lock_budget=lock_budget,
        wait=wait,
        statement_timeout=statement_timeout,
        strict_order=strict_order or None,
    )
