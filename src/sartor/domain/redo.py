"""Decides which unreleased alterations are undone, so that their files are deployed as they are now."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sartor.conninfo.parameters import nearest
from sartor.domain.alteration import Catalogue
from sartor.domain.ledger import Ledger
from sartor.domain.report import Report
from sartor.domain.status import Deployed, Status, compare_with_ledger
from sartor.errors import RefusedError, TargetError

Identity = tuple[str, str]


class Redone(NamedTuple):
    """The outcome of doing alterations again: what was rolled back, and what was deployed then."""

    rolled_back: Report
    deployed: Report


def rows_to_redo(catalogue: Catalogue, ledger: Ledger, names: Iterable[str]) -> frozenset[Identity]:
    """Returns the identities of what is to be undone: the oldest that is meant, and all that was deployed after it.

    With `names` (ids or file names) these are meant. Without, the unreleased ones are whose file has changed or is
    gone; where there is none, and nothing unreleased is pending, the newest that is deployed. What was being undone
    when that was interrupted is meant in any case: its `up` can't run on what is half undone. Raises TargetError for a
    name that isn't known, RefusedError where something released would be undone.
    """
    status, wanted = compare_with_ledger(catalogue, ledger), set(names)
    begun = list(_half_undone(catalogue, status, ledger))
    rows = (*status.deployed, *begun)
    meant = list(_named(catalogue, rows, wanted)) if wanted else [] if begun else _changed(status)
    if not (meant := [*begun, *meant]):
        return frozenset()
    first = min((entry for entry, _ in meant), key=lambda entry: entry.seq)
    chosen = [row for row in rows if row[0].seq >= first.seq]
    if released := [entry.name for entry, file in chosen if not (file or entry).release.unreleased]:
        own = first.name in released
        reason = "it is released" if own else f"{', '.join(released[:5])}, deployed after it, is released"
        raise RefusedError(
            f"{first.name} isn't done again: {reason}",
            hint="ship the change as a new alteration; or, on a database for development, start over by `fresh`",
        )
    return frozenset((entry.lineage, file.id if file else entry.id) for entry, file in chosen)


def _half_undone(catalogue: Catalogue, status: Status, ledger: Ledger) -> Iterator[Deployed]:
    """Yields the unreleased rows whose undoing was interrupted: an interrupted deployment has no kept down yet."""
    for entry in status.interrupted:
        file = catalogue.by_name[entry.lineage].by_id.get(entry.id)
        if (file or entry).release.unreleased and ledger.downs.get(entry.identity) is not None:
            yield entry, file


def _named(catalogue: Catalogue, deployed: Iterable[Deployed], names: set[str]) -> Iterator[Deployed]:
    """Yields the rows with these names; a file that isn't deployed needs nothing undone."""
    rows = {text: row for row in deployed for text in _texts(row)}
    known = {text for a in catalogue for text in (a.id, a.name)} | rows.keys()
    for name in sorted(names):
        if name not in known:
            near = nearest(name, known, cutoff=0.6)
            hint = f"did you mean {near}?" if near else "to list the alterations: `list_alterations`"
            raise TargetError(f"there is no alteration {name}", hint=hint)
        if name in rows:
            yield rows[name]


def _texts(row: Deployed) -> Iterator[str]:
    for each in row:
        if each is not None:
            yield from (each.id, each.name)


def _changed(status: Status) -> list[Deployed]:
    edited = {pair.entry.identity for pair in status.edited_next}
    gone = {entry.identity for entry in status.missing if entry.release.unreleased}
    if found := [row for row in status.deployed if row[0].identity in edited | gone]:
        return found
    if any(each.release.unreleased for each in status.pending):
        return []
    return [row for row in status.deployed if (row[1] or row[0]).release.unreleased][-1:]
