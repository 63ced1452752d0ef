"""Lists the alterations on disk, and looks through them for mistakes. No database is needed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.alterations.files import read_lineage
from sartor.api.requests import Sources, find_sources
from sartor.domain.alteration import Catalogue
from sartor.domain.release import parse_target

if TYPE_CHECKING:
    from sartor.linter.rules import Lint

CACHE = ".sartor"
"""The folder, in the working directory, where commands leave what rehearsals observed."""


def list_alterations(sources: Sources) -> Catalogue:
    """Returns the alterations that are shipped, in order. No database is needed.

        for alteration in sartor.list_alterations("alterations"):
            print(alteration.release, alteration.name)

    Raises CatalogueError where a folder or package can't be read as one of alterations.
    """
    return Catalogue(tuple(read_lineage(source.name, source.location) for source in find_sources(sources)))


def lint(
    sources: Sources,
    *,
    released: bool = False,
    above: str | None = None,
    ignored: Iterable[str] = (),
    cache: Path | None = None,
) -> Lint:
    """Returns the mistakes in the files that can be seen without a database and without running any file.

        for finding in sartor.lint("alterations", released=True).findings:
            print(finding.file, finding.line, finding.rule.code, finding.message)

    - `released`: the files are about to be shipped, so that unreleased ones are a mistake.
    - `above`: a release; leave out what belongs to it or to an earlier one.
    - `ignored`: the codes of rules to leave out, or `CODE=identity` for one alteration.
    - `cache`: the folder where `rehearse` has left what it observed.

    Raises CatalogueError, SettingsError for a rule that doesn't exist, TargetError.
    """
    from sartor.linter.lineages import lint_lineages
    from sartor.linter.rehearsal_cache import recall

    return lint_lineages(
        [(source.name, source.location) for source in find_sources(sources)],
        released=released,
        above=None if above is None else parse_target(above),
        ignored=[*ignored],
        remembered=recall(cache) if cache is not None else {},
    )
