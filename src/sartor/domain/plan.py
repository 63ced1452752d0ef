"""The one place that decides: what disk and ledger say of each other, and what is to be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Catalogue, Key, order_key, timestamp
from sartor.domain.errors import (
    AlterationEdited,
    AlterationMissing,
    LineageMismatch,
    OutOfOrder,
    PlanError,
    TargetError,
)
from sartor.domain.ledger import Entry, Ledger, State
from sartor.domain.release import NEXT, Release


class Pair(NamedTuple):
    """An alteration on disk and its row of the ledger."""

    alteration: Alteration
    entry: Entry


Deployed = tuple[Entry, Alteration | None]
"""A complete row, and its file where there is one: the release that counts is the file's, else the ledger's."""


class Status(NamedTuple):
    """Disk against ledger. Everything is in the order of deployment.

    `deployed` holds every complete row, with its file where there is one; `pending` what is shipped and not
    deployed, `out_of_order` those of it below the newest deployed one; `interrupted` rows whose steps outside a
    transaction never ended; `edited` released alterations whose file changed since; `edited_next` unreleased ones,
    which may; `missing` rows without a file, `ahead` those of them above all that is shipped; `renamed` rows whose
    release changed its label. `release` is the highest of which everything shipped is deployed.
    """

    deployed: tuple[Deployed, ...]
    pending: tuple[Alteration, ...]
    out_of_order: tuple[Alteration, ...]
    interrupted: tuple[Entry, ...]
    edited: tuple[Pair, ...]
    edited_next: tuple[Pair, ...]
    missing: tuple[Entry, ...]
    ahead: tuple[Entry, ...]
    renamed: tuple[Pair, ...]
    elsewhere: tuple[str, ...]
    """Lineages that the ledger knows and that weren't given."""
    release: Release | None

    @property
    def contradicts(self) -> bool:
        """Whether a deploy would be refused."""
        return bool(self.edited or self.missing)


def compare(catalogue: Catalogue, ledger: Ledger) -> Status:
    """What disk and ledger say of each other. Raises LineageMismatch where a lineage has got another name."""
    foreign = [entry for entry in ledger.entries if entry.lineage not in catalogue.by_name]
    _check_lineages(catalogue, ledger, foreign)
    files = {name: lineage.by_id for name, lineage in catalogue.by_name.items()}
    held = [(entry, files[entry.lineage].get(entry.id)) for entry in ledger.entries if entry.lineage in files]
    complete = tuple([row for row in held if row[0].state is State.DEPLOYED])
    pending = _pending(files, complete)
    # Most rows say what their file says; the others alone are looked at one by one.
    odd = [(e, f) for e, f in held if f is None or f[:5] != e[:5] or e.state is not State.DEPLOYED]
    pairs = [Pair(file, entry) for entry, file in odd if file]
    changed = [p for p in pairs if p.entry.state is State.DEPLOYED and p.entry.checksum != p.alteration.checksum]
    without_file = [entry for entry, file in odd if file is None]
    return Status(
        deployed=complete,
        pending=pending,
        out_of_order=_late(pending, complete),
        interrupted=tuple(entry for entry, _ in odd if entry.state is not State.DEPLOYED),
        edited=tuple(p for p in changed if not _is_free(p)),
        edited_next=tuple(p for p in changed if _is_free(p)),
        missing=tuple(e for e in without_file if not _is_ahead(e, catalogue)),
        ahead=tuple(e for e in without_file if _is_ahead(e, catalogue)),
        renamed=tuple(p for p in pairs if _label_changed(p)),
        elsewhere=tuple(dict.fromkeys(entry.lineage for entry in foreign)),
        release=_complete_release(complete, pending),
    )


def _pending(files: Mapping[str, Mapping[str, Alteration]], complete: Sequence[Deployed]) -> tuple[Alteration, ...]:
    left = {lineage: dict(by_id) for lineage, by_id in files.items()}
    for entry, _ in complete:
        left[entry.lineage].pop(entry.id, None)
    return tuple([alteration for by_id in left.values() for alteration in by_id.values()])


