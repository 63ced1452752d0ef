"""The status of a database: a comparison of disk and ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Catalogue, Key, order_key
from sartor.domain.ledger import Entry, Ledger, State
from sartor.domain.release import Release
from sartor.errors import LineageMismatch


class Pair(NamedTuple):
    """An alteration on disk and its row of the ledger."""

    alteration: Alteration
    entry: Entry


Deployed = tuple[Entry, Alteration | None]
"""A complete row, and its file where there is one, with the release that counts: see `as_labelled`."""


class Status(NamedTuple):
    """The comparison of disk and ledger. Everything is in the order of deployment.

    `deployed` holds every complete row, with its file where there is one, except those of the ledger's `as_shipped`;
    `releases` says how many are deployed of each release, including these. `pending` is what is shipped and not
    deployed, `out_of_order` the part of it below the newest deployed one; `interrupted` are rows whose steps outside a
    transaction never ended; `edited` released alterations whose file changed since; `edited_next` unreleased ones,
    which may be edited; `missing` rows without a file, except `ahead`, those above all that is shipped; `renamed` rows
    whose release changed its label, `kept` those whose label is newer than the file's. `release` is the highest of
    which everything shipped is deployed.
    """

    deployed: tuple[Deployed, ...]
    releases: Mapping[Release, int]
    pending: tuple[Alteration, ...]
    out_of_order: tuple[Alteration, ...]
    interrupted: tuple[Entry, ...]
    edited: tuple[Pair, ...]
    edited_next: tuple[Pair, ...]
    missing: tuple[Entry, ...]
    ahead: tuple[Entry, ...]
    renamed: tuple[Pair, ...]
    kept: tuple[Pair, ...]
    elsewhere: tuple[str, ...]
    """The lineages that the ledger knows and that weren't given."""
    release: Release | None

    @property
    def number(self) -> int:
        """The number of alterations deployed."""
        return sum(self.releases.values())

    @property
    def contradicts(self) -> bool:
        """True where a deploy would be refused."""
        return bool(self.edited or self.missing)


def compare_with_ledger(catalogue: Catalogue, ledger: Ledger) -> Status:
    """Compares disk and ledger. Raises LineageMismatch where a lineage has got another name."""
    foreign = [entry for entry in ledger.entries if entry.lineage not in catalogue.by_name]
    _check_lineages(catalogue, ledger, foreign)
    files = {name: lineage.by_id for name, lineage in catalogue.by_name.items()}
    held = [(entry, files[entry.lineage].get(entry.id)) for entry in ledger.entries if entry.lineage in files]
    complete = tuple(
        [
            (e, f if f is None or f.release is e.release else as_labelled(f, e, catalogue))
            for e, f in held
            if e.state is State.DEPLOYED
        ]
    )
    releases = _releases(ledger.as_shipped, complete)
    pending = _pending(catalogue, chain(ledger.as_shipped, (entry for entry, _ in complete)))
    # Most rows equal their file; only the others are examined one by one.
    odd = [(e, f) for e, f in held if f is None or f[:5] != e[:5] or e.state is not State.DEPLOYED]
    pairs = [Pair(file, entry) for entry, file in odd if file]
    changed = [p for p in pairs if p.entry.state is State.DEPLOYED and p.entry.checksum != p.alteration.checksum]
    labelled = [p for p in pairs if _label_changed(p)]
    without_file = [entry for entry, file in odd if file is None]
    return Status(
        deployed=complete,
        releases=releases,
        pending=pending,
        out_of_order=_late(pending, ledger.as_shipped, complete),
        interrupted=tuple(entry for entry, _ in odd if entry.state is not State.DEPLOYED),
        edited=tuple(p for p in changed if not _is_free(p)),
        edited_next=tuple(p for p in changed if _is_free(p)),
        missing=tuple(e for e in without_file if not _is_ahead(e, catalogue)),
        ahead=tuple(e for e in without_file if _is_ahead(e, catalogue)),
        renamed=tuple(p for p in labelled if not _keeps_label(p.entry, p.alteration, catalogue)),
        kept=tuple(p for p in labelled if _keeps_label(p.entry, p.alteration, catalogue)),
        elsewhere=tuple(dict.fromkeys(entry.lineage for entry in foreign)),
        release=_complete_release(releases, pending),
    )


