"""Checks lineages against the rules: their files' names and order, and each file."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from sartor.alterations.files import file_blocks, find_folder, survey
from sartor.alterations.hooks import find_hooks, hook_flaws
from sartor.alterations.loader import read_source
from sartor.alterations.release_list import read_releases
from sartor.alterations.squashed import read_squashed
from sartor.domain.alteration import Alteration, Key, Misnamed, timestamp
from sartor.domain.manifest import find_unlisted
from sartor.domain.release import Release
from sartor.domain.source import Source
from sartor.errors import SettingsError
from sartor.linter import rules
from sartor.linter.against import compare, read_bases
from sartor.linter.rehearsal_cache import Identity, Remembered, lint_hazards
from sartor.linter.rules import RULES, Finding, Lint, about
from sartor.linter.scripts import indexed_by, lint_script
from sartor.sql import confusables


def lint_names(alterations: Iterable[Alteration], misnamed: Iterable[Misnamed], *, released: bool) -> Iterator[Finding]:
    """Yields findings about the files of one lineage; `released` says that it is about to be shipped as a release."""
    listed = sorted(alterations, key=lambda a: a.key)
    ordered = [each for each in listed if not each.is_repeatable]
    for file in misnamed:
        found = confusables.in_word(file.name)
        rule, message = (
            (rules.BAD_NAME, str(file.error)) if found is None else (rules.LOOK_ALIKE, _odd(file.name, found))
        )
        yield Finding(rule, file.lineage, file.file, None, message, None)
    for alteration in listed:
        if found := confusables.in_word(alteration.name):
            yield about(alteration, rules.LOOK_ALIKE, _odd(alteration.name, found))
    yield from _same_identities(listed)
    yield from _ties(ordered)
    yield from _out_of_step([a for a in ordered if not a.release.unreleased])
    yield from _unreleased(ordered, released=released)


def lint_hooks(lineage: str, file: Path | None) -> Iterator[Finding]:
    """Yields the findings about a lineage's file of hooks, where it has one. Raises CatalogueError."""
    content = b"" if file is None else b"".join(file_blocks(str(file)))
    for flaw in hook_flaws(content) if file is not None else ():
        yield Finding(rules.BAD_HOOK, lineage, str(file), flaw.line, flaw.text, None)


def _odd(name: str, character: str) -> str:
    return f"{name} has {confusables.describe(character)}"


def _same_identities(ordered: Sequence[Alteration]) -> Iterator[Finding]:
    seen: dict[str, Alteration] = {}
    for alteration in ordered:
        if other := seen.get(alteration.id):
            yield about(alteration, rules.SAME_IDENTITY, f"has the same identity as {other.name}: {alteration.id}")
        seen[alteration.id] = alteration


def _ties(ordered: Sequence[Alteration]) -> Iterator[Finding]:
    for _, group in groupby(ordered, key=lambda a: (a.release, _time(a))):
        first, *others = group
        for alteration in others:
            if alteration.id != first.id:
                yield about(alteration, rules.TIE, f"has the same timestamp as {first.name}")


def _time(alteration: Alteration) -> tuple[int, str]:
    """Returns when it was written: seconds, and the fraction's digits, without trailing zeros."""
    seconds, fraction = timestamp(alteration.id)
    return seconds, fraction.rstrip("0")


def _out_of_step(released: Sequence[Alteration]) -> Iterator[Finding]:
    """Yields a finding for each of the fewest files without which the others' timestamps rise with the releases."""
    kept = _longest_rising([_time(alteration) for alteration in released])
    for number, alteration in enumerate(released):
        if number not in kept:
            before = max((k for k in kept if k < number), default=None)
            beside = released[min(k for k in kept if k > number) if before is None else before]
            word = "after" if before is not None else "before"
            yield about(alteration, rules.OUT_OF_STEP, f"its timestamp doesn't fit its position {word} {beside.name}")


def _longest_rising(times: Sequence[tuple[int, str]]) -> set[int]:
    """Returns the places of a longest subsequence that never falls (patience sorting)."""
    tops: list[tuple[int, str]] = []
    places: list[int] = []
    before: list[int | None] = []
    for number, time in enumerate(times):
        pile = bisect_right(tops, time)
        tops[pile : pile + 1] = [time]
        places[pile : pile + 1] = [number]
        before.append(places[pile - 1] if pile else None)
    kept: set[int] = set()
    at = places[-1] if places else None
    while at is not None:
        kept.add(at)
        at = before[at]
    return kept


