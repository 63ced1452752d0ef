"""Recognises unreleased alterations whose files were renamed after they were deployed, by their content."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.ledger import Entry, Ledger, State

T = TypeVar("T", Alteration, Entry)

Pairs = tuple[tuple[Alteration, Entry], ...]


class RenamedFiles(NamedTuple):
    """Files that have the content of rows without a file, each with its row.

    `known` are the only ones of their content: the row is that file's. Of `alike` several rows or several files have
    the same content, so that only a person can tell which is which.
    """

    known: Pairs = ()
    alike: Pairs = ()

    @property
    def by_row(self) -> Mapping[tuple[str, str], Alteration]:
        """The files of the rows that are `known`, by the row's identity."""
        return {entry.identity: file for file, entry in self.known}


def find_renamed(catalogue: Catalogue, ledger: Ledger, without_file: Iterable[Entry]) -> RenamedFiles:
    """Returns the renamed files among those that the ledger doesn't know, given its rows without a file.

    Only whole rows of `next` count: what is released keeps its name.
    """
    lost = _by_content(e for e in without_file if e.release.unreleased and e.state is State.DEPLOYED)
    if not lost:  # as nearly always: ten thousand files needn't be looked at
        return RenamedFiles()
    new = _by_content(a for a in catalogue if a.identity not in ledger.by_identity)
    known: list[tuple[Alteration, Entry]] = []
    alike: list[tuple[Alteration, Entry]] = []
    for content, rows in lost.items():
        files = new.get(content, [])
        sole = len(rows) == len(files) == 1
        (known if sole else alike).extend(zip(files, rows, strict=False))
    return RenamedFiles(tuple(known), tuple(alike))


def _by_content(found: Iterable[T]) -> dict[tuple[str, str], list[T]]:
    groups: dict[tuple[str, str], list[T]] = defaultdict(list)
    for each in found:
        groups[each.lineage, each.checksum].append(each)
    return groups
