"""`sartor db psql`: opens psql on the database."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, TextIO

import typer

import sartor
from sartor.cli import options, output, streams
from sartor.cli.command import one, run, settled
from sartor.cli.declaration import command
from sartor.cli.results.objects import VERSION
from sartor.sql.quoting import quote_identifier

Arguments = Annotated[list[str] | None, typer.Argument(metavar="[-- ARGUMENT...]", help="Arguments for psql.")]
_PSQLS = {
    1: "psql: an error of its own",
    2: "psql: the connection was lost; or invalid settings",
    3: "psql: a script failed",
}


@command("db psql --embedded -- -c 'select 1'", options.database, codes=(0, 1, 2, 3, 6, 130), said=_PSQLS)
def psql(context: typer.Context, arguments: Arguments = None) -> int:
    """Open psql on the database; names are found in the product's schema first.

    What stands behind -- goes to psql, whose exit code is passed on. The password is given to it in the environment.
    With --json, psql isn't opened: prints which one would be, and on what.
    """
    with settled(context, ships=False) as settings:
        destination = one(settings, "psql")
        call = run(sartor.find_psql(destination), left="psql wasn't opened")
        if output.wants("--json"):
            shown = {"program": str(call.program), "url": destination.bare_url, "search_path": list(call.search_path)}
            output.json_object({"version": VERSION, **shown, "arguments": arguments or []})
            return 0
        if sartor.is_production(settings.environment):
            output.tell(f"note: the environment is {settings.environment}: {destination.label}")
        if not call.search_path:
            schema = quote_identifier(destination.schema)
            output.tell(
                f"note: behind a pooler the search_path isn't set; in a transaction: set local search_path = {schema};"
            )
        output.drain()
        with _signals_left_to_the_child() as adopt:
            with call.started(*(arguments or ()), stdout=_place()) as process:
                adopt(process)
                _hand_over(process)
            return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _place() -> TextIO | int:
    """Returns where psql writes: standard output, or a pipe where an application collects the text in its own file."""
    file = streams.results_file()
    if file is None:
        return subprocess.DEVNULL
    return file if streams.has_descriptor(file) else subprocess.PIPE


def _hand_over(process: subprocess.Popen[bytes]) -> None:
    """Writes what psql prints to the application's file, where there is one."""
    file = streams.results_file()
    for line in process.stdout or ():
        if file is not None:
            file.write(line.decode(errors="backslashreplace"))


@contextmanager
def _signals_left_to_the_child() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Lets Ctrl-C, which the terminal sends to psql as well, do nothing here; hands on what asks for the end.

    Yields the function that is told of the child.
    """
    from sartor.cli.signals import is_handled

    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        for child in children:
            child.send_signal(number)
        if not children:
            early.append(number)

    def adopt(child: subprocess.Popen[bytes]) -> None:
        children.append(child)
        for number in early:
            child.send_signal(number)

    # Not SIG_IGN, which a child inherits; one that this process was started with is left as it is.
    handlers = {signal.SIGINT: lambda *_: None, signal.SIGTERM: hand_on, signal.SIGHUP: hand_on}
    free = {number: handler for number, handler in handlers.items() if signal.getsignal(number) != signal.SIG_IGN}
    taken = free if is_handled() else {}
    before = {number: signal.signal(number, handler) for number, handler in taken.items()}
    try:
        yield adopt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
