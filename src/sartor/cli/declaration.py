"""Declares a command: a function with Typer's options, an example for its help, and its exit codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand

from sartor.cli import stdout

CODES = {
    0: "done, or nothing to do",
    1: "an alteration failed",
    2: "wrong use or settings, or refused",
    3: "something is pending",
    4: "alterations edited or missing, or the schema changed",
    5: "busy: another run, or a lock not had in time",
    6: "the database can't be reached, or refuses; a backup failed",
    130: "interrupted",
}

RUN = (0, 1, 2, 4, 5, 6, 130)
"""The exit codes of a run."""


class _Command(TyperCommand):
    def invoke(self, ctx: Any) -> Any:
        stdout.keep()
        return super().invoke(ctx)


def command(
    example: str, *codes: int, said: Mapping[int, str] = CODES
) -> Callable[[Callable[..., int | None]], typer.Typer]:
    """Returns a decorator that makes a function the one command of a Typer app; the function returns the exit code.

    None is 0. `example` is a command line without `sartor`; `codes` are the exit codes that the help explains, with the
    words that they have in `said`.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    def declare(function: Callable[..., int | None]) -> typer.Typer:
        app.command(function.__name__.rstrip("_"), cls=_Command, epilog=_epilog(example, codes, said))(function)
        return app

    return declare


def _epilog(example: str, codes: tuple[int, ...], said: Mapping[int, str]) -> str:
    lines = [f"  {code:<4} {said[code]}" for code in codes]
    return "\n".join(["\b", "Example:", f"  sartor {example}", "", "\b", "Exit codes:", *lines])
