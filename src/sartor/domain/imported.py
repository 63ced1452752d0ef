"""What an import of another tool's migrations writes."""

from typing import NamedTuple


class ImportedFile(NamedTuple):
    """A file of an import: its name, its alteration's identity, what it is made of, and its text.

    `version` is what the tool's ledger calls it, `source` the tool's file. `exists` is true where the file was there
    with the same content, under this release or another.
    """

    name: str
    id: str
    version: str
    source: str
    text: str
    exists: bool


class Import(NamedTuple):
    """What an import from a `tool` writes into `folder`: its files, in their order.

    `title` is what messages call the tool. Where something is `refused`, nothing is written; `notes` tell what isn't
    carried over. Both are sentences.
    """

    tool: str
    title: str
    folder: str
    files: tuple[ImportedFile, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def new(self) -> tuple[ImportedFile, ...]:
        """The files that aren't there yet."""
        return tuple(each for each in self.files if not each.exists)
