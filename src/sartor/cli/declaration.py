"""Declares a command: a function with Typer's options, those that it shares, an example and its exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import typer
from typer.core import TyperCommand

from sartor.cli import options, output, streams
from sartor.errors import UsageError

CODES = {
    0: "done, or nothing to do",
    1: "an alteration failed",
    2: "invalid command line or settings, or refused",
    3: "something is pending",
    4: "an alteration is edited or missing, or the schema has changed",
    5: "busy: another run is in progress, or a lock wasn't available in time",
    6: "the database can't be reached or refused the operation; a backup failed",
    130: "interrupted",
}

_NUMBERED = {"--schema": "SARTOR_SCHEMA", "--db-url": "SARTOR_DB_URL"}
"""The options that name a destination, and the settings that name several."""

RUN = (0, 1, 2, 4, 5, 6, 130)
"""The exit codes of a run."""


class _Command(TyperCommand):
    """A command with options that it shares with others: it finds their values in its context, as `obj`."""

    shared: list[Any]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuses a destination that is named twice: of other options, the last one counts."""
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option in given:
            if (name := option.opts[0]) in _NUMBERED and given.count(option) > 1:
                hint = f"for several destinations, set {_NUMBERED[name]}_1, {_NUMBERED[name]}_2 and so on"
                raise UsageError(f"{name} is given {given.count(option)} times", hint=hint)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        streams.keep_stdout()
        ctx.obj = {parameter.name: ctx.params.pop(parameter.name) for parameter in self.shared}
        if ctx.obj["verbose"]:
            output.want("--verbose")
        return super().invoke(ctx)


def command(
    example: str, *shared: Callable[..., None], codes: Iterable[int] = RUN, said: dict[int, str] | None = None
) -> Callable[[Callable[..., int | None]], TyperCommand]:
    """Returns a decorator that makes a function a command; the function returns the exit code, None for 0.

    `example` is a command line without `sartor`. `shared` are the functions of `options` whose options the command has
    besides its own. `codes` are the exit codes that the help explains, in the words of `said` or else of CODES.
    """
    words = CODES | (said or {})
    lines = [f"  {code:<4} {words[code]}" for code in codes]
    epilog = "\n".join(["\b", "Example:", f"  sartor {example}", "", "\b", "Exit codes:", *lines])

    def declare(function: Callable[..., int | None]) -> TyperCommand:
        declared: _Command = _built(function, cls=_Command, epilog=epilog)
        declared.shared = [parameter for each in (*shared, options.common) for parameter in _built(each).params]
        declared.params += declared.shared
        return declared

    return declare


def _built(function: Callable[..., Any], **settings: Any) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(function.__name__.rstrip("_"), **settings)(function)
    return typer.main.get_command(app)
