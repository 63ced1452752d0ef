"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from sartor import __version__
from sartor.cli import alteration, output, seed

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

app = typer.Typer(
    help="Sartor: versioned alteration scripts for Postgres.",
    context_settings=CONTEXT,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
database = typer.Typer(help="Work on a database.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(database, name="db")
database.add_typer(alteration.commands, name="alteration")
for alias in ("alt", "alter"):
    database.add_typer(alteration.commands, name=alias, hidden=True)
database.command("seed", epilog=seed.EXAMPLE)(seed.seed)


@app.callback()
def _root(*, version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False) -> None:
    """Sartor: versioned alteration scripts for Postgres."""
    if version:
        output.result(f"sartor {__version__}")
        raise typer.Exit
