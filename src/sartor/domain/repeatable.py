"""Repeatable scripts: which of them differ from what a database has, and when they run."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.ledger import Ledger, RepeatableEntry


class Repeatables(NamedTuple):
    """The comparison of the repeatable scripts on disk with those that a database has, in the order in which they run.

    `due` have never run here, or ran with another content, or before a rollback, which may have taken what they made;
    `current` ran as they are now; `missing` ran here and aren't among the files. `changed` holds the rows of those that
    are due and ran before.
    """

    due: tuple[Alteration, ...] = ()
    current: tuple[Alteration, ...] = ()
    missing: tuple[RepeatableEntry, ...] = ()
    changed: tuple[RepeatableEntry, ...] = ()

    @property
    def never_run(self) -> tuple[Alteration, ...]:
        """Those of the `due` that have never run here; of the others an older package has its own as well."""
        ran = {entry.identity for entry in self.changed}
        return tuple(script for script in self.due if script.identity not in ran)


NONE = Repeatables()


def compare_repeatables(catalogue: Catalogue, ledger: Ledger) -> Repeatables:
    """Compares the repeatable scripts of a catalogue with those of a ledger, lineage by lineage, by their checksums."""
    if not (catalogue.repeatables or ledger.repeatables):
        return NONE
    held = {entry.identity: entry for entry in ledger.repeatables if entry.lineage in catalogue.by_name}
    shipped = {script.identity for script in catalogue.repeatables}
    current = {i for script in catalogue.repeatables if _is_current(script, held.get(i := script.identity))}
    due = tuple(script for script in catalogue.repeatables if script.identity not in current)
    return Repeatables(
        due=due,
        current=tuple(script for script in catalogue.repeatables if script.identity in current),
        missing=tuple(entry for identity, entry in held.items() if identity not in shipped),
        changed=tuple(held[script.identity] for script in due if script.identity in held),
    )


def _is_current(script: Alteration, entry: RepeatableEntry | None) -> bool:
    return entry is not None and entry.checksum == script.checksum and not entry.again


def due_after(
    repeatables: Repeatables, pending: Sequence[Alteration], wanted: Sequence[Alteration]
) -> tuple[Alteration, ...]:
    """Returns the scripts to run behind the `wanted` ones of the `pending` alterations.

    They are written for all that is released: none runs while a released alteration stays pending.
    """
    return () if repeatables.due and _left(pending, wanted) else repeatables.due


def _left(pending: Sequence[Alteration], wanted: Collection[Alteration]) -> int:
    """Returns the number of released alterations that stay pending."""
    done = {alteration.identity for alteration in wanted}
    return sum(a.identity not in done and not a.release.unreleased for a in pending)


def status_notes(repeatables: Repeatables, *, ahead: bool) -> Iterator[str]:
    """Yields sentences about the scripts that ran and aren't among the files; `ahead`: the package is an older one."""
    for entry in repeatables.missing:
        if ahead:
            yield f"{entry.name} ran here, from a newer package: what it made stays"
        else:
            yield (
                f"{entry.name} ran here, and isn't among the files: what it made stays until an alteration drops that;"
                f" to forget it then: `repair --mark-not-deployed {entry.id}`"
            )


def deploy_notes(
    repeatables: Repeatables,
    pending: Sequence[Alteration],
    wanted: Sequence[Alteration],
    *,
    ahead: bool,
) -> Iterator[str]:
    """Yields sentences about the scripts that a deploy of the `wanted` alterations leaves, or puts back."""
    due = repeatables.due
    if due and (left := _left(pending, wanted)):
        waits = "waits" if len(due) == 1 else "wait"
        yield (
            f"{names(due)} {waits}: repeatable scripts are written for all that is released, and {left} released"
            f" alteration{'s stay' if left > 1 else ' stays'} pending"
        )
    elif ahead and (changed := [s for s in due if s.identity in {e.identity for e in repeatables.changed}]):
        yield f"{names(changed)}: what this older package ships replaces what a newer one made"


def rollback_note(repeatables: Repeatables) -> str | None:
    """Returns a sentence about the scripts that a rollback leaves; None where there are none."""
    held: list[Alteration | RepeatableEntry] = []
    held += (*repeatables.current, *repeatables.changed, *repeatables.missing)
    if not held:
        return None
    return (
        f"a rollback doesn't undo repeatable scripts: {names(held)} stay{'s' if len(held) == 1 else ''} as deployed;"
        " the next deploy runs all of them again, an older package its own"
    )


def names(scripts: Sequence[Alteration | RepeatableEntry]) -> str:
    """Returns the names of the first three scripts, and how many more there are."""
    rest = f" and {len(scripts) - 3} more" if len(scripts) > 3 else ""
    return ", ".join(each.name for each in scripts[:3]) + rest