def _check_lineages(catalogue: Catalogue, ledger: Ledger, foreign: Iterable[Entry]) -> None:
    homes = {entry.id: entry.lineage for entry in foreign}
    for alteration in catalogue if homes else ():
        home = homes.get(alteration.id)
        if home and alteration.identity not in ledger.by_identity:
            location = catalogue.by_name[alteration.lineage].location
            raise LineageMismatch(
                f"{alteration.id} is deployed as part of lineage {home!r}, and was given as part of"
                f" {alteration.lineage!r}",
                hint=f"name the lineage as the database knows it: --alterations {home}={location}",
            )


def _is_free(pair: Pair) -> bool:
    """Whether an alteration may be edited: it was unreleased when it was deployed, and still is."""
    return pair.entry.release.unreleased and pair.alteration.release.unreleased


def _is_ahead(entry: Entry, catalogue: Catalogue) -> bool:
    highest = catalogue.by_name[entry.lineage].highest_version
    return highest is not None and not entry.release.unreleased and entry.release > highest


def _label_changed(pair: Pair) -> bool:
    return pair.entry.release != pair.alteration.release or pair.entry.name != pair.alteration.name


def _late(pending: Sequence[Alteration], complete: Sequence[Deployed]) -> tuple[Alteration, ...]:
    newest: dict[str, Key] = {}
    for entry, file in complete if pending else ():
        key = order_key((file or entry).release, entry.id)
        newest[entry.lineage] = max(key, newest.get(entry.lineage, key))
    return tuple(a for a in pending if a.key < newest.get(a.lineage, a.key))


def _complete_release(complete: Sequence[Deployed], pending: Sequence[Alteration]) -> Release | None:
    lacking = {alteration.release for alteration in pending}
    labels = {(file or entry).release for entry, file in complete}
    return max((r for r in labels - lacking if not r.unreleased), default=None)


class Direction(Enum):
    """Which way a plan goes."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """A request to deploy all pending alterations up to `target`, or the first `steps` of them.

    `target` None means the highest release shipped. `accepted` are identities whose edit or absence is accepted.
    """

    target: Release | None = NEXT
    steps: int | None = None
    strict_order: bool = False
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A request to undo, newest deployment first: all above `target`, the last `steps`, or all after a timestamp."""

    target: Release | None = None
    steps: int | None = None
    to_timestamp: tuple[int, str] | None = None
    accepted: frozenset[str] = frozenset()


class Step(NamedTuple):
    """One alteration to deploy or to roll back; `entry` is its row where the ledger has one."""

    alteration: Alteration
    entry: Entry | None = None
    late: bool = False
    """Whether it is a late arrival."""


