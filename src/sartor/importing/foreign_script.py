"""What is read of another tool's migrations, and of the table in which it keeps what it ran."""

from typing import NamedTuple


class ForeignScript(NamedTuple):
    """A migration of another tool.

    `version` is what the tool's ledger calls it, `slug` its name in a few words, `source` the file that it is from.
    `timestamp` is Unix seconds, None where it has only its place in the order. `transaction_up` and `transaction_down`
    say whether it runs in a transaction, None where its statements decide. `irreversible` says why there is no `down`.
    `parents` are the versions that come right before it, where the tool's ledger has only the last ones, and `replaces`
    the versions for which it stands. `release` is its own, where it has one. `by_hand` says why it is no SQL, and is to
    be written by hand. Where `up` and `down` are empty, there is nothing to run. `checksums` are those that the tool
    may have kept of its file.
    """

    version: str
    slug: str
    up: str
    down: str | None
    source: str
    timestamp: str | None = None
    transaction_up: bool | None = None
    transaction_down: bool | None = None
    irreversible: str | None = None
    repeatable: bool = False
    parents: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    release: str | None = None
    checksums: tuple[str, ...] = ()
    by_hand: str | None = None


class Reading(NamedTuple):
    """What a folder gives: scripts in the order in which the tool runs them, and sentences about the rest.

    Where something is `refused`, nothing is written; `notes` tell what isn't carried over. `ledger` is the tool's table
    where the project names one, as `schema.table` or `table`.
    """

    scripts: tuple[ForeignScript, ...]
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ledger: str | None = None


class Applied(NamedTuple):
    """The versions that a tool's ledger says were run, and sentences about the rest."""

    versions: frozenset[str]
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
