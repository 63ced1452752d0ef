"""Checks lineages against the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sartor.alterations.files import survey
from sartor.alterations.loader import read_source
from sartor.domain.alteration import Alteration, Key
from sartor.domain.release import Release
from sartor.linter.names import lint_names
from sartor.linter.rehearsal_cache import Identity, Remembered, lint_hazards
from sartor.linter.rules import Finding, Ignored, Lint
from sartor.linter.scripts import indexed_by, lint_script


def lint_lineages(
    sources: Iterable[tuple[str, str]],
    *,
    released: bool,
    above: Release | None,
    ignored: Sequence[Ignored],
    remembered: Mapping[Identity, Remembered],
) -> Lint:
    """Checks lineages, given as pairs (lineage, location), and adds what is `remembered` of rehearsals.

    Raises CatalogueError where a folder or a file can't be read.
    """
    findings: list[Finding] = []
    files = 0
    for name, location in sources:
        alterations, misnamed = survey(name, location)
        files += len(alterations) + len(misnamed)
        read = [read_source(alteration) for alteration in alterations]
        spared = {(source.alteration.file, comment.text) for source in read for comment in source.ignored}
        indexed = indexed_by(read)
        found = [
            *lint_names(alterations, misnamed, released=released),
            *(finding for source in read for finding in lint_script(source, indexed)),
            *(finding for alteration in alterations for finding in _rehearsed(alteration, remembered)),
        ]
        kept = (f for f in found if (f.file, f.rule.code) not in spared)
        findings += sorted(_counted(kept, above, ignored), key=_place)
    return Lint(findings=tuple(findings), files=files)


def _rehearsed(alteration: Alteration, remembered: Mapping[Identity, Remembered]) -> Iterator[Finding]:
    """Yields the findings of a rehearsal of the file as it is now; none where the file has changed since."""
    found = remembered.get(alteration.identity)
    if found is not None and found.checksum == alteration.checksum:
        yield from lint_hazards(alteration, found.seen)


def _counted(findings: Iterable[Finding], above: Release | None, ignored: Sequence[Ignored]) -> Iterator[Finding]:
    for finding in findings:
        old = above is not None and finding.alteration is not None and finding.alteration.release <= above
        if not old and not any(each.holds_for(finding) for each in ignored):
            yield finding


def _place(finding: Finding) -> tuple[bool, Key | str, str, int, str]:
    """Returns a sort key: files without an alteration first, then by order of deployment, by line, by code."""
    place = finding.file if finding.alteration is None else finding.alteration.key
    return finding.alteration is not None, place, finding.file, finding.line or 0, finding.rule.code
