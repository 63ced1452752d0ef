"""Sets up what a run needs around it: a server for trying things out, and the process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sartor.alterations.process_owner import LEFT_RUNNING, TELL


@contextmanager
def embedded_server(directory: Path | None = None) -> Iterator[str]:
    """Runs a server for trying things out while the block runs; gives its URL.

        with sartor.embedded_server() as url:
            asyncio.run(sartor.deploy(url, "alterations", "next"))

    - `directory`: holds its data and keeps them; by default one of the project's own, below the working directory.

    Raises EmbeddedUnavailable where the extra `embedded` isn't installed, or the server can't run here.
    """
    from sartor.embedded.server import default_directory, serve

    folder = directory.absolute() if directory else default_directory(Path.cwd())
    with serve(folder) as server:
        yield server.url


def own_process(tell: Callable[[str], None]) -> None:
    """Declares that this process does nothing but run scripts: none of them may end it, or change it for the next.

    What scripts began and nobody awaits any longer is reported by `tell`, in a line. An application doesn't call this:
    its process is its own, and what scripts change of it stays.
    """
    TELL[:] = [tell]


def can_end() -> bool:
    """Returns whether no thread that a script left still runs: Python would wait for it at the end of this process."""
    return not any(thread.is_alive() for thread in LEFT_RUNNING)
