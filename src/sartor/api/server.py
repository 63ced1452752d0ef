"""A server for trying things out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def embedded(directory: str | None) -> Iterator[str]:
    """A server for trying things out, for as long as the block lasts; gives its URL.

    `directory` holds its data and keeps them; None means the project's own, below the working directory. Raises
    EmbeddedUnavailable.
    """
    from sartor.postgres.embedded import default_directory, serve

    folder = Path(directory).absolute() if directory else default_directory(Path.cwd())
    with serve(folder) as server:
        yield server.url