class Plan(NamedTuple):
    """What is to be done, in order, and what it was decided from."""

    direction: Direction
    target: Release | None
    steps: tuple[Step, ...]
    status: Status
    head: int
    """The ledger's head that this plan holds for; a later head makes it stale."""
    relabel: tuple[Pair, ...] = ()
    accept: tuple[Pair, ...] = ()
    forget: tuple[Entry, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do, nor to record."""
        return not (self.steps or self.relabel or self.accept or self.forget)


def make_plan(catalogue: Catalogue, ledger: Ledger, request: Deploy | Rollback) -> Plan:
    """Decide what `request` means for this catalogue and this ledger.

    Raises PlanError where they contradict each other in what isn't accepted, TargetError where the target can't be.
    """
    status = compare(catalogue, ledger)
    if isinstance(request, Deploy):
        return _plan_deploy(catalogue, ledger, request, status)
    return _plan_rollback(catalogue, ledger, request, status)


def _plan_deploy(catalogue: Catalogue, ledger: Ledger, request: Deploy, status: Status) -> Plan:
    _refuse_unknown(request.accepted, status)
    _refuse_edited([p for p in status.edited if p.alteration.id not in request.accepted])
    _refuse_missing([e for e in status.missing if e.id not in request.accepted])
    target = request.target if request.target is not None else _latest(catalogue)
    wanted = [a for a in status.pending if a.release <= target][: request.steps]
    late = {a.identity for a in status.out_of_order}
    edited = {p.entry.identity for p in status.edited}
    if request.strict_order and (found := [a for a in wanted if a.identity in late]):
        raise OutOfOrder(f"{_names(a.name for a in found)}: older than the newest alteration deployed here")
    return Plan(
        direction=Direction.DEPLOY,
        target=target,
        steps=tuple(
            Step(alteration=a, entry=ledger.by_identity.get(a.identity), late=a.identity in late) for a in wanted
        ),
        status=status,
        head=ledger.head,
        relabel=tuple(p for p in status.renamed if p.entry.identity not in edited),
        accept=tuple(p for p in status.edited if p.alteration.id in request.accepted),
        forget=tuple(e for e in status.missing if e.id in request.accepted),
    )


def _latest(catalogue: Catalogue) -> Release:
    latest = catalogue.latest
    if latest is None:
        raise TargetError(
            "nothing is released yet, so there is no latest release",
            hint="`sartor db alteration deploy next` deploys what is unreleased",
        )
    return latest


def _plan_rollback(catalogue: Catalogue, ledger: Ledger, request: Rollback, status: Status) -> Plan:
    held = [entry for entry in reversed(ledger.entries) if entry.lineage in catalogue.by_name]
    chosen = [entry for entry in held if _undone_by(request, entry, catalogue)][: request.steps]
    _refuse_missing([e for e in chosen if e.id not in catalogue.by_name[e.lineage].by_id])
    chosen_identities = {e.identity for e in chosen}
    edited = [p for p in status.edited if p.entry.identity in chosen_identities]
    _refuse_edited([p for p in edited if p.alteration.id not in request.accepted])
    return Plan(
        direction=Direction.ROLLBACK,
        target=request.target,
        steps=tuple(Step(alteration=catalogue.by_name[e.lineage].by_id[e.id], entry=e) for e in chosen),
        status=status,
        head=ledger.head,
    )


def _undone_by(request: Rollback, entry: Entry, catalogue: Catalogue) -> bool:
    if request.target is not None:
        file = catalogue.by_name[entry.lineage].by_id.get(entry.id)
        return (file or entry).release > request.target
    if request.to_timestamp is not None:
        return timestamp(entry.id) > request.to_timestamp
    return True


def _refuse_unknown(accepted: frozenset[str], status: Status) -> None:
    known = {p.alteration.id for p in status.edited} | {e.id for e in status.missing}
    done = {entry.id for entry, _ in status.deployed}
    for alteration_id in sorted(accepted - known - done):
        raise PlanError(
            f"{alteration_id} isn't deployed here, so there is nothing to accept",
            hint="`sartor db alteration status` shows what is edited or missing",
        )


def _refuse_edited(pairs: Sequence[Pair]) -> None:
    if pairs:
        plural = "has" if len(pairs) == 1 else "have"
        flags = " ".join(f"--accept-edited {p.alteration.id}" for p in pairs)
        raise AlterationEdited(
            f"{_names(p.alteration.name for p in pairs)} {plural} changed since being deployed here",
            hint="restore the file and ship the change as a new alteration;"
            f" or, if this database is right as it is: {flags}",
        )


def _refuse_missing(entries: Sequence[Entry]) -> None:
    if entries:
        verb = "is" if len(entries) == 1 else "are"
        flags = " ".join(f"--accept-missing {e.id}" for e in entries)
        raise AlterationMissing(
            f"{_names(e.name for e in entries)} {verb} deployed here, and not among the alterations given",
            hint="bring the file back, or give the folder that holds it with --alterations;"
            f" or, to deploy without it: {flags}",
        )


def _names(names: Iterable[str]) -> str:
    found = list(names)
    shown, rest = found[:5], len(found) - 5
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
