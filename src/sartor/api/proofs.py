"""Proves that rollbacks work, and checks what manifests say of that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sartor.api.files import list_alterations
from sartor.api.requests import contained, ignore
from sartor.domain.destination import Destination
from sartor.domain.limits import Limits
from sartor.domain.status import compare_with_ledger
from sartor.settings import LineageSource

if TYPE_CHECKING:
    from sartor.domain.manifest import Standing
    from sartor.domain.proof import Proofs
    from sartor.domain.report import Observer


async def prove(
    destination: Destination,
    sources: Iterable[LineageSource],
    names: Iterable[str] = (),
    *,
    pending: bool = False,
    scratch: Destination | None = None,
    seed: str | None = None,
    limits: Limits | None = None,
    observer: Observer = ignore,
) -> Proofs:
    """Runs up, down and up again of the alterations with these identities or file names; judges each by itself.

    Without names it is all of them, or those that are `pending` at the destination. The scratch database is made beside
    the destination, or on the server of `scratch`; `seed` is a file of data to begin with. What was proved is noted in
    the manifests. Raises SartorError.
    """
    from sartor.prove import prove as proving
    from sartor.prove.selection import select_alterations

    catalogue = list_alterations(sources)
    chosen = select_alterations(catalogue, names) or tuple(catalogue)
    if pending:
        from sartor.postgres.ledger import read_ledger
        from sartor.postgres.session import Session, application_name

        async with Session(destination, application=application_name("prove")) as session:
            chosen = compare_with_ledger(catalogue, await read_ledger(session, founds=True)).pending
    beside = destination if scratch is None else scratch._replace(schema=destination.schema)
    return await proving.prove(
        beside, catalogue, chosen, seed=seed, limits=limits or Limits(), observer=contained(observer)
    )


def check_manifest(sources: Iterable[LineageSource]) -> Standing:
    """Compares the files with the manifests beside them. Raises CatalogueError."""
    from sartor.alterations.manifest import check

    return check(list_alterations(sources))
