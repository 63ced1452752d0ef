"""What an import of another tool's migrations writes."""

from typing import NamedTuple


class ImportedFile(NamedTuple):
    """A file of an import: its name, its alteration's identity, what it is made of, and its text.

    `version` is what the tool's ledger calls it, `source` the tool's file. `exists` is true where the file was there
    with the same content, under this release or another. `parents`, `replaces` and `checksums` are what the tool's
    ledger is compared with.
    """

    name: str
    id: str
    version: str
    source: str
    text: str
    exists: bool
    parents: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    checksums: tuple[str, ...] = ()


class AppliedMigrations(NamedTuple):
    """What a tool's own `table` in a database says was run: the identities of those alterations, in order.

    Where something is `refused`, the table and the files don't fit each other; `notes` are what one should know.
    """

    table: str
    ids: tuple[str, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]


class Import(NamedTuple):
    """What an import from a `tool` writes into `folder`: its files, in their order.

    `title` is what messages call the tool. Where something is `refused`, nothing is written; `notes` tell what isn't
    carried over. Both are sentences. `ledger` is the tool's table where the project names one.
    """

    tool: str
    title: str
    folder: str
    files: tuple[ImportedFile, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    ledger: str | None = None

    @property
    def new(self) -> tuple[ImportedFile, ...]:
        """The files that aren't there yet."""
        return tuple(each for each in self.files if not each.exists)
