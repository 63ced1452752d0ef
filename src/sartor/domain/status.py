"""What disk and ledger say of each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Catalogue, Key, order_key
from sartor.domain.errors import LineageMismatch
from sartor.domain.ledger import Entry, Ledger, State
from sartor.domain.release import Release


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
