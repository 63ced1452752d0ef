"""Plans: the one place that decides what is to be done."""

from collections import Counter
from enum import Enum
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Catalogue, timestamp
from sartor.domain.contradictions import (
    name_few,
    refuse_edited,
    refuse_missing,
    refuse_squashed,
    refuse_without_way_back,
)
from sartor.domain.kept_down import KeptDown
from sartor.domain.ledger import Entry, Ledger
from sartor.domain.release import NEXT, Release
from sartor.domain.repeatable import due_after
from sartor.domain.snapshot import ReleaseSnapshot, basis_of
from sartor.domain.status import (
    Pair,
    Reached,
    Status,
    as_labelled,
    compare_with_ledger,
    reached,
    under_new_names,
)
from sartor.domain.targets import require_released
from sartor.domain.way_back import way_back
from sartor.errors import OutOfOrder, TargetError


class Direction(Enum):
    """The direction of a plan."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"


class Deploy(NamedTuple):
    """A request to deploy all pending alterations up to `target`, or the first `steps` of them.

    A `target` of None means the highest release shipped. `accepted` are identities whose edit or absence is accepted.
    An empty schema is built from `snapshot`, where there is one; `passed_over` says why later ones aren't used. With
    `replay`, no snapshot is looked for.
    """

    target: Release | None = NEXT
    steps: int | None = None
    strict_order: bool = False
    accepted: frozenset[str] = frozenset()
    replay: bool = False
    snapshot: ReleaseSnapshot | None = None
    passed_over: tuple[str, ...] = ()


class Rollback(NamedTuple):
    """A request to undo, newest deployment first: all above `target`, the last `steps`, or all after a timestamp."""

    target: Release | None = None
    steps: int | None = None
    to_timestamp: tuple[int, str] | None = None
    accepted: frozenset[str] = frozenset()
    redone: frozenset[tuple[str, str]] | None = None
    """The rows to undo in order to deploy their files again, by identity; the downs of Python modules run as well."""


class Step(NamedTuple):
    """One alteration to deploy or to roll back, or a repeatable script; `entry` is its row where the ledger has one."""

    alteration: Alteration
    entry: Entry | None = None
    late: bool = False
    """True for a late alteration."""
    kept: KeptDown | None = None
    """The down that the ledger keeps, where that runs in place of a file."""


class Plan(NamedTuple):
    """The work of a run, in order, and the facts from which it was decided.

    The last of its `steps` may be repeatable scripts; `alterations` are the others.
    """

    direction: Direction
    target: Release | None
    steps: tuple[Step, ...]
    status: Status
    head: int
    """The ledger's head for which this plan is valid; a later head makes it stale."""
    relabel: tuple[Pair, ...] = ()
    accept: tuple[Pair, ...] = ()
    forget: tuple[Entry, ...] = ()
    moot: tuple[str, ...] = ()
    """The accepted identities that aren't deployed here: forgotten by an earlier run, or misspelt."""
    snapshot: ReleaseSnapshot | None = None
    """The snapshot that stands for the first of the steps."""
    passed_over: tuple[str, ...] = ()
    """Why later snapshots aren't used."""

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to do, nor to record."""
        return not (self.steps or self.relabel or self.accept or self.forget)

    @property
    def by_snapshot(self) -> tuple[Step, ...]:
        """The first steps, for which the snapshot stands."""
        return () if self.snapshot is None else _covered(self.steps, self.snapshot)

    @property
    def one_by_one(self) -> tuple[Step, ...]:
        """The steps whose scripts are run."""
        return self.steps[len(self.by_snapshot) :]

    @property
    def alterations(self) -> tuple[Step, ...]:
        """The steps without the repeatable scripts."""
        count = len(self.steps)
        while count and self.steps[count - 1].alteration.is_repeatable:
            count -= 1
        return self.steps[:count]

    @property
    def way(self) -> tuple[Reached, Reached]:
        """The standing of the database before the plan, and after it."""
        releases, lacking = Counter(self.status.releases), Counter(a.release for a in self.status.pending)
        before = reached(releases, lacking)
        deployed = self.status.deployed if self.alterations else ()
        counted = {entry.identity: (file or entry).release for entry, file in deployed}
        for step in self.alterations:
            release = counted.get(step.alteration.identity, step.alteration.release)
            change = 1 if self.direction is Direction.DEPLOY else -1
            releases[release] += change
            lacking[step.alteration.release] -= change
        return before, reached(+releases, +lacking)


def make_plan(catalogue: Catalogue, ledger: Ledger, request: Deploy | Rollback) -> Plan:
    """Decides what `request` means for this catalogue and this ledger.

    Raises PlanError where catalogue and ledger contradict each other in something that isn't accepted, and TargetError
    where the target is impossible.
    """
    require_released(
        request.target, catalogue, None if isinstance(request, Deploy) else (e.release for e in ledger.entries)
    )
    status = compare_with_ledger(catalogue, ledger)
    if isinstance(request, Deploy):
        return _plan_deploy(catalogue, ledger, request, status)
    return _plan_rollback(catalogue, ledger, request, status)


def _plan_deploy(catalogue: Catalogue, ledger: Ledger, request: Deploy, status: Status) -> Plan:
    refuse_edited([p.alteration for p in status.edited if p.alteration.id not in request.accepted])
    refuse_missing([e for e in status.missing if e.id not in request.accepted], status)
    target = request.target if request.target is not None else _latest(catalogue)
    wanted = [a for a in status.pending if a.release <= target][: request.steps]
    late = {a.identity for a in status.out_of_order}
    edited = {p.entry.identity for p in status.edited}
    if request.strict_order and (found := [a for a in wanted if a.identity in late]):
        raise OutOfOrder(f"{name_few(found)}: older than the newest deployed alteration", about=[a.id for a in found])
    steps = tuple(Step(alteration=a, entry=ledger.by_identity.get(a.identity), late=a.identity in late) for a in wanted)
    snapshot = None if ledger.entries else _fitting(request.snapshot, steps)
    refuse_squashed([s.alteration for s in steps[_count_covered(steps, snapshot) :]], status, request.passed_over)
    return Plan(
        direction=Direction.DEPLOY,
        target=target,
        steps=(*steps, *map(Step, due_after(status.repeatables, status.pending, wanted))),
        snapshot=snapshot,
        passed_over=() if ledger.entries else request.passed_over,
        status=status,
        head=ledger.head,
        relabel=tuple(p for p in status.renamed if p.entry.identity not in edited),
        accept=tuple(_accepted(p, status) for p in status.edited if p.alteration.id in request.accepted),
        forget=tuple(e for e in status.missing if e.id in request.accepted),
        moot=_moot(request.accepted, status),
    )


def _fitting(snapshot: ReleaseSnapshot | None, steps: tuple[Step, ...]) -> ReleaseSnapshot | None:
    """Returns a snapshot that stands for just the first of these steps, else None."""
    if snapshot is None or basis_of(step.alteration for step in _covered(steps, snapshot)) != snapshot.basis:
        return None
    return snapshot


def _count_covered(steps: tuple[Step, ...], snapshot: ReleaseSnapshot | None) -> int:
    return 0 if snapshot is None else len(_covered(steps, snapshot))


def _covered(steps: tuple[Step, ...], snapshot: ReleaseSnapshot) -> tuple[Step, ...]:
    return tuple(step for step in steps if snapshot.stands_for(step.alteration))


def _accepted(pair: Pair, status: Status) -> Pair:
    """Returns what is recorded of an edit: the file's content, under the label that counts."""
    if pair not in status.kept:
        return pair
    return pair._replace(alteration=pair.alteration._replace(release=pair.entry.release, name=pair.entry.name))


