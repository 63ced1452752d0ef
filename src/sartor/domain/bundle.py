"""Alterations in bundles, so that disk and database can be compared without sending a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from sartor.domain.alteration import Alteration


def bundles(alterations: Iterable[Alteration]) -> dict[str, list[Alteration]]:
    """Returns alterations by lineage and release, in order, under a hash of their ledger values (64 hex digits).

    A release under two labels (`1.0`, `1.0.0`) is one bundle here and two in a ledger, so it is never found equal.
    """
    found = [list(bundle) for _, bundle in groupby(alterations, key=attrgetter("lineage", "release"))]
    return {_digest(bundle): bundle for bundle in found}


def _digest(bundle: Iterable[Alteration]) -> str:
    in_order = sorted(bundle, key=attrgetter("id"))
    lines = [
        f"{lineage}/{release.label}/{alteration_id}/{name}/{content_sum}"
        for lineage, alteration_id, release, name, content_sum, _ in in_order
    ]
    return hashlib.sha256("/".join(lines).encode()).hexdigest()
