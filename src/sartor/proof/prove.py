"""Proves alterations in order, each on what a deploy made before it, and records them in the manifest."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence

from sartor.alterations.loader import load_script
from sartor.alterations.manifest import add_lines, check, is_writable
from sartor.conninfo.parameters import nearest
from sartor.domain.alteration import Alteration, Catalogue, Lineage
from sartor.domain.destination import Destination, Limits
from sartor.domain.manifest import Line
from sartor.domain.plan import Deploy, Direction
from sartor.domain.proof import Proof, Proofs, Stage
from sartor.domain.report import Judged, Judging, Note, Observer, Started, Waiting, only
from sartor.errors import AlterationEdited, TargetError
from sartor.execution.development import load_seed
from sartor.proof.repeats import prove_repeatables
from sartor.proof.round_trip import RoundTrip, ScratchEnvironment, new_environment

Steps = deque[tuple[int, Alteration]]
"""The alterations that are left to prove, each with its place in the catalogue, from 0."""


def select_alterations(catalogue: Catalogue, names: Iterable[str]) -> tuple[Alteration, ...]:
    """Returns the alterations with these ids or file names, in the catalogue's order. Raises TargetError."""
    wanted = {_find(catalogue, name).identity for name in names}
    return tuple(a for a in (*catalogue, *catalogue.repeatables) if a.identity in wanted)


def _find(catalogue: Catalogue, name: str) -> Alteration:
    known: dict[str, Alteration] = {}
    for each in (*catalogue, *catalogue.repeatables):
        known |= {each.id: each, each.name: each}
    if name in known:
        if known[name].squashed:
            raise TargetError(
                f"{name} was squashed: it has no file to prove", hint="to prove all others: `sartor.prove`"
            )
        return known[name]
    near = nearest(name, known, cutoff=0.6)
    hint = f"did you mean {near}?" if near else "to list the alterations: `list_alterations`"
    raise TargetError(f"there is no alteration {name}", hint=hint)


async def prove(
    beside: Destination,
    catalogue: Catalogue,
    chosen: Sequence[Alteration],
    *,
    seed: str | None,
    limits: Limits,
    observer: Observer,
    records: bool = True,
) -> Proofs:
    """Proves the chosen alterations in the catalogue's order, in a scratch database on the server of `beside`.

    The alterations before them are deployed first, then the file `seed` is put in. After one that leaves something else
    than a deploy does, a new database is made for the next one; after an `up` that fails, the proofs end. The manifest
    gets the proofs, unless not `records`. Raises AlterationEdited, ScriptError, DestinationError, and AlterationFailed
    where those before can't be deployed.
    """
    refuse_edited(catalogue, chosen)
    module = None if seed is None else load_seed(seed)
    wanted = {alteration.identity for alteration in chosen}
    steps: Steps = deque((place, a) for place, a in enumerate(catalogue) if a.identity in wanted)
    repeatables = [script for script in catalogue.repeatables if script.identity in wanted]
    for alteration in _loaded(catalogue, steps, repeatables):
        load_script(alteration).body(Direction.DEPLOY)
    observer(Judging(number=len(steps) + len(repeatables)))
    writable, proofs = _writable(catalogue, observer) if records else [], list[Proof]()
    first, shown = steps[0][0] if steps else 0, only(observer, Started, Waiting)
    while steps and not (proofs and proofs[-1].failed is Stage.UP):
        async with new_environment(beside, module, limits=limits, observer=shown) as bench:
            await bench.prepare(catalogue, first, steps[0][0])
            try:
                async for proof in _go_on(bench, catalogue, steps):
                    proofs.append(proof)
                    observer(Judged(proof=proof))
            finally:  # not for each proof, as the whole file is read and put on the disk
                for lineage in writable:
                    add_lines(lineage, [Line.of(each) for each in proofs if each.alteration.lineage == lineage.name])
    remaining = [alteration for _, alteration in steps]
    if repeatables and not remaining and not (proofs and proofs[-1].failed is Stage.UP):
        async with new_environment(beside, module, limits=limits, observer=shown) as bench:
            async for proof in prove_repeatables(bench, catalogue, repeatables):
                proofs.append(proof)
                observer(Judged(proof=proof))
    judged = {proof.alteration.identity for proof in proofs}
    remaining += [script for script in repeatables if script.identity not in judged]
    return Proofs(tuple(proofs), tuple(remaining))


def _loaded(catalogue: Catalogue, steps: Steps, repeatables: Sequence[Alteration]) -> Iterable[Alteration]:
    """Returns the scripts that the proofs run."""
    if repeatables:
        return (*(each for each in catalogue if not each.squashed), *catalogue.repeatables)
    return (each for each in catalogue.first(steps[-1][0] + 1) if not each.squashed) if steps else ()


async def _go_on(bench: ScratchEnvironment, catalogue: Catalogue, steps: Steps) -> AsyncIterator[Proof]:
    """Proves one alteration after another, for as long as the bench holds what a deploy makes."""
    now, stands = steps[0][0], True
    while steps and stands:
        place, alteration = steps.popleft()
        if place > now:
            await bench.carry_out(catalogue.first(place), Deploy())
        proof = await RoundTrip(bench, catalogue.first(place + 1), alteration).prove()
        now, stands = place + 1, proof.stands
        yield proof


def refuse_edited(catalogue: Catalogue, chosen: Iterable[Alteration]) -> None:
    """Raises AlterationEdited where a chosen alteration was edited since its release: a new proof would hide that."""
    edited = set(check(catalogue).edited)
    if found := [a.name for a in chosen if a in edited]:
        plural = "has" if len(found) == 1 else "have"
        raise AlterationEdited(
            f"{', '.join(found)} {plural} changed since the release, according to the manifest",
            hint="restore the file and ship the change as a new alteration; or, if the old version isn't"
            " deployed anywhere, remove its line from manifest.toml",
        )


def _writable(catalogue: Catalogue, observer: Observer) -> list[Lineage]:
    """Returns the lineages whose manifest can be written, and reports the others."""
    writable = [lineage for lineage in catalogue.lineages if is_writable(lineage)]
    for lineage in catalogue.lineages:
        if lineage not in writable:
            observer(Note(text=f"{lineage.location} can't be written to, so its manifest isn't updated"))
    return writable
