"""Catalogues and ledgers as values, and what a run would make of a ledger: for the plan's tests, without a database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from sartor import Alteration, Catalogue, Direction, Entry, Ledger, Lineage, Plan, Release, State
from sartor.domain.alteration import make_lineage
from sartor.domain.file_names import parse_file_name

RELEASES = ("1.0.0", "1.1.0", "2.0.0_beta.1", "2.0.0", "next")
WHEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def alteration(name: str, *, lineage: str = "main", checksum: str = "sha256:0") -> Alteration:
    """The alteration in a file of this name."""
    release, found = parse_file_name(name)
    return Alteration(lineage=lineage, release=release, id=found, name=name, folder="", checksum=checksum)


def lineage(*names: str, name: str = "main") -> Lineage:
    """A lineage of files."""
    return make_lineage(name, f"/{name}", (alteration(n, lineage=name) for n in names))


def catalogue(*names: str) -> Catalogue:
    """One lineage of files."""
    return Catalogue((lineage(*names),))


def entry(of: Alteration, seq: int = 1, state: State = State.DEPLOYED) -> Entry:
    """The row that a deployment of an alteration leaves."""
    return Entry(
        lineage=of.lineage,
        id=of.id,
        release=of.release,
        name=of.name,
        checksum=of.checksum,
        state=state,
        deployed_at=WHEN,
        duration_ms=1.0,
        deployed_by="tester",
        host="here",
        sartor="0",
        seq=seq,
    )


def ledger(deployed: Iterable[Alteration]) -> Ledger:
    """The ledger that deployments in this order leave."""
    entries = tuple(entry(a, seq) for seq, a in enumerate(deployed, start=1))
    return Ledger(head=len(entries), entries=entries)


def carry_out(plan: Plan, before: Ledger) -> Ledger:
    """The ledger after a run that does all of a plan."""
    rows = dict(before.by_identity)
    head = max(0, before.head)
    for pair in plan.relabel:
        to = pair.alteration
        rows[_key(to)] = rows.pop(_key(pair.entry))._replace(id=to.id, release=to.release, name=to.name)
    for pair in plan.accept:
        taken = pair.alteration
        rows[_key(taken)] = pair.entry._replace(release=taken.release, name=taken.name, checksum=taken.checksum)
    for gone in plan.forget:
        del rows[_key(gone)]
    head += len(plan.relabel) + len(plan.accept) + len(plan.forget)
    for step in plan.steps:
        head += 1
        if plan.direction is Direction.DEPLOY:
            rows[_key(step.alteration)] = entry(step.alteration, head)
        else:
            del rows[_key(step.alteration)]
    return Ledger(head=head, entries=tuple(sorted(rows.values(), key=lambda e: e.seq)))


def _key(of: Alteration | Entry) -> tuple[str, str]:
    return of.lineage, of.id


def ids(found: Iterable[Alteration | Entry]) -> list[str]:
    """Their identities."""
    return [each.id for each in found]


releases = st.sampled_from([Release.parse(label) for label in RELEASES])
"""Releases of the generated catalogues, `next` among them."""


@st.composite
def alterations(draw: st.DrawFn, *, max_size: int = 8) -> Sequence[Alteration]:
    """Alterations of one lineage, with few timestamps, so that ties are common."""
    timestamps = st.sampled_from(["1", "2", "2.05", "2.5", "3", "10", "1700000000"])
    keys = draw(st.lists(st.tuples(timestamps, st.sampled_from("abc")), max_size=max_size, unique=True))
    return [alteration(f"{draw(st.sampled_from(RELEASES))}-{timestamp}-{slug}.py") for timestamp, slug in keys]


@st.composite
def situations(draw: st.DrawFn) -> tuple[Catalogue, Ledger]:
    """A catalogue, and a ledger that holds some of it, deployed in any order."""
    shipped = draw(alterations())
    deployed = draw(st.lists(st.sampled_from(shipped), unique_by=lambda a: a.id)) if shipped else []
    return Catalogue((make_lineage("main", "/main", shipped),)), ledger(deployed)
