"""One way in: arguments to a command, errors to words and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from sartor.cli import output, title
from sartor.domain.errors import Interrupted, SartorError


def run_command(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` state; the exit code."""
    arguments = [_bare_embedded(argument) for argument in arguments]
    title.hide_password(arguments)
    output.begin(arguments)
    try:
        return _run(arguments)
    except SartorError as error:
        output.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        output.error(Interrupted("interrupted before anything was done"))
        return Interrupted.exit_code
    except BrokenPipeError:
        # Whoever read the output has gone; a second failure while the interpreter flushes would be noise.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: Sequence[str]) -> int:
    import typer

    from sartor.cli.app import app

    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name="sartor", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        output.usage(error)
        return error.exit_code
    return result if isinstance(result, int) else 0


def _bare_embedded(argument: str) -> str:
    """`--embedded` takes its value only behind a `=`, so that a bare one can stand before an argument."""
    return "--embedded=" if argument == "--embedded" else argument
