"""Tells when files in the folders of alterations change, many at once where they change at once."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sartor.errors import UsageError

LOOK = 1000
"""Milliseconds after which the folders are looked at where nothing changes: one may have been made anew."""

SCRIPTS = (".py", ".sql")
"""The endings of the files that count: editors have others while they write."""

QUIET = 50
"""Milliseconds without a change that end a batch of changes: an editor writes a file in several steps."""


def require_watcher() -> None:
    """Raises UsageError where the library that watches files isn't installed."""
    try:
        import watchfiles  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise UsageError("watching files needs watchfiles", hint="pip install 'sartor[watch]'") from None


async def changed_files(folders: Sequence[Path]) -> AsyncIterator[tuple[str, ...]]:
    """Yields the paths of scripts that changed, sorted; () where they may have changed before they were watched."""
    while True:
        known, begins = _identities(folders), True
        async for found in _changes([folder for folder, identity in zip(folders, known, strict=True) if identity]):
            scripts = {path for _, path in found if path.endswith(SCRIPTS)}
            if scripts or begins:
                yield tuple(sorted(scripts))
            begins = False
            if _identities(folders) != known:
                break


async def _changes(folders: Sequence[Path]) -> AsyncIterator[set[Any]]:
    """Yields sets of changes, an empty one where nothing changes for a while; ends where a folder is gone."""
    from watchfiles import DefaultFilter, awatch  # noqa: PLC0415 - an extra

    if not folders:
        import asyncio  # noqa: PLC0415

        await asyncio.sleep(LOOK / 1000)
        yield set()
        return
    own = DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, ".sartor"))
    with suppress(FileNotFoundError):
        async for found in awatch(
            *folders, watch_filter=own, step=QUIET, rust_timeout=LOOK, yield_on_timeout=True, recursive=True
        ):
            yield found


def _identities(folders: Sequence[Path]) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for folder in folders:
        try:
            known = os.stat(folder)  # noqa: PTH116 - follows links, as the watcher does
        except OSError:
            found.append(None)
        else:
            found.append((known.st_dev, known.st_ino))
    return found
