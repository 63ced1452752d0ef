"""The tree of commands, and its run: Typer finds the command, and errors become messages and exit codes.

The module of a command is imported when the command is used, or help names it.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, ClassVar, TypeAlias

import typer
from typer.core import TyperGroup

from sartor.cli import command_line, output, streams
from sartor.cli.declaration import Debug
from sartor.cli.help import Context
from sartor.cli.program import WRITING, alone, current
from sartor.cli.results.objects import VERSION, error_json
from sartor.errors import Interrupted, SartorError, UsageError


class _Group(TyperGroup):
    """A group whose commands are in `modules`, each by its name."""

    context_class = Context
    modules: ClassVar[dict[str, str]]

    def __init__(self, *, commands: Mapping[str, Any], **rest: Any) -> None:
        # Typer reads names from here, for help and for "Did you mean".
        names: dict[str, Any] = dict.fromkeys(self.modules)
        # A host's application hands its own way of showing help down to those below it.
        super().__init__(commands={**names, **commands}, **{**rest, "rich_markup_mode": None})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self.modules and self.commands[cmd_name] is None:
            module = import_module(f"sartor.cli.commands.{self.modules[cmd_name]}")
            self.commands[cmd_name] = getattr(module, f"{cmd_name}_" if cmd_name in {"list", "import"} else cmd_name)
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names of the commands; those that write alterations only where somebody writes some."""
        names = super().list_commands(ctx)
        return [name for name in names if name not in WRITING] if current().is_shipped else names


class _OfRoot(_Group):
    modules: ClassVar = {"init": "init"}


class OfDatabase(_Group):
    modules: ClassVar = {
        "serve": "serve",
        "psql": "psql",
        "seed": "development",
        "backup": "archive",
        "restore": "archive",
    }


class _OfAlterations(_Group):
    modules: ClassVar = {
        "new": "new",
        "import": "import_",
        "release": "release",
        "deploy": "deploy",
        "rollback": "rollback",
        "baseline": "baseline",
        "fresh": "development",
        "redo": "redo",
        "check": "check",
        "prove": "prove",
        "snapshot": "snapshot",
        "squash": "snapshot",
        "rehearse": "rehearse",
        "watch": "watch",
        "list": "look",
        "status": "look",
        "history": "look",
        "verify": "verify",
        "repair": "repair",
        "lint": "lint",
        "diagram": "diagram",
    }


class _OfConfig(_Group):
    modules: ClassVar = {"show": "config"}


class OfFleet(_Group):
    modules: ClassVar = {
        "plan": "fleet_plan",
        "worker": "fleet_worker",
        "status": "fleet",
        "approve": "fleet",
        "cancel": "fleet",
        "upgrade": "fleet_worker",
    }


class OfTenant(_Group):
    modules: ClassVar = {"create": "tenant", "drop": "tenant"}


ALIASES = ("alt", "alter")
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

app = typer.Typer(
    cls=_OfRoot,
    help="Sartor: versioned alteration scripts for Postgres.",
    context_settings=CONTEXT,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
database = typer.Typer(cls=OfDatabase, help="Work on a database.", no_args_is_help=True, rich_markup_mode=None)
alterations = typer.Typer(
    cls=_OfAlterations,
    help="Deploy, roll back and inspect alterations. (Short: alt, alter.)",
    no_args_is_help=True,
    rich_markup_mode=None,
)
config = typer.Typer(cls=_OfConfig, help="Look at the settings.", no_args_is_help=True, rich_markup_mode=None)
fleet = typer.Typer(
    cls=OfFleet,
    help="Share a run over many destinations among processes.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
tenant = typer.Typer(
    cls=OfTenant, help="Create and drop tenants, a schema for each.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(database, name="db")
app.add_typer(fleet, name="fleet")
app.add_typer(tenant, name="tenant")
app.add_typer(config, name="config")
database.add_typer(alterations, name="alteration")
for alias in ALIASES:
    database.add_typer(alterations, name=alias, hidden=True)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        output.result(current().version)
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", "-V", help="Print the version.", is_eager=True, callback=_print_version)
]


def root_options(version: Version = False, debug: Debug = False) -> None:
    """Sartor: versioned alteration scripts for Postgres."""


app.callback()(root_options)


Call: TypeAlias = Callable[[list[str]], Any]
"""Parses arguments and calls the command; returns what Typer returns without its standalone mode."""


def run_command(arguments: Sequence[str]) -> int:
    """Runs the command of `sartor` that `arguments` name; returns the exit code."""
    with alone():
        return run_called(_call_own, arguments, above=())


def _call_own(arguments: list[str]) -> Any:
    return typer.main.get_command(app).main(arguments, prog_name="sartor", standalone_mode=False)


def run_called(call: Call, arguments: Sequence[str], *, above: Sequence[str]) -> int:
    """Runs the command that `arguments` name, by `call`; returns the exit code.

    `above` are the words that would stand before `arguments` on the command line of `sartor`.
    """
    debugs = "--debug" in itertools.takewhile(lambda argument: argument != "--", arguments)
    bare = [_bare_embedded(argument) for argument in arguments if not (debugs and argument == "--debug")]
    arguments = current().expanded(bare)
    command_line.begin([*above, *arguments])
    output.begin(arguments)
    if debugs:  # anywhere, so that it shows errors of the command line and of the settings too
        output.want("--debug")
    return output.end(_run_to_its_end(call, arguments))


def _run_to_its_end(call: Call, arguments: list[str]) -> int:
    try:
        return _called(call, arguments)
    except SartorError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return _fail(Interrupted("interrupted; no run was in progress"))
    except BaseException as error:  # noqa: BLE001 - a defect of Sartor's is reported too; SystemExit(0) isn't success
        return _fail(_defect(error))


def _called(call: Call, arguments: list[str]) -> int:
    try:
        result = call(arguments)
    except OSError as error:
        if streams.is_stdout_kept():
            raise
        return output.lose(error)
    except SystemExit as end:
        if streams.is_stdout_kept() or not isinstance(end.code, int):
            raise
        return end.code  # the shell's completion is served, or the reader of the help has gone
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        raise _usage(error) from None
    if result == Interrupted.exit_code:  # Typer returns it for a Ctrl-C, without a message
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _usage(error: Any) -> UsageError:
    """Shows the command's usage; returns Typer's error about the command line as one of Sartor's."""
    context = getattr(error, "ctx", None)
    if context is None:
        return UsageError(error.format_message())
    if error.format_message() == (help_text := context.get_help()):
        output.tell(help_text)
        return UsageError("no command is given")
    output.tell(context.get_usage())
    return UsageError(error.format_message(), hint=f"see `{context.command_path} --help`")


def _defect(error: BaseException) -> SartorError:
    found = SartorError(
        f"unexpected {type(error).__name__}: {error}",
        hint="this is a bug in Sartor; to report it, add the output of --debug",
    )
    found.__cause__ = error
    return found


def _fail(error: SartorError) -> int:
    output.error(error)
    if output.wants("--json") and not output.has_json():
        output.json_object({"version": VERSION, "error": error_json(error)})
    return error.exit_code


def _bare_embedded(argument: str) -> str:
    """Returns `--embedded=` for a bare `--embedded`: its value only comes after `=`, so an argument may follow it."""
    return "--embedded=" if argument == "--embedded" else argument
