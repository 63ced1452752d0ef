"""Repairs: the fixes for what `verify` finds, decided from disk and ledger."""

from collections.abc import Collection
from typing import NamedTuple

from sartor.domain.alteration import Catalogue
from sartor.domain.ledger import Entry, EventKind, Ledger, RepeatableEntry, State, Subject
from sartor.domain.status import compare_with_ledger
from sartor.errors import DestinationError, PlanError


class Repair(NamedTuple):
    """A request to correct the ledger, with the reason: alterations by identity or file name, indexes by name.

    `accept_edited` are accepted with their files as they are now; `mark_deployed` are put in the ledger without being
    run, `mark_not_deployed` are removed from it. `drop_indexes` are invalid ones. `accept_drift` accepts the schema as
    it is.
    """

    reason: str
    accept_edited: frozenset[str] = frozenset()
    mark_deployed: frozenset[str] = frozenset()
    mark_not_deployed: frozenset[str] = frozenset()
    drop_indexes: frozenset[str] = frozenset()
    accept_drift: bool = False


class Correction(NamedTuple):
    """One change that a repair makes, and its event. `name` is a file's or an index's; `was` the checksum before it."""

    kind: EventKind
    name: str
    about: Subject | None = None
    was: str | None = None

    @property
    def id(self) -> str | None:
        """The alteration's identity; None for an index or the schema."""
        return self.about.id if self.about else None


def make_repair(
    catalogue: Catalogue, ledger: Ledger, request: Repair, *, invalid: Collection[str], drifted: bool
) -> tuple[Correction, ...]:
    """Decides what `request` means here, in the order in which it is done; what is so already is left out.

    `invalid` are the schema's invalid indexes; `drifted` says that the schema isn't known to be as recorded. Raises
    PlanError for what doesn't exist here, DestinationError where there is nothing to repair.
    """
    if not ledger.exists and not request.mark_deployed:
        raise DestinationError("nothing is deployed here, so there is nothing to repair")
    status = compare_with_ledger(catalogue, ledger)
    request = _identified(catalogue, ledger, request)
    _refuse(catalogue, ledger, request, invalid)
    deployed = {entry.identity for entry in ledger.entries if entry.state is State.DEPLOYED}
    edited = [pair for pair in (*status.edited, *status.edited_next) if pair.alteration.id in request.accept_edited]
    deployed |= {script.identity for script in status.repeatables.current}
    held: list[Entry | RepeatableEntry] = [*ledger.entries, *ledger.repeatables]
    unmarked = [entry for entry in held if entry.id in request.mark_not_deployed]
    shipped = (*catalogue, *catalogue.repeatables)
    marked = [a for a in shipped if a.id in request.mark_deployed and a.identity not in deployed]
    return (
        *(Correction(EventKind.ACCEPTED, file.name, file, entry.checksum) for file, entry in edited),
        *(Correction(EventKind.MARKED_NOT_DEPLOYED, entry.name, entry) for entry in unmarked),
        *(Correction(EventKind.MARKED_DEPLOYED, file.name, file) for file in marked),
        *(Correction(EventKind.INDEX_DROPPED, name) for name in sorted(request.drop_indexes)),
        *([Correction(EventKind.DRIFT_ACCEPTED, "the schema")] if request.accept_drift and drifted else ()),
    )


def _identified(catalogue: Catalogue, ledger: Ledger, request: Repair) -> Repair:
    known = (*ledger.entries, *ledger.repeatables, *catalogue, *catalogue.repeatables)
    ids = {each.name: each.id for each in known}
    wanted = (request.accept_edited, request.mark_deployed, request.mark_not_deployed)
    accept, mark, unmark = (frozenset(ids.get(text, text) for text in texts) for texts in wanted)
    return request._replace(accept_edited=accept, mark_deployed=mark, mark_not_deployed=unmark)


def _refuse(catalogue: Catalogue, ledger: Ledger, request: Repair, invalid: Collection[str]) -> None:
    if both := request.mark_deployed & request.mark_not_deployed:
        raise PlanError(f"{min(both)} can't be marked both as deployed and as not deployed")
    shipped, held = {alteration.id for alteration in catalogue}, {entry.id for entry in ledger.entries}
    editable = held & shipped
    shipped |= {script.id for script in catalogue.repeatables}
    held |= {entry.id for entry in ledger.repeatables}
    for wanted, known, reason in (
        (request.accept_edited, editable, "isn't deployed here, or has no file"),
        (request.mark_deployed, shipped, "isn't among the given alterations"),
        (request.mark_not_deployed, held | shipped, "is neither deployed here nor among the given alterations"),
    ):
        for alteration_id in sorted(wanted - known):
            raise PlanError(
                f"{alteration_id} {reason}", hint="to list the alterations: `sartor.status`", about=[alteration_id]
            )
    for name in sorted(request.drop_indexes.difference(invalid)):
        raise PlanError(
            f"there is no invalid index {name} in this schema", hint="to list invalid indexes: `sartor.verify`"
        )
