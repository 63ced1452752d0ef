"""The tree of commands. The module of a command is imported when the command is used, or help names it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

from sartor import __version__
from sartor.cli import output


class _Group(TyperGroup):
    """A group whose commands are in modules of their names."""

    names: ClassVar[tuple[str, ...]]

    def __init__(self, *, commands: Mapping[str, Any], **rest: Any) -> None:
        # Typer reads names from here, for help and for "Did you mean".
        names: dict[str, Any] = dict.fromkeys(self.names)
        super().__init__(commands={**names, **commands}, **rest)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self.names and self.commands[cmd_name] is None:
            self.commands[cmd_name] = _load(cmd_name)
        return super().get_command(ctx, cmd_name)


def _load(name: str) -> Any:
    return getattr(import_module(f"sartor.cli.commands.{name}"), "list_" if name == "list" else name)


class _OfDatabase(_Group):
    names = ("seed", "backup", "restore")


class _OfAlterations(_Group):
    names = (
        *("deploy", "rollback", "fresh", "check", "prove", "rehearse"),
        *("list", "status", "history", "verify", "repair", "lint"),
    )


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

app = typer.Typer(
    help="Sartor: versioned alteration scripts for Postgres.",
    context_settings=CONTEXT,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
database = typer.Typer(cls=_OfDatabase, help="Work on a database.", no_args_is_help=True, rich_markup_mode=None)
alterations = typer.Typer(
    cls=_OfAlterations,
    help="Deploy, roll back and inspect alterations. (Short: alt, alter.)",
    no_args_is_help=True,
    rich_markup_mode=None,
)
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
