"""Sets up what a run needs around it: a server for trying things out, and the process."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sartor.alterations.process_owner import ALARM_TAKEN, LEFT_RUNNING, TELL, running_script
from sartor.api.runs import is_production
from sartor.errors import RefusedError
from sartor.settings.embedded import find_embedded, project_folder
from sartor.settings.product import SARTOR, Product


@contextmanager
def embedded_server(directory: Path | None = None) -> Iterator[str]:
    """Runs a server for trying things out while the block runs; gives its URL.

        with sartor.embedded_server() as url:
            asyncio.run(sartor.deploy(url, "alterations", "next"))

    - `directory`: holds its data and keeps them; by default one of the project's own, `.sartor/embedded` beside the
      settings file, or below the working directory where there is no such file.

    Raises EmbeddedUnavailable where the extra `embedded` isn't installed, or the server can't run here.
    """
    from sartor.embedded.server import default_directory, serve

    folder = directory.absolute() if directory else default_directory(project_folder())
    with serve(folder) as server:
        yield server.url


def is_embedded(db_url: Sequence[str], product: Product = SARTOR) -> bool:
    """Returns whether the settings ask for the embedded server: `embedded` is on, and no database is given.

    `db_url` are the URLs that a flag gives. Raises RefusedError where the environment is production, SettingsError.
    """
    found = find_embedded(db_url, product=product)
    if found is not None and is_production(found.environment):
        raise RefusedError(
            f"no database is given, and {found.origin} doesn't count in the environment {found.environment}",
            hint="give the database in SARTOR_DB_URL, or in `destination`",
        )
    return found is not None


def own_process(tell: Callable[[str], None]) -> None:
    """Declares that this process does nothing but run scripts: none of them may end it, or change it for the next.

    What scripts began and nobody awaits any longer is reported by `tell`, in a line. An application doesn't call this:
    its process is its own, and what scripts change of it stays.
    """
    TELL[:] = [tell]


def give_back_process() -> None:
    """Ends what `own_process` declares, where a command has run in an application's process."""
    TELL.clear()


def can_end() -> bool:
    """Returns whether no thread that a script left still runs: Python would wait for it at the end of this process."""
    return not any(thread.is_alive() for thread in LEFT_RUNNING)


def take_alarm() -> None:
    """Declares that the process's alarm is Sartor's until `give_back_alarm`: no script's end stops it."""
    ALARM_TAKEN[:] = [True]


def give_back_alarm() -> None:
    """Ends what `take_alarm` declares."""
    ALARM_TAKEN.clear()


def in_script() -> bool:
    """Returns whether the calling thread is in the code of a script, as a handler of a signal may be."""
    return running_script(threading.get_ident()) is not None
