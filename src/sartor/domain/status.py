"""The status of a database: a comparison of disk and ledger."""

import shlex
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Catalogue, Key, order_key
from sartor.domain.existing import existing_note
from sartor.domain.ledger import Entry, Ledger, State
from sartor.domain.release import Release
from sartor.domain.renamed_files import find_renamed
from sartor.domain.repeatable import NONE, Repeatables, compare_repeatables
from sartor.domain.repeatable import status_notes as repeatable_notes
from sartor.errors import LineageMismatch


class Pair(NamedTuple):
    """An alteration on disk and its row of the ledger."""

    alteration: Alteration
    entry: Entry


Deployed = tuple[Entry, Alteration | None]
"""A complete row, and its file where there is one, with the release that counts: see `as_labelled`."""


class Status(NamedTuple):
    """The comparison of disk and ledger. Everything is in the order of deployment.

    `deployed` holds every complete row, with its file where there is one; `releases` says how many are deployed of each
    release. `pending` is what is shipped and not deployed, `out_of_order` the part of it below the newest deployed one;
    `interrupted` are rows whose steps outside a transaction never ended; `edited` released alterations whose file
    changed since; `edited_next` unreleased ones, which may be edited; `missing` rows without a file, except `ahead`,
    those above all that is shipped; `renamed` rows whose file has another release or name now, `kept` those whose label
    is newer than the file's. `release` is the highest of which everything shipped is deployed.
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
    moved: tuple[Pair, ...]
    """The rows of `next` whose file was renamed, with the one file of their content. They are among `renamed`."""
    alike: tuple[Pair, ...]
    """The missing rows of `next` whose file may have been renamed: several rows or pending files have one content."""
    strays: tuple[str, ...]
    """The objects of a schema without a ledger."""
    release: Release | None
    repeatables: Repeatables = NONE
    tool: str = ""
    """The title of another tool that has a table of its own in a schema without a ledger."""

    @property
    def number(self) -> int:
        """The number of alterations deployed."""
        return len(self.deployed)

    @property
    def contradicts(self) -> bool:
        """True where a deploy would be refused."""
        return bool(self.edited or self.missing)


def compare_with_ledger(catalogue: Catalogue, ledger: Ledger) -> Status:
    """Compares disk and ledger. Raises LineageMismatch where a lineage has got another name."""
    foreign = [entry for entry in ledger.entries if entry.lineage not in catalogue.by_name]
    _check_lineages(catalogue, ledger, foreign)
    lineages, whole = catalogue.by_name, State.DEPLOYED  # with ten thousand rows, each look at an enum's member counts
    held = [(e, lineages[e.lineage].by_id.get(e.id)) for e in ledger.entries if e.lineage in lineages]
    files = find_renamed(catalogue, ledger, [e for e, f in held if f is None])
    if by_row := files.by_row:
        held = [(e, f or by_row.get(e.identity)) for e, f in held]
    complete = tuple([(e, f and as_labelled(f, e, catalogue)) for e, f in held if e.state is whole])
    done = {(entry.lineage, file.id if file else entry.id) for entry, file in complete}
    pending = tuple([a for a in catalogue if a.identity not in done])
    releases = Counter([(file or entry).release for entry, file in complete])
    pairs = [Pair(f, e) for e, f in held if f and (f.release, f.name, f.checksum) != (e.release, e.name, e.checksum)]
    changed = [p for p in pairs if p.entry.state is whole and p.entry.checksum != p.alteration.checksum]
    labelled = [p for p in pairs if (p.entry.release, p.entry.name) != (p.alteration.release, p.alteration.name)]
    without_file = [entry for entry, file in held if file is None]
    missing = tuple([e for e in without_file if not _is_ahead(e, catalogue)])
    return Status(
        deployed=complete,
        releases=releases,
        pending=pending,
        out_of_order=_late(pending, complete),
        interrupted=tuple(entry for entry, _ in held if entry.state is not whole),
        edited=tuple(p for p in changed if not _is_free(p)),
        edited_next=tuple(p for p in changed if _is_free(p)),
        missing=missing,
        ahead=tuple(e for e in without_file if _is_ahead(e, catalogue)),
        renamed=tuple(p for p in labelled if not _keeps_label(p.entry, p.alteration, catalogue)),
        kept=tuple(p for p in labelled if _keeps_label(p.entry, p.alteration, catalogue)),
        elsewhere=tuple(dict.fromkeys(entry.lineage for entry in foreign)),
        moved=tuple(Pair(*each) for each in files.known),
        alike=tuple(Pair(*each) for each in files.alike),
        strays=ledger.strays,
        tool=ledger.tool,
        release=reached(releases, {a.release for a in pending}).release,
        repeatables=compare_repeatables(catalogue, ledger),
    )


def as_labelled(file: Alteration, entry: Entry, catalogue: Catalogue) -> Alteration:
    """Returns a file with the release that counts: its own, which may be newer than the row's; else the row's."""
    same = file.release is entry.release  # as for almost all rows: one object stands for each release
    return file if same or not _keeps_label(entry, file, catalogue) else file._replace(release=entry.release)


def _check_lineages(catalogue: Catalogue, ledger: Ledger, foreign: Iterable[Entry]) -> None:
    homes = {entry.id: entry.lineage for entry in foreign}
    for alteration in catalogue:
        home = homes.get(alteration.id)
        if home and alteration.identity not in ledger.by_identity:
            location = catalogue.by_name[alteration.lineage].location
            raise LineageMismatch(
                f"{alteration.id} is deployed as part of lineage {home!r}, but was given as part of"
                f" {alteration.lineage!r}",
                hint=f"give the lineage under the name that the database has: `sources` {home}={location}",
                about=[alteration.id],
            )


def _is_free(pair: Pair) -> bool:
    """Returns whether an alteration may be edited: it was unreleased when it was deployed, and still is."""
    return pair.entry.release.unreleased and pair.alteration.release.unreleased


def _is_ahead(entry: Entry, catalogue: Catalogue) -> bool:
    highest = catalogue.by_name[entry.lineage].highest_version
    return highest is not None and not entry.release.unreleased and entry.release > highest


def _keeps_label(entry: Entry, file: Alteration, catalogue: Catalogue) -> bool:
    """Returns whether a row's label is newer than its file's: an older package doesn't take back what is released."""
    if entry.release == file.release or entry.release.unreleased or entry.state is not State.DEPLOYED:
        return False
    return file.release.unreleased or _is_ahead(entry, catalogue)


