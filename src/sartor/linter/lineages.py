"""Checks lineages against the rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sartor.alterations.files import survey
from sartor.alterations.loader import read_source
from sartor.domain.alteration import Alteration, Key, Misnamed
from sartor.domain.release import Release
from sartor.errors import SettingsError
from sartor.linter.names import lint_names
from sartor.linter.rehearsal_cache import Identity, Remembered, lint_hazards
from sartor.linter.rules import RULES, Finding, Lint
from sartor.linter.scripts import indexed_by, lint_script


def lint_lineages(
    sources: Iterable[tuple[str, str]],
    *,
    released: bool,
    above: Release | None,
    ignored: Collection[str],
    remembered: Mapping[Identity, Remembered],
) -> Lint:
    """Checks lineages, given as pairs (lineage, location), and adds what is `remembered` of rehearsals.

    `ignored` are codes of rules, for one alteration as `CODE=identity`. Raises SettingsError where there is no such
    rule, CatalogueError where a folder or a file can't be read.
    """
    ignored = [text.removesuffix("=") for text in ignored]
    for code in (text.partition("=")[0] for text in ignored):
        if code not in {rule.code for rule in RULES}:
            raise SettingsError(f"there is no rule {code!r} to ignore", hint="write the code of a rule, such as SA103")
    findings: list[Finding] = []
    files = 0
    for name, location in sources:
        alterations, misnamed = survey(name, location)
        files += len(alterations) + len(misnamed)
        found = _lint(alterations, misnamed, remembered, released=released)
        findings += sorted((each for each in found if _counts(each, above, ignored)), key=_place)
    return Lint(tuple(findings), files)


def _lint(
    alterations: Sequence[Alteration],
    misnamed: Iterable[Misnamed],
    remembered: Mapping[Identity, Remembered],
    *,
    released: bool,
) -> Iterator[Finding]:
    """Yields the findings about a lineage, without those that comments in its scripts ignore."""
    read = [read_source(alteration) for alteration in alterations]
    indexed = indexed_by(read)
    spared = {(source.alteration.file, comment.text) for source in read for comment in source.ignored}
    found = [
        *lint_names(alterations, misnamed, released=released),
        *(finding for source in read for finding in lint_script(source, indexed)),
        *(finding for alteration in alterations for finding in lint_hazards(alteration, remembered)),
    ]
    return (finding for finding in found if (finding.file, finding.rule.code) not in spared)


def _counts(finding: Finding, above: Release | None, ignored: Collection[str]) -> bool:
    code, alteration = finding.rule.code, finding.alteration
    if alteration is None:
        return code not in ignored
    old = above is not None and alteration.release <= above
    return not (old or code in ignored or f"{code}={alteration.id}" in ignored)


def _place(finding: Finding) -> tuple[bool, Key | str, str, int, str]:
    """Returns a sort key: files without an alteration first, then by order of deployment, by line, by code."""
    place = finding.file if finding.alteration is None else finding.alteration.key
    return finding.alteration is not None, place, finding.file, finding.line or 0, finding.rule.code