def _latest(catalogue: Catalogue) -> Release:
    if catalogue.latest is None:
        raise TargetError(
            "nothing is released, so there is no latest release",
            hint="to deploy unreleased alterations: `deploy` to `next`",
        )
    return catalogue.latest


def _plan_rollback(catalogue: Catalogue, ledger: Ledger, request: Rollback, status: Status) -> Plan:
    # A renamed file's row gets its new name first: the steps are about that.
    held = [
        entry for entry in reversed(under_new_names(ledger.entries, status.moved)) if entry.lineage in catalogue.by_name
    ]
    chosen = [entry for entry in held if _undone_by(request, entry, catalogue)][: request.steps]
    ways = [way_back(entry, catalogue, ledger, python=request.redone is not None) for entry in chosen]
    refuse_without_way_back([(e, way.obstacle) for e, way in zip(chosen, ways, strict=True) if way.obstacle], status)
    identities = {e.identity for e in chosen}
    edited = [p.alteration for p in status.edited if p.entry.identity in identities]
    refuse_edited([a for a in edited if a.id not in request.accepted])
    return Plan(
        direction=Direction.ROLLBACK,
        target=request.target,
        steps=tuple(
            Step(alteration=way.alteration, entry=e, kept=way.kept) for e, way in zip(chosen, ways, strict=True)
        ),
        status=status,
        head=ledger.head,
        relabel=tuple(pair for pair in status.moved if pair.alteration.identity in identities),
    )


def _undone_by(request: Rollback, entry: Entry, catalogue: Catalogue) -> bool:
    if request.redone is not None:
        return entry.identity in request.redone
    if request.target is not None:
        file = catalogue.by_name[entry.lineage].by_id.get(entry.id)
        return (as_labelled(file, entry, catalogue) if file else entry).release > request.target
    if request.to_timestamp is not None:
        return timestamp(entry.id) > request.to_timestamp
    return True


def _moot(accepted: frozenset[str], status: Status) -> tuple[str, ...]:
    """Returns the accepted identities that aren't deployed here.

    They aren't an error: a run that failed after it forgot an entry is continued with the same command.
    """
    if not accepted:
        return ()
    known = {p.alteration.id for p in status.edited} | {e.id for e in status.missing}
    return tuple(sorted(accepted - known - {entry.id for entry, _ in status.deployed}))