def _late(pending: Sequence[Alteration], complete: Sequence[Deployed]) -> tuple[Alteration, ...]:
    newest: dict[str, Key] = {}
    for row in [file or entry for entry, file in complete] if pending else ():
        key = order_key(row.release, row.id)
        newest[row.lineage] = max(key, newest.get(row.lineage, key))
    return tuple(a for a in pending if a.key < newest.get(a.lineage, a.key))


def under_new_names(entries: Sequence[Entry], moved: Iterable[Pair]) -> Sequence[Entry]:
    """Returns rows with the identities and names of the renamed files that they belong to."""
    files = {entry.identity: file for file, entry in moved}
    if not files:
        return entries
    return [e._replace(id=f.id, name=f.name) if (f := files.get(e.identity)) else e for e in entries]


def record_renamed(pairs: Iterable[Pair]) -> str:
    """Returns the options of `repair` that record the new names of renamed files."""
    words = (f"--mark-not-deployed {shlex.quote(e.id)} --mark-deployed {shlex.quote(a.id)}" for a, e in pairs)
    return " ".join(words)


class Reached(NamedTuple):
    """The standing of a database: it has all of `release`, and `above` that all or a part of another one."""

    release: Release | None
    above: Release | None
    whole: bool

    def __str__(self) -> str:
        if self.above is None:
            return self.release.label if self.release else "nothing"
        above = self.above.label if self.whole else f"part of {self.above}"
        return f"{self.release} and {above}" if self.release else above


def reached(deployed: Iterable[Release], lacking: Container[Release]) -> Reached:
    """Returns how far a database is that has alterations of the releases `deployed`, and lacks some of `lacking`."""
    release = max((r for r in {*deployed} if r not in lacking and not r.unreleased), default=None)
    above = max((r for r in {*deployed} if release is None or r > release), default=None)
    return Reached(release, above, above not in lacking)


FEW = 3
"""The most sentences of one kind that are shown one by one."""


def few(sentences: Sequence[str], several: str) -> Iterator[str]:
    """Yields sentences about alterations that say the same; where they are many, one with their number."""
    if len(sentences) <= FEW:
        yield from sentences
    else:
        yield f"{len(sentences)} alterations {several}; the first: {sentences[0]}"


def _squashed_notes(status: Status) -> Iterator[str]:
    squashed = [a for a in status.pending if a.squashed]
    if squashed and status.number:
        release = max(a.release for a in squashed)
        yield (
            f"{len(squashed)} of what is pending has no file here, as it was squashed: deploy {release} first, with a"
            " package that still has the files"
        )


def status_notes(status: Status) -> Iterator[str]:
    """Yields sentences about how disk and ledger compare, beyond what is pending, edited or missing."""
    if status.strays:
        yield existing_note(status.strays, status.tool)
    yield from _notes_on_pairs(status)
    yield from _squashed_notes(status)
    if status.ahead:
        yield _ahead(status.ahead)
    for entry in status.interrupted:
        about = shlex.quote(entry.id)
        by_hand = f"`repair --mark-deployed {about}` or `repair --mark-not-deployed {about}`"
        yield (
            f"{entry.name} was interrupted outside a transaction; a deploy or rollback resumes it; if its work was"
            f" finished or undone by hand, {by_hand}"
        )
    yield from repeatable_notes(status.repeatables, ahead=bool(status.ahead))
    for lineage in status.elsewhere:
        yield f"the database also has alterations of lineage {lineage!r}, which wasn't given"


def _notes_on_pairs(status: Status) -> Iterator[str]:
    edited = [
        f"{pair.alteration.name} was edited after it was deployed here; `redo` deploys the edited file"
        for pair in status.edited_next
    ]
    moved = [f"{entry.name} was renamed to {file.name} after it was deployed here" for file, entry in status.moved]
    released = [
        f"{file.id}: deployed as {entry.release}, now part of {file.release}"
        for file, entry in status.renamed
        if entry.release != file.release and entry.id == file.id
    ]
    kept = [
        f"{file.id}: release {entry.release} here, {file.release} in this package; the ledger keeps {entry.release},"
        " because a released alteration stays released"
        for file, entry in status.kept
    ]
    yield from few(
        edited,
        "were edited after they were deployed here; `redo` deploys the edited files",
    )
    yield from few(moved, "were renamed after they were deployed here")
    yield from few(released, "are part of another release than they were deployed as")
    yield from few(
        kept,
        "have a later release here than in this package; the ledger keeps it, because what is released stays released",
    )


def _ahead(entries: tuple[Entry, ...]) -> str:
    releases = ", ".join(dict.fromkeys(entry.release.label for entry in entries))
    count = len(entries)
    return (
        f"the database is ahead: it has {count} alteration{'s' if count > 1 else ''} of {releases}"
        " that this package doesn't contain; use the package of that release, or `rollback`, which undoes them by what"
        " the ledger keeps of them"
    )
