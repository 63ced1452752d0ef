"""Chooses the alterations to prove."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from sartor.alterations.manifest import check
from sartor.domain.alteration import Alteration, Catalogue
from sartor.errors import AlterationEdited, TargetError


def select_alterations(catalogue: Catalogue, names: Iterable[str]) -> tuple[Alteration, ...]:
    """Returns the alterations with these ids or file names, in the catalogue's order. Raises TargetError."""
    wanted = {_find(catalogue, name).identity for name in names}
    return tuple(a for a in catalogue if a.identity in wanted)


def _find(catalogue: Catalogue, name: str) -> Alteration:
    known = {text: a for a in catalogue for text in (a.id, a.name)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "to list the alterations: `list_alterations`"
    raise TargetError(f"there is no alteration {name}", hint=hint)


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
