"""Runs a command line: Typer finds the command, and errors become messages and exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from sartor.cli import command_line, output, redaction, stdout
from sartor.cli.app import app
from sartor.cli.json.objects import VERSION, error_json
from sartor.errors import Interrupted, SartorError, UsageError


def run_command(arguments: Sequence[str]) -> int:
    """Runs the command that `arguments` name; returns the exit code."""
    arguments = [_bare_embedded(argument) for argument in arguments]
    redaction.begin(arguments)
    command_line.begin(arguments)
    output.begin(arguments)
    return output.end(_run_to_its_end(arguments))


def _run_to_its_end(arguments: Sequence[str]) -> int:
    try:
        return _run(arguments)
    except SartorError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return _fail(Interrupted("interrupted; no run was in progress"))
    except BaseException as error:  # noqa: BLE001 - a defect of Sartor's is reported too; SystemExit(0) isn't success
        return _fail(_defect(error))


def _run(arguments: Sequence[str]) -> int:
    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name="sartor", standalone_mode=False)
    except OSError as error:
        if stdout.is_kept():
            raise
        return output.lose(error)
    except SystemExit as end:
        if stdout.is_kept() or not isinstance(end.code, int):
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
