"""Refuses plans whose files and ledger contradict each other: edited, missing, or without a way back."""

from collections.abc import Iterable, Sequence

from sartor.domain.alteration import Alteration
from sartor.domain.ledger import Entry
from sartor.domain.status import Status, record_renamed
from sartor.errors import AlterationEdited, AlterationMissing, AlterationSquashed


def refuse_edited(found: Sequence[Alteration]) -> None:
    if found:
        raise AlterationEdited(
            f"{name_few(found)} {'has' if len(found) == 1 else 'have'} changed after being deployed here",
            hint="restore the file and ship the change as a new alteration; or, if this database is correct:"
            f" {_accepting(found)}",
            about=[each.id for each in found],
        )


def refuse_without_way_back(found: Sequence[tuple[Entry, str]], status: Status) -> None:
    entries = [entry for entry, _ in found]
    _refuse_alike(entries, status)
    if found:
        several = len(found) > 1
        raise AlterationMissing(
            f"{name_few(entries)} {'are' if several else 'is'} deployed here, but not among the given alterations, and"
            f" {'they' if several else 'it'} can't be undone by what the ledger keeps:"
            f" {'; '.join(f'{entry.name}: {why}' for entry, why in found[:5])}",
            hint="roll back with the package that contains the file, give its folder with `sources`, or restore a"
            " backup; no alteration was rolled back",
            about=[entry.id for entry in entries],
        )


def _refuse_alike(found: Sequence[Entry], status: Status) -> None:
    if alike := [pair for pair in status.alike if pair.entry in found]:
        raise AlterationMissing(
            "; ".join(f"{e.name}, deployed here, may be {a.name} now; another has the same content" for a, e in alike),
            hint=f"rename the file back, or record its new name: `repair {record_renamed(alike)}`",
            about=[entry.id for _, entry in alike],
        )


def refuse_missing(found: Sequence[Entry], status: Status) -> None:
    _refuse_alike(found, status)
    if found:
        raise AlterationMissing(
            f"{name_few(found)} {'is' if len(found) == 1 else 'are'} deployed here, but not among the given"
            " alterations",
            hint=f"restore the file, or give its folder with `sources`; or, to deploy without it: {_accepting(found)}",
            about=[each.id for each in found],
        )


def _accepting(found: Iterable[Alteration | Entry]) -> str:
    return " ".join(f"`accepted` {each.id}" for each in found)


def name_few(found: Sequence[Alteration | Entry]) -> str:
    rest = len(found) - 5
    return ", ".join(each.name for each in found[:5]) + (f" and {rest} more" if rest > 0 else "")


def refuse_squashed(run: Sequence[Alteration], status: Status, passed_over: Sequence[str]) -> None:
    """Raises AlterationSquashed where a script that is to run was squashed; the error names the release to go through.

    `passed_over` says why snapshots can't be used.
    """
    found = [each for each in run if each.squashed]
    if not found:
        return
    release = max(each.release for each in found)
    those = f"{name_few(found)} {'was' if len(found) == 1 else 'were'} squashed"
    if status.number:
        at = f"release {status.release}" if status.release else "no whole release"
        raise AlterationSquashed(
            f"this database is at {at}, and {those}: this package has what comes up to {release} as a snapshot alone",
            hint=f"deploy {release} first, with a package that still has them as files, such as the product's release"
            f" {release}; then run this again",
            about=[each.id for each in found],
        )
    why = "; ".join(passed_over) or "no snapshot of that release, or of a later one, fits an empty schema here"
    raise AlterationSquashed(
        f"{those}, and can't be built: {why}",
        hint="deploy the release that the snapshot is of, or a later one, to an empty schema; or use a package that"
        " still has them as files",
        about=[each.id for each in found],
    )
