"""The command line: the only part of Sartor that reads a terminal or prints.

`app` is the tree of commands; Typer imports a command's module of `commands` when the command is used, and help
imports those that it lists. A command is options, one call of the API, and output: lines or a JSON object of `results`.
Those of its options that are settings are passed on with Typer's context, by their names (`command.settled`). What a
command may not need (the driver, an event loop, prompts) is imported where it is needed.
"""

import gc
import sys
from os import _exit, write  # the real ones, whatever scripts are given

from sartor import __version__


def main() -> None:
    """Runs the `sartor` command with this process's arguments, and exits."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        # Before anything is imported: pipelines ask it often.
        try:
            write(1, f"sartor {__version__}\n".encode())
        except OSError as error:
            sys.exit(f"error: the version can't be written to stdout: {error.strerror}")
        return
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else the parent process has it ignored
        signal.signal(signal.SIGINT, _end_at_once)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # which the first process of a container doesn't get
        signal.signal(signal.SIGTERM, _end_at_once)
    # Modules and alterations are many objects and hardly any garbage, so looking for it costs time.
    gc.set_threshold(200_000)
    from sartor.cli import streams

    streams.hold_standard_descriptors()
    from sartor.api.server import can_end
    from sartor.cli.app import run_command

    code = run_command(sys.argv[1:])
    streams.flush()
    if not can_end():
        _exit(code)
    gc.freeze()  # else Python looks for garbage among all objects, twice, before it ends
    sys.exit(code)


def _end_at_once(_number: int, _frame: object) -> None:
    """Ends the process on Ctrl-C or SIGTERM where nothing is under way; a run has a handler of its own.

    Python's own handler raises an exception wherever the process is. In a callback of the interpreter's, of an import
    for example, that exception is lost and the command goes on.
    """
    try:
        write(2, b"error: interrupted; no run was in progress\n")
    finally:
        _exit(130)
