"""Decides by what a deployed alteration is undone: by its file, or by the down that the ledger keeps of it."""

from collections.abc import Iterator
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Catalogue
from sartor.domain.kept_down import INTERRUPTED, NOTHING, PYTHON, KeptDown
from sartor.domain.ledger import Entry, Ledger, State

PLACE = "the ledger"
"""What stands for the folder of an alteration that has no file here."""


class WayBack(NamedTuple):
    """What undoes a row: what is `kept`, or its file where that is None; `obstacle` is the reason why neither does."""

    alteration: Alteration
    kept: KeptDown | None = None
    obstacle: str | None = None


def rows_to_look_up(catalogue: Catalogue, ledger: Ledger) -> Iterator[Entry]:
    """Yields the rows of whose file the deployed content isn't here, so that the kept down may be wanted."""
    for entry in ledger.entries:
        lineage = catalogue.by_name.get(entry.lineage)
        if lineage is None:
            continue
        file = lineage.by_id.get(entry.id)
        if file is None or file.squashed or file.checksum != entry.checksum:
            yield entry


def way_back(entry: Entry, catalogue: Catalogue, ledger: Ledger, *, python: bool) -> WayBack:
    """Returns what undoes a row; the source of a module that the ledger keeps is only run where `python` is allowed.

    The file counts where it is here, but for an unreleased one that was edited: what was deployed is what is undone.
    """
    found = catalogue.by_name[entry.lineage].by_id.get(entry.id)
    file = None if found is None or found.squashed else found
    edited = file and file.checksum != entry.checksum and file.release.unreleased and entry.release.unreleased
    if file and not edited:
        return WayBack(file)
    kept = ledger.downs.get(entry.identity)
    nothing = NOTHING if entry.state is State.DEPLOYED else INTERRUPTED
    obstacle = kept.obstacle(entry.checksum, released=not entry.release.unreleased) if kept else nothing
    if kept and kept.python is not None and not python:
        obstacle = obstacle or f"{PYTHON}; `redo` runs it"
    if file and obstacle:
        return WayBack(file)
    lineage = catalogue.by_name[entry.lineage]
    beside = next((each.folder for each in lineage.alterations), lineage.location)  # what a module imports is there
    place = beside if kept and kept.python is not None else PLACE
    told = (entry.lineage, entry.id, entry.release, entry.name, entry.checksum)
    stands_for = Alteration(*told, place, lineage.given)
    return WayBack(file or stands_for, kept=kept if obstacle is None else None, obstacle=obstacle)
