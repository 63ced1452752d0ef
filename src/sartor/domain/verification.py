"""The result of comparing a database with what it should be."""

from collections.abc import Iterator
from typing import NamedTuple

from sartor.domain.destination import Destination
from sartor.domain.drift import Drift
from sartor.domain.ledger import Ledger, Mismatch
from sartor.domain.manifest import Standing
from sartor.domain.own_tables import Writer
from sartor.domain.status import Status, few, status_notes


class Verification(NamedTuple):
    """A destination's ledger compared with disk, disk with its manifests, its drift, and the names of invalid indexes.

    `mismatches` are rows of the ledger that aren't what the journal's events make. `writers` are roles that may write
    Sartor's tables, and don't deploy. `replayed` says that the drift is from what the deployed alterations make from
    nothing, instead of since the last run. Tables in a schema without a ledger are a fault: it may have been dropped.
    """

    destination: Destination
    ledger: Ledger
    status: Status
    standing: Standing
    drift: Drift
    invalid: tuple[str, ...]
    replayed: bool = False
    writers: tuple[Writer, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def ok(self) -> bool:
        """True where nothing was found to differ from what it should be."""
        differs = self.mismatches or self.drift.differences or self.ledger.strays
        return not (self.status.contradicts or self.standing.contradicts or differs)

    @property
    def released(self) -> Standing:
        """The manifests' findings that aren't among the ledger's already."""
        edited = {pair.alteration.identity for pair in self.status.edited}
        missing = {entry.id for entry in self.status.missing}
        return self.standing._replace(
            edited=tuple(a for a in self.standing.edited if a.identity not in edited),
            missing=tuple(line for line in self.standing.missing if line.id not in missing),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is no fault, or can't be determined."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        yield from status_notes(self.status)
        late = [f"{a.name} is pending, and older than the newest deployed alteration" for a in self.status.out_of_order]
        yield from few(late, "are late")
        if not (self.ledger.exists or self.ledger.strays):
            yield "nothing is deployed here"
        if self.drift.unknown:
            what = "the difference from a replay" if self.replayed else "drift since the last run"
            yield f"{what} can't be determined: {self.drift.unknown}"
        elif (recorded := self.drift.recorded) and recorded.adopted_at:
            yield (
                f"changes made by hand before {recorded.adopted_at:%Y-%m-%d %H:%M %Z} can't be found, as the expected"
                " schema was recorded again at that time; to find them, use `verify --against-replay`; to"
                " accept them, use `repair --accept-drift`"
            )
        if self.drift.unread:
            yield self.drift.unread_told
        if unproved := self.standing.unproved:
            alterations = "1 alteration isn't" if len(unproved) == 1 else f"{len(unproved)} alterations aren't"
            yield (f"{alterations} proved, first {unproved[0].name}; to list them, use `prove --check`")
        for name in self.invalid:
            yield f"index {name} is invalid: queries don't use it, but each write maintains it"
        yield from map(str, self.writers)
