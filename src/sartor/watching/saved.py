"""The result of one look at the files: what was done after a save."""

from typing import NamedTuple

from sartor.domain.proof import Proof
from sartor.domain.rehearsal import Rehearsal
from sartor.domain.release import NEXT
from sartor.domain.report import Done
from sartor.errors import SartorError
from sartor.linter.rules import Finding

PLACE = "a scratch database"


class Saved(NamedTuple):
    """What was done after files were saved, all at once; `duration_ms` is the time that it took, in milliseconds.

    `files` are the names of the changed files, none at the first look. `undone` and `deployed` are the alterations that
    the database lost and got, in that order; what failed ends up in `error`, as it would end a deploy. `proofs`,
    `rehearsal` and `findings` are about those that were deployed, as `prove`, `rehearse` and `lint` find them; `notes`
    say what else there is to know.
    """

    files: tuple[str, ...] = ()
    undone: tuple[Done, ...] = ()
    deployed: tuple[Done, ...] = ()
    error: SartorError | None = None
    proofs: tuple[Proof, ...] = ()
    rehearsal: Rehearsal = Rehearsal(NEXT, PLACE)
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    duration_ms: float = 0.0

    @property
    def is_empty(self) -> bool:
        """True where the save changed nothing that counts."""
        return not (self.undone or self.deployed or self.error or self.findings or self.notes)
