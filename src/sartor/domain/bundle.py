"""Alterations by the bundle, so that disk and database can be held against each other without sending a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sartor.domain.alteration import Alteration


def bundles(alterations: Iterable[Alteration]) -> dict[str, list[Alteration]]:
    """Alterations by lineage and release, each bundle under a hash of all that a ledger says of it too: 64 hex digits."""
    found: dict[tuple[str, str], list[Alteration]] = {}
    for alteration in alterations:
        found.setdefault((alteration.lineage, alteration.release.label), []).append(alteration)
    return {_digest(f"{lineage}/{release}", bundle): bundle for (lineage, release), bundle in found.items()}


def _digest(prefix: str, bundle: Iterable[Alteration]) -> str:
    lines = [f"{prefix}/{a.id}/{a.name}/{a.checksum}" for a in sorted(bundle, key=lambda a: a.id)]
    return hashlib.sha256("/".join(lines).encode()).hexdigest()
