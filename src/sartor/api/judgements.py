"""Judges alterations: by their text, by running them where they do no harm, and by what was proved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.api.observing import Observed, ignore
from sartor.api.requests import (
    NO_LIMITS,
    Sources,
    deploy_request,
    find_destination,
    find_other,
    find_scratch,
    find_sources,
    list_alterations,
)
from sartor.domain.destination import Destination, Limits
from sartor.domain.release import parse_target
from sartor.domain.status import compare_with_ledger

if TYPE_CHECKING:
    from sartor.domain.manifest import Standing
    from sartor.domain.proof import Proofs
    from sartor.domain.rehearsal import Rehearsal
    from sartor.domain.report import Observer
    from sartor.linter.rules import Lint


CACHE = ".sartor"
"""The folder, in the working directory, where commands leave what rehearsals observed."""


def lint(
    sources: Sources,
    *,
    released: bool = False,
    above: str | None = None,
    ignored: Iterable[str] = (),
    cache: Path | None = None,
    against: str | None = None,
) -> Lint:
    """Returns the mistakes in the files that can be seen without a database and without running any file.

        for finding in sartor.lint("alterations", released=True).findings:
            print(finding.file, finding.line, finding.rule.code, finding.message)

    - `released`: the files are about to be shipped, so that unreleased ones are a mistake.
    - `above`: a release; leave out what belongs to it or to an earlier one.
    - `ignored`: the codes of rules to leave out, or `CODE=identity` for one alteration.
    - `cache`: the folder where `rehearse` has left what it observed.
    - `against`: a branch, tag or commit of git that the files are compared with: what would arrive late there, and
      what was changed that is released.

    Raises CatalogueError, SettingsError for a rule that doesn't exist, TargetError, UsageError where git can't be
    asked.
    """
    from sartor.linter.lineages import lint_lineages
    from sartor.linter.rehearsal_cache import recall

    return lint_lineages(
        [(source.name, source.location) for source in find_sources(sources)],
        released=released,
        above=None if above is None else parse_target(above),
        ignored=[text.removesuffix("=") for text in ignored],
        remembered=recall(cache) if cache is not None else {},
        against=against,
    )


async def rehearse(
    destination: Destination | str,
    sources: Sources,
    target: str = "next",
    *,
    steps: int | None = None,
    accepted: Iterable[str] = (),
    live: bool = False,
    data: bool = False,
    scratch: Destination | str | None = None,
    cache: Path | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Rehearsal:
    """Runs what `deploy` would on a clone of the destination, and returns what it would do to others: locks, rewrites.

        found = await sartor.rehearse("postgresql://app@db.example.com/app", "alterations")
        print(found.verdict.value, [(each.alteration.name, each.verdict.value) for each in found.alterations])

    The clone has the destination's schema; it is dropped afterwards.

    - `live`: run on the destination itself instead, and roll each script back.
    - `data`: copy the rows into the clone as well.
    - `cache`: a folder where what was observed is left for `lint`.

    Raises RehearsalFailed where there can be no clone, and what `deploy` raises before it runs a script; that a script
    failed is in the result, and raises nothing.
    """
    from sartor.embedded.server import default_directory
    from sartor.rehearsal.on_clone import RehearsalOrder
    from sartor.rehearsal.rehearse import rehearse as run
    from sartor.settings.embedded import project_folder

    catalogue = list_alterations(sources)
    request = deploy_request(target, steps=steps, accepted=accepted)
    place = find_destination(destination)
    server = find_other(scratch, place)
    order = RehearsalOrder(default_directory(project_folder()), live=live, data=data, scratch=server)
    with Observed(observer) as told:
        found = told.keep(await run(place, catalogue, request, order, limits=limits, observer=told))
    if cache is not None:
        from sartor.linter.rehearsal_cache import remember

        try:
            remember(cache, found.alterations)
        except OSError as error:
            note = f"the result wasn't saved for `lint`: {error.filename}: {error.strerror}"
            return found._replace(notes=(*found.notes, note))
    return found


async def prove(
    destination: Destination | str,
    sources: Sources,
    names: Iterable[str] = (),
    *,
    pending: bool = False,
    scratch: Destination | str | None = None,
    seed: str | None = None,
    limits: Limits = NO_LIMITS,
    observer: Observer = ignore,
) -> Proofs:
    """Runs up, down and up again of alterations in a scratch database; judges each by itself.

        found = await sartor.prove("postgresql://app@localhost/app", "alterations", pending=True)
        print([(proof.alteration.name, proof.result.value) for proof in found.proofs])

    What was proved is noted in the manifests beside the files.

    A repeatable script is run twice, which must change nothing the second time.

    - `names`: identities or file names; without any, all are proved.
    - `pending`: prove those that are pending at the destination.
    - `seed`: a file of SQL or a seed module, which puts data into the scratch database first.

    Raises TargetError for a name that isn't there, AlterationEdited for a released file that was edited, and every
    other SartorError; that a proof failed is in the result, and raises nothing.
    """
    from sartor.proof import prove as proving

    place, catalogue = find_destination(destination), list_alterations(sources)
    chosen = proving.select_alterations(catalogue, names) or (
        *(each for each in catalogue if not each.squashed),
        *catalogue.repeatables,
    )
    if pending:
        from sartor.postgres.ledger import read_ledger
        from sartor.postgres.session import Session, application_name

        async with Session(place, application=application_name("prove")) as session:
            status = compare_with_ledger(catalogue, await read_ledger(session, founds=True))
            chosen = (*status.pending, *status.repeatables.due)
    beside = find_scratch(scratch, place)
    with Observed(observer) as told:
        return told.keep(await proving.prove(beside, catalogue, chosen, seed=seed, limits=limits, observer=told))


def check_manifest(sources: Sources) -> Standing:
    """Compares the files with the manifests beside them, which say what was released and proved. No database is needed.

        print(sartor.check_manifest("alterations").contradicts)

    Raises CatalogueError.
    """
    from sartor.alterations.manifest import check

    return check(list_alterations(sources))
