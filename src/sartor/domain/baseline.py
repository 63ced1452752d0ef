"""Baselines: alterations recorded as deployed in a database that was made otherwise."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.drift import Drift
from sartor.domain.ledger import Ledger, State
from sartor.domain.release import Release
from sartor.domain.targets import require_released
from sartor.errors import PlanError, RefusedError, TargetError


class BaselineRequest(NamedTuple):
    """A request to record all alterations up to `target`, or those of `ids` alone, with the reason for the journal.

    A `target` of None means the highest release shipped. `ids` are identities or file names. With `accepts`, a schema
    is recorded that isn't what the alterations make. `ignore` are patterns of names that don't count in that.
    """

    reason: str
    target: Release | None = None
    ids: frozenset[str] | None = None
    accepts: bool = False
    ignore: tuple[str, ...] = ()


class Baseline(NamedTuple):
    """What a baseline is about, and what it has recorded: nothing where all was recorded before, or it was refused.

    `release` is the target; None where single alterations were named. `drift` is how the schema differs from what the
    `alterations` make in a scratch database.
    """

    release: Release | None
    alterations: tuple[Alteration, ...]
    recorded: tuple[Alteration, ...] = ()
    drift: Drift = Drift()
    notes: tuple[str, ...] = ()


def choose_alterations(catalogue: Catalogue, request: BaselineRequest) -> tuple[Release | None, tuple[Alteration, ...]]:
    """Returns the release and the alterations that a request is about, in order.

    Raises TargetError where there are none, PlanError for an identity that isn't among the alterations.
    """
    if request.ids is not None:
        return None, _named(catalogue, request.ids)
    target = request.target if request.target is not None else catalogue.latest
    if target is None:
        raise TargetError(
            "nothing is released, so there is no latest release",
            hint="for a database that has unreleased alterations: `baseline` of `next`",
        )
    require_released(target, catalogue)
    if found := tuple(a for a in catalogue if a.release <= target):
        return target, found
    first = min((a.release for a in catalogue), default=None)
    raise TargetError(
        f"no alteration belongs to release {target} or to one below it, so there is nothing to record",
        hint=f"the first release is {first}" if first else "give the alterations with `sources`",
    )


def _named(catalogue: Catalogue, wanted: Iterable[str]) -> tuple[Alteration, ...]:
    wanted = frozenset(wanted)
    found = tuple(a for a in catalogue if a.id in wanted or a.name in wanted)
    known = {text for a in found for text in (a.id, a.name)}
    if unknown := sorted(wanted - known):
        raise PlanError(f"{unknown[0]} isn't among the given alterations", about=[unknown[0]])
    if not found:
        raise TargetError("no alteration is named, so there is nothing to record")
    return found


def is_recorded(wanted: Sequence[Alteration], ledger: Ledger) -> bool:
    """Returns whether a ledger has all of these alterations already. Raises RefusedError where it has others."""
    if not ledger.entries:
        return False
    deployed = {entry.identity for entry in ledger.entries if entry.state is State.DEPLOYED}
    lacking = [a for a in wanted if a.identity not in deployed]
    if not lacking:
        return True
    held = len(ledger.entries)
    raise RefusedError(
        f"the ledger has {held} alteration{'' if held == 1 else 's'} already, and lacks {len(lacking)} of these, first"
        f" {lacking[0].name}: a baseline is for a database of which nothing is recorded",
        hint=f"to deploy what is pending, use `deploy`; to record what is here already:"
        f" `repair --mark-deployed {lacking[0].id}`",
    )


def baseline_notes(release: Release | None, alterations: Sequence[Alteration], catalogue: Catalogue) -> list[str]:
    """Returns sentences about what a baseline means."""
    notes = []
    if release is not None and not release.unreleased and all(a.release != release for a in alterations):
        notes.append(f"no alteration belongs to release {release}; it has the schema of {alterations[-1].release}")
    if catalogue.repeatables:
        number = len(catalogue.repeatables)
        notes.append(
            f"{number} repeatable script{' is' if number == 1 else 's are'} pending: the next deploy runs"
            f" {'it' if number == 1 else 'them'}"
        )
    return notes