def _unreleased(ordered: Sequence[Alteration], *, released: bool) -> Iterator[Finding]:
    newest = max((a for a in ordered if not a.release.unreleased), key=_time, default=None)
    for alteration in ordered:
        if not alteration.release.unreleased:
            continue
        if released:
            yield about(alteration, rules.UNRELEASED, "is unreleased")
        elif newest is not None and _time(alteration) < _time(newest):
            yield about(
                alteration, rules.LEFT_BEHIND, f"is unreleased, but older than {newest.name}, which is released"
            )


def lint_lineages(
    sources: Iterable[tuple[str, str]],
    *,
    released: bool,
    above: Release | None,
    ignored: Collection[str],
    remembered: Mapping[Identity, Remembered],
    against: str | None = None,
    read: Callable[[Alteration], Source] = read_source,
) -> Lint:
    """Checks lineages, given as pairs (lineage, location), and adds what is `remembered` of rehearsals.

    `against` is a branch, tag or commit of git that they are compared with; at least one has to be in a repository.
    `ignored` are codes of rules, for one alteration as `CODE=identity`. Raises SettingsError where there is no such
    rule, CatalogueError where a folder or a file can't be read, UsageError where git can't be asked. `read` reads a
    script.
    """
    for code in (text.partition("=")[0] for text in ignored):
        if code not in {rule.code for rule in RULES}:
            raise SettingsError(f"there is no rule {code!r} to ignore", hint="write the code of a rule, such as SA103")
    surveyed = [(name, location, *survey(name, location)) for name, location in sources]
    listed = [(name, location, list(alterations), misnamed) for name, location, alterations, misnamed in surveyed]
    bases = {} if against is None else read_bases([each[:3] for each in listed], against)
    findings: list[Finding] = []
    files = 0
    for name, location, alterations, misnamed in listed:
        hooks = find_hooks(location)
        files += len(alterations) + len(misnamed) + (hooks is not None)
        squashed = read_squashed(name, str(find_folder(location))) if name in bases else []
        base = compare([*squashed, *alterations], bases[name]) if name in bases else ()
        releases = read_releases(str(find_folder(location)))
        beside = (*lint_hooks(name, hooks), *_unlisted(alterations, releases), *base)
        found = _lint([read(each) for each in alterations], misnamed, remembered, beside, released=released)
        findings += sorted((each for each in found if _counts(each, above, ignored)), key=_place)
    return Lint(tuple(findings), files)


def _unlisted(alterations: Sequence[Alteration], releases: Iterable[Release] | None) -> Iterator[Finding]:
    for alteration in find_unlisted(alterations, releases):
        yield about(alteration, rules.UNLISTED, f"has release {alteration.release}, which the manifest doesn't list")


def _lint(
    read: Sequence[Source],
    misnamed: Iterable[Misnamed],
    remembered: Mapping[Identity, Remembered],
    beside: Iterable[Finding],
    *,
    released: bool,
) -> Iterator[Finding]:
    """Yields the findings about a lineage, and those `beside` them, without those that comments in scripts ignore."""
    alterations = [source.alteration for source in read]
    indexed = indexed_by(read)
    spared = {(source.alteration.file, comment.text) for source in read for comment in source.ignored}
    found = [
        *lint_names(alterations, misnamed, released=released),
        *(finding for source in read for finding in lint_script(source, indexed)),
        *(finding for alteration in alterations for finding in lint_hazards(alteration, remembered)),
        *beside,
    ]
    return (finding for finding in found if (finding.file, finding.rule.code) not in spared)


def _counts(finding: Finding, above: Release | None, ignored: Collection[str]) -> bool:
    code, alteration = finding.rule.code, finding.alteration
    if alteration is None:
        return code not in ignored
    old = above is not None and alteration.release <= above and finding.rule not in rules.AGAINST
    return not (old or code in ignored or f"{code}={alteration.id}" in ignored)


def _place(finding: Finding) -> tuple[bool, Key | str, str, int, str]:
    """Returns a sort key: files without an alteration first, then by order of deployment, by line, by code."""
    place = finding.file if finding.alteration is None else finding.alteration.key
    return finding.alteration is not None, place, finding.file, finding.line or 0, finding.rule.code
