"""The tree of commands for Typer: for help, completion, and errors in a command line."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from sartor import __version__
from sartor.cli import checking, deploying, linting, mending, output, proving, reading, rehearsing, safekeeping, seed
from sartor.cli.declare import Command, Option, Parameter, call, parameters

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

app = typer.Typer(
    help="Sartor: versioned alteration scripts for Postgres.",
    context_settings=CONTEXT,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
database = typer.Typer(help="Work on a database.", no_args_is_help=True, rich_markup_mode=None)
alterations = typer.Typer(
    help="Deploy, roll back and look at alterations. (Short: alt, alter.)", no_args_is_help=True, rich_markup_mode=None
)


def _add(group: typer.Typer, command: Command) -> None:
    """Adds a command to a group, and converts its declarations to Typer's."""

    def run(**given: Any) -> int:
        return call(command.function, given)

    known = parameters(command.function)
    run.__annotations__ = {p.name: Annotated[p.type, _typer_info(p)] for p in known}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                p.name, inspect.Parameter.KEYWORD_ONLY, default=p.default, annotation=run.__annotations__[p.name]
            )
            for p in known
        ]
    )
    run.__doc__ = command.function.__doc__
    group.command(command.name, epilog=command.epilog)(run)


def _typer_info(parameter: Parameter) -> Any:
    declared = parameter.declared
    if isinstance(declared, Option):
        return typer.Option(*declared.flags, help=declared.help, metavar=declared.metavar, min=declared.min)
    return typer.Argument(help=declared.help, metavar=declared.metavar)


for each in (
    *deploying.commands.values(),
    *checking.commands.values(),
    *proving.commands.values(),
    *rehearsing.commands.values(),
    *reading.commands.values(),
    *mending.commands.values(),
    *linting.commands.values(),
):
    _add(alterations, each)
for each in (*seed.commands.values(), *safekeeping.commands.values()):
    _add(database, each)
app.add_typer(database, name="db")
database.add_typer(alterations, name="alteration")
for alias in ("alt", "alter"):
    database.add_typer(alterations, name=alias, hidden=True)


@app.callback()
def _root(*, version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False) -> None:
    """Sartor: versioned alteration scripts for Postgres."""
    if version:
        output.result(f"sartor {__version__}")
        raise typer.Exit
