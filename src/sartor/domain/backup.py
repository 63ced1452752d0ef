"""A backup: its contents, its file name, and its journal record."""

from datetime import datetime
from typing import NamedTuple

from sartor.domain.destination import DEFAULT_SCHEMA


class Backup(NamedTuple):
    """A backup that was taken, and decoded to its end.

    `file` is its absolute path, `schema` the schema that it holds (None: the whole database), `lsn` the position in the
    server's write-ahead log that it stands for, `checksum` that of the file. `proved` says whether it was restored and
    compared. `tables` are the tables whose rows it holds (None: all of them). `left_out` are the tables, and the
    materialized views, that it holds without rows. Both are full names. `in_journal` says whether the journal has it.
    """

    file: str
    bytes: int
    lsn: str
    checksum: str
    database: str
    schema: str | None
    proved: bool
    tables: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    in_journal: bool = False

    @property
    def detail(self) -> dict[str, object]:
        return {
            "path": self.file,
            "bytes": self.bytes,
            "lsn": self.lsn,
            "sha256": self.checksum.removeprefix("sha256:"),
            "schema": self.schema,
            "proved": self.proved,
            "tables": None if self.tables is None else list(self.tables),
        }


class Restored(NamedTuple):
    """A backup that was restored: its absolute path, its bytes, the database that holds it now, and the time it took.

    `left_out` are the tables and materialized views that it held without their rows.
    """

    file: str
    bytes: int
    database: str
    duration_ms: float
    left_out: tuple[str, ...] = ()


def schema_to_hold(schema: str, *, whole: bool = False) -> str | None:
    """Returns the schema that a backup of a destination in `schema` holds; None for the whole database.

    A schema that a user has named stands beside others, which a backup of it leaves alone.
    """
    return None if whole or schema == DEFAULT_SCHEMA else schema


def file_name(database: str, schema: str | None, at: datetime, number: int = 1) -> str:
    """Returns a backup's file name: `app-20261122T080000Z.dump`, `app.acme-20261122T080000Z.dump`. `at` is in UTC.

    `number` distinguishes backups that would have the same name, as of two servers' databases in one second.
    """
    held = database if schema is None else f"{database}.{schema}"
    name = "".join(character if character.isalnum() or character in "_.-" else "_" for character in held)
    again = f"-{number}" if number > 1 else ""
    return f"{name}-{at:%Y%m%dT%H%M%SZ}{again}.dump"
