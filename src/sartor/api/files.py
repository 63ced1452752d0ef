"""Lists the alterations on disk, and looks through them for mistakes. No database is needed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.alterations.files import read_lineage
from sartor.domain.alteration import Catalogue
from sartor.domain.release import parse_target
from sartor.settings import LineageSource

if TYPE_CHECKING:
    from sartor.lint.rules import Lint

KEPT = ".sartor"
"""The folder, in the working directory, where commands keep what rehearsals observed."""


def list_alterations(sources: Iterable[LineageSource]) -> Catalogue:
    """Reads the alterations that are shipped. Raises CatalogueError."""
    return Catalogue(tuple(read_lineage(source.name, source.location) for source in sources))


def lint(
    sources: Iterable[LineageSource],
    *,
    released: bool = False,
    above: str | None = None,
    ignored: Iterable[str] = (),
    kept: Path | None = None,
) -> Lint:
    """Returns the mistakes in the files, as far as they can be seen without a database and without running any file.

    `released` says that they are about to be shipped; `above` leaves out what belongs to that release or an earlier
    one; `ignored` are rules' codes, or `CODE=identity`; `kept` is the folder where `rehearse` has left what it
    observed. Raises CatalogueError, SettingsError, TargetError.
    """
    from sartor.lint.lineages import lint_lineages
    from sartor.lint.rehearsal_cache import recall
    from sartor.lint.rules import Ignored

    return lint_lineages(
        [(source.name, source.location) for source in sources],
        released=released,
        above=None if above is None else parse_target(above),
        ignored=[Ignored.parse(text) for text in ignored],
        remembered=recall(kept) if kept is not None else {},
    )
