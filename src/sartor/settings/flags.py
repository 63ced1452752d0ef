"""The flags of a command line that are settings."""

from collections.abc import Sequence
from typing import NamedTuple


class Flags(NamedTuple):
    """The flags of the command line, as they were written; None (or nothing) where there was none.

    Several of `db_url` or of `schema` name several destinations, as numbered settings do. `schemas` and `databases` are
    patterns, `schemas_from` is a query, `urls_from` the name of a file, and `only` the labels of those that are meant.
    """

    db_url: tuple[str, ...] = ()
    schema: tuple[str, ...] = ()
    alterations: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    lock_timeout: str | None = None
    lock_budget: str | None = None
    wait: str | None = None
    statement_timeout: str | None = None
    strict_order: bool | None = None
    require_tls: bool | None = None
    scratch_bootstrap: str | None = None
    schemas: tuple[str, ...] = ()
    schemas_from: str | None = None
    databases: tuple[str, ...] = ()
    urls_from: str | None = None
    only: tuple[str, ...] = ()
    control: str | None = None

    def __repr__(self) -> str:
        return "Flags(...)"  # a password may be in it


NO_FLAGS = Flags()


def as_texts(given: Sequence[str]) -> tuple[str, ...]:
    """Returns the texts of a flag; a single text, which is a sequence of texts as well, is one."""
    return (given,) if isinstance(given, str) else tuple(given)
