"""The tree of commands."""

from __future__ import annotations

import typer

from sartor.cli import alteration, seed

SETTINGS = {"no_args_is_help": True, "rich_markup_mode": None, "pretty_exceptions_enable": False}
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
def _root(version: bool = typer.Option(False, "--version", "-V", help="Print the version.")) -> None:  # noqa: FBT001
    """Sartor: versioned alteration scripts for Postgres."""
    # Answered before anything is imported (cli/__init__.py); declared here for the help.