def as_labelled(file: Alteration, entry: Entry, catalogue: Catalogue) -> Alteration:
    """Returns a file with the release that counts: its own, which may be newer than the row's; else the row's."""
    return file._replace(release=entry.release) if _keeps_label(entry, file, catalogue) else file


def _releases(as_shipped: Sequence[Alteration], complete: Sequence[Deployed]) -> Mapping[Release, int]:
    found: Counter[Release] = Counter()
    # Those of a release come one after another: ten thousand lookups of a release would be slow.
    for release, those in groupby(
        chain(as_shipped, (file or entry for entry, file in complete)), attrgetter("release")
    ):
        found[release] += sum(1 for _ in those)
    return found


def _pending(catalogue: Catalogue, deployed: Iterable[Alteration | Entry]) -> tuple[Alteration, ...]:
    done: dict[str, set[str]] = {lineage.name: set() for lineage in catalogue.lineages}
    for lineage, rows in groupby(deployed, attrgetter("lineage")):
        done[lineage].update(map(attrgetter("id"), rows))
    left = [(each, each.by_id.keys() - done[each.name]) for each in catalogue.lineages]
    return tuple([a for each, ids in left if ids for a in each.alterations if a.id in ids])


def _check_lineages(catalogue: Catalogue, ledger: Ledger, foreign: Iterable[Entry]) -> None:
    homes = {entry.id: entry.lineage for entry in foreign}
    held = {*ledger.by_identity} | {a.identity for a in ledger.as_shipped} if homes else set()
    for alteration in catalogue if homes else ():
        home = homes.get(alteration.id)
        if home and alteration.identity not in held:
            location = catalogue.by_name[alteration.lineage].location
            raise LineageMismatch(
                f"{alteration.id} is deployed as part of lineage {home!r}, and was given as part of"
                f" {alteration.lineage!r}",
                hint=f"name the lineage as the database knows it: --alterations {home}={location}",
            )


def _is_free(pair: Pair) -> bool:
    """Returns whether an alteration may be edited: it was unreleased when it was deployed, and still is."""
    return pair.entry.release.unreleased and pair.alteration.release.unreleased


def _is_ahead(entry: Entry, catalogue: Catalogue) -> bool:
    highest = catalogue.by_name[entry.lineage].highest_version
    return highest is not None and not entry.release.unreleased and entry.release > highest


def _label_changed(pair: Pair) -> bool:
    return pair.entry.release != pair.alteration.release or pair.entry.name != pair.alteration.name


def _keeps_label(entry: Entry, file: Alteration, catalogue: Catalogue) -> bool:
    """Returns whether a row's label is newer than its file's: an older package doesn't take back what is released."""
    if entry.release.unreleased or entry.state is not State.DEPLOYED:
        return False
    return file.release.unreleased or (entry.release != file.release and _is_ahead(entry, catalogue))


def _late(
    pending: Sequence[Alteration], as_shipped: Sequence[Alteration], complete: Sequence[Deployed]
) -> tuple[Alteration, ...]:
    newest: dict[str, Key] = {}
    for row in chain(as_shipped, (file or entry for entry, file in complete)) if pending else ():
        key = order_key(row.release, row.id)
        newest[row.lineage] = max(key, newest.get(row.lineage, key))
    return tuple(a for a in pending if a.key < newest.get(a.lineage, a.key))


def _complete_release(deployed: Iterable[Release], pending: Sequence[Alteration]) -> Release | None:
    lacking = {alteration.release for alteration in pending}
    return max((r for r in {*deployed} - lacking if not r.unreleased), default=None)
