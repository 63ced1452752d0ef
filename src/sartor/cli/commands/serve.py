"""`sartor db serve`: keeps the embedded server running."""

import signal
from pathlib import Path
from typing import Annotated

import typer

import sartor
from sartor.cli import output
from sartor.cli.declaration import command
from sartor.cli.results.objects import VERSION

_STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

Directory = Annotated[
    str | None, typer.Argument(metavar="DIR", help="The folder that keeps its data. [default: .sartor/embedded]")
]


@command("db serve", codes=(0, 2, 6), said={0: "stopped by Ctrl-C or SIGTERM"})
def serve(context: typer.Context, directory: Directory = None) -> None:
    """Run the embedded server, the one of `--embedded`, until Ctrl-C.

    Prints its URL, for psql and other programs. Commands with `--embedded` share it, and begin faster while it runs.
    """
    with sartor.embedded_server(Path(directory) if directory else None) as url:
        # Who reads the URL may stop it at once.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            if output.wants("--json"):
                output.json_object({"version": VERSION, "url": url})
            else:
                output.result(url)
                output.tell("The server runs until Ctrl-C.")
            output.drain()
            signal.sigwait(_STOPS)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
