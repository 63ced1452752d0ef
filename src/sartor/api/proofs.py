"""Proves that rollbacks work, and checks what manifests say of that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sartor.api.files import list_alterations
from sartor.api.observing import ignore, observed
from sartor.api.requests import NO_LIMITS, Sources, find_destination, find_scratch
from sartor.domain.destination import Destination, Limits
from sartor.domain.status import compare_with_ledger

if TYPE_CHECKING:
    from sartor.domain.manifest import Standing
    from sartor.domain.proof import Proofs
    from sartor.domain.report import Observer


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

    - `names`: identities or file names; without any, all alterations are proved.
    - `pending`: prove those that are pending at the destination.
    - `seed`: a file of SQL or a seed module, which puts data into the scratch database first.

    Raises TargetError for a name that isn't there, AlterationEdited for a released file that was edited, and every
    other SartorError; that a proof failed is in the result, and raises nothing.
    """
    from sartor.proof import prove as proving
    from sartor.proof.prove import select_alterations

    place, catalogue = find_destination(destination), list_alterations(sources)
    chosen = select_alterations(catalogue, names) or tuple(catalogue)
    if pending:
        from sartor.postgres.ledger import read_ledger
        from sartor.postgres.session import Session, application_name

        async with Session(place, application=application_name("prove")) as session:
            chosen = compare_with_ledger(catalogue, await read_ledger(session, founds=True)).pending
    beside = find_scratch(scratch, place)
    return await observed(
        observer, lambda told: proving.prove(beside, catalogue, chosen, seed=seed, limits=limits, observer=told)
    )


def check_manifest(sources: Sources) -> Standing:
    """Compares the files with the manifests beside them, which say what was released and proved. No database is needed.

        print(sartor.check_manifest("alterations").contradicts)

    Raises CatalogueError.
    """
    from sartor.alterations.manifest import check

    return check(list_alterations(sources))
