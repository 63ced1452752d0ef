"""The API for an application, or a maker's own command; every command of `sartor` is one call here.

    report = await sartor.api.deploy(destination, sources, target="1.2.0")

Functions are coroutines where they reach a database. They raise SartorError, never print, and report what happens to an
`observer`. What needs the driver is imported where it is needed, so that `list` doesn't load it.
"""

from sartor.api.backups import backup, restore
from sartor.api.files import KEPT, lint, list_alterations
from sartor.api.looks import DestinationStatus, check, check_rollback, history, preview_rollback, status
from sartor.api.proofs import check_manifest, prove
from sartor.api.rehearsals import rehearse
from sartor.api.repairs import preview_repair, repair, verify
from sartor.api.requests import make_limits, secrets
from sartor.api.runs import deploy, fresh, is_production, protect, rollback, seed
from sartor.api.server import can_end, embedded, own_process
from sartor.domain.release import LATEST
from sartor.settings import (
    Flags,
    LineageSource,
    Settings,
    load_destination,
    load_ignored,
    load_settings,
    load_sources,
)

__all__ = [
    "KEPT",
    "LATEST",
    "DestinationStatus",
    "Flags",
    "LineageSource",
    "Settings",
    "backup",
    "can_end",
    "check",
    "check_manifest",
    "check_rollback",
    "deploy",
    "embedded",
    "fresh",
    "history",
    "is_production",
    "lint",
    "list_alterations",
    "load_destination",
    "load_ignored",
    "load_settings",
    "load_sources",
    "make_limits",
    "own_process",
    "preview_repair",
    "preview_rollback",
    "protect",
    "prove",
    "rehearse",
    "repair",
    "restore",
    "rollback",
    "secrets",
    "seed",
    "status",
    "verify",
]
