"""The entry point of the command line: finds and runs the command, turns errors into messages and exit codes."""

from __future__ import annotations

import os
from collections.abc import Sequence

from sartor.cli import output, results, title
from sartor.cli.declare import Command, call, parse
from sartor.errors import Interrupted, SartorError


def run_command(arguments: Sequence[str]) -> int:
    """Runs the command that `arguments` name; returns the exit code."""
    arguments = [_bare_embedded(argument) for argument in arguments]
    title.hide_password(arguments)
    output.begin(arguments)
    return output.end(_run_to_its_end(arguments))


def _run_to_its_end(arguments: Sequence[str]) -> int:
    try:
        return _run(arguments)
    except SartorError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return _fail(Interrupted("interrupted; nothing was under way"))
    except BaseException as error:  # noqa: BLE001 - a defect of Sartor's is reported too; SystemExit(0) isn't success
        return _fail(_defect(error))


def _run(arguments: Sequence[str]) -> int:
    command, words = _find(arguments)
    values = None if command is None else parse(command.function, words)
    if command is None or values is None:
        return _run_typer(arguments)
    return call(command.function, values)


def _find(arguments: Sequence[str]) -> tuple[Command | None, Sequence[str]]:
    """Returns the command that is named in full, and the words after its name; None where there is no such command."""
    match arguments:
        case ["db", "alteration" | "alt" | "alter", name, *words]:
            return _find_of_alterations(name), words
        case ["db", name, *words]:
            return _find_of_database(name), words
        case _:
            return None, arguments


def _find_of_alterations(name: str) -> Command | None:
    match name:
        case "list" | "status" | "history":
            from sartor.cli import reading

            return reading.commands[name]
        case "deploy" | "rollback" | "fresh":
            from sartor.cli import deploying

            return deploying.commands[name]
        case "check":
            from sartor.cli import checking

            return checking.commands[name]
        case "verify" | "repair":
            from sartor.cli import mending

            return mending.commands[name]
        case "rehearse":
            from sartor.cli import rehearsing

            return rehearsing.commands[name]
        case "prove":
            from sartor.cli import proving

            return proving.commands[name]
        case "lint":
            from sartor.cli import linting

            return linting.commands[name]
        case _:
            return None


def _find_of_database(name: str) -> Command | None:
    match name:
        case "seed":
            from sartor.cli import seed

            return seed.commands[name]
        case "backup" | "restore":
            from sartor.cli import safekeeping

            return safekeeping.commands[name]
        case _:
            return None


def _run_typer(arguments: Sequence[str]) -> int:
    import typer

    from sartor.cli.app import app

    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name="sartor", standalone_mode=False)
    except OSError as error:
        if results.are_kept():
            raise
        return output.lose(error)
    except SystemExit as end:
        if _completes(arguments) and isinstance(end.code, int):
            return end.code
        raise
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        raise output.usage(error) from None
    if result == Interrupted.exit_code:  # Typer returns it for a Ctrl-C, without a message
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _completes(arguments: Sequence[str]) -> bool:
    """Returns whether the shell asks for completion, which Typer ends by an exit: no command or script is run."""
    return "_SARTOR_COMPLETE" in os.environ or arguments[:1] in (["--show-completion"], ["--install-completion"])


def _defect(error: BaseException) -> SartorError:
    found = SartorError(
        f"unexpected {type(error).__name__}: {error}",
        hint="this is a defect of Sartor's; --debug shows where, for a report",
    )
    found.__cause__ = error
    return found


def _fail(error: SartorError) -> int:
    output.error(error)
    if output.wants("--json") and not output.has_shape():
        from sartor.cli import shapes

        output.shape({"version": shapes.VERSION, "error": shapes.error_shape(error)})
    return error.exit_code


def _bare_embedded(argument: str) -> str:
    """Returns `--embedded=` for a bare `--embedded`: its value only comes after `=`, so an argument may follow it."""
    return "--embedded=" if argument == "--embedded" else argument
