"""Declares commands: functions with options of Typer, an example and exit codes."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from sartor.cli import output, streams
from sartor.cli.help import Context
from sartor.cli.program import WRITING, current, running
from sartor.errors import RefusedError

Text = str | None
Texts = list[str] | None


CODES = {
    0: "done, or nothing to do",
    1: "an alteration failed",
    2: "invalid command line or settings, or refused",
    3: "something is pending",
    4: "an alteration is edited or missing, or the schema has changed",
    5: "busy: another run is in progress, or a lock wasn't available in time",
    6: "the database can't be reached or refused the operation; a backup failed",
    7: "a run over a fleet was stopped or cancelled",
    8: "the control database was lost",
    130: "interrupted",
}

RUN = (0, 1, 2, 4, 5, 6, 130)
"""The exit codes of a run."""


class _Command(TyperCommand):
    """A command with options that it shares with others: it finds their values in its context, as `obj`."""

    context_class = Context
    shared: list[Any]

    def invoke(self, ctx: Any) -> Any:
        streams.keep_stdout()
        ctx.obj = {parameter.name: ctx.params.pop(parameter.name) for parameter in self.shared}
        if ctx.obj["verbose"]:
            output.want("--verbose")
        if self.name in WRITING and not ctx.obj.get("alterations"):
            _require_source_tree(self.name)
        with running(current().configured(ctx.obj.pop("config", None))):
            return super().invoke(ctx)


def _require_source_tree(name: str) -> None:
    """Raises RefusedError where a maker's alterations are installed: what is written there is lost, or not allowed."""
    if (program := current()).is_shipped:
        raise RefusedError(
            f"`{name}` is for those who write alterations; those of {program.product.name} are installed",
            hint="run it where they are written (pip install --editable), or name your own: --alterations FOLDER",
        )


def command(
    example: str, *shared: Callable[..., None], codes: Iterable[int] = RUN, said: dict[int, str] | None = None
) -> Callable[[Callable[..., int | None]], TyperCommand]:
    """Returns a decorator that makes a function a command; the function returns the exit code, None for 0.

    `example` is a command line without `sartor`. `shared` are the functions below whose options the command has
    besides its own. `codes` are the exit codes that the help explains, in the words of `said` or else of CODES.
    """
    words = CODES | (said or {})
    lines = [f"  {code:<4} {words[code]}" for code in codes]
    epilog = "\n".join(["\b", "Example:", f"  sartor {example}", "", "\b", "Exit codes:", *lines])

    def declare(function: Callable[..., int | None]) -> TyperCommand:
        declared: _Command = _built(function, cls=_Command, epilog=epilog)
        declared.shared = [parameter for each in (*shared, common) for parameter in _built(each).params]
        declared.params += declared.shared
        return declared

    return declare


def _built(function: Callable[..., Any], **settings: Any) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(function.__name__.rstrip("_"), **settings)(function)
    return typer.main.get_command(app)


def option(words: str, text: str, *, least: int | None = None) -> Any:
    """Declares an option by its names and what stands for its value, `--wait DURATION`; `text` is its help.

    `least` is the smallest number that it takes.
    """
    names = [word for word in words.split() if word.startswith("-")]
    metavar = next((word for word in words.split() if word not in names), None)
    return typer.Option(*names, metavar=metavar, help=text, min=least)


def argument(metavar: str, text: str) -> Any:
    return typer.Argument(metavar=metavar, help=text)


Json = Annotated[bool, option("--json", "Print the result as JSON.")]
Verbose = Annotated[bool, option("--verbose -v", "Show connections, statements with their times, waits and retries.")]
Debug = Annotated[bool, option("--debug", "Show the traceback of an error.")]


def common(json: Json = False, verbose: Verbose = False, debug: Debug = False) -> None:
    """The options that every command has."""
