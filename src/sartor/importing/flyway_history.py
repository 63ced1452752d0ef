"""Reads the rows of Flyway's table `flyway_schema_history`, as `MigrationInfoServiceImpl` of flyway-core does."""

import zlib
from collections.abc import Iterable, Sequence

from sartor.importing.flyway_names import version_key
from sartor.importing.foreign_script import Applied, ForeignScript
from sartor.importing.tool import Row, not_here

QUERY = """
select version::text, description::text, type::text, checksum::int8, success::boolean
from {table} order by installed_rank
"""
_BASELINES = frozenset({"BASELINE", "SQL_BASELINE"})
_UNDONE = ("UNDO", "DELETE")


class _History:
    """What the rows come to: versions by their key, descriptions of repeatable migrations, the baseline."""

    def __init__(self) -> None:
        self.applied: dict[tuple[int, ...], Row] = {}
        self.repeated: dict[str, Row] = {}
        self.baseline: tuple[int, ...] = ()

    def take(self, row: Row) -> None:
        """Takes the next row, of a run that didn't fail. `version` is None for repeatable migrations."""
        version, kind = row["version"], row["type"]
        if version is None:
            self.repeated[row["description"]] = row
        elif kind.startswith(_UNDONE):
            self.applied.pop(version_key(version), None)
        elif kind in _BASELINES:
            self.baseline = max(self.baseline, version_key(version))
        elif kind != "SCHEMA":
            self.applied[version_key(version)] = row

    def has(self, script: ForeignScript) -> bool:
        if script.repeatable:
            row = self.repeated.get(script.version)
            return row is not None and row["type"] != "DELETE" and str(row["checksum"]) in script.checksums
        key = version_key(script.version)
        return key in self.applied or key <= self.baseline

    def is_edited(self, script: ForeignScript) -> bool:
        row = None if script.repeatable else self.applied.get(version_key(script.version))
        return row is not None and row["checksum"] is not None and str(row["checksum"]) not in script.checksums


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns which of the scripts the rows say were run.

    A baseline stands for all versions up to its own; a row that undoes a version, or deletes it, takes it back. A
    repeatable migration counts where its last run was of the present text.
    """
    history, refused = _History(), []
    for row in rows:
        if row["success"]:
            history.take(row)
        else:
            refused.append(
                f"{row['version'] or row['description']}: Flyway recorded that it failed; repair it with Flyway first"
                " (`flyway repair`), and run it"
            )
    known = {version_key(each.version) for each in scripts if not each.repeatable}
    strangers = (row for key, row in history.applied.items() if key not in known and key > history.baseline)
    refused += [not_here(f"{row['version']} ({row['description']})") for row in strangers]
    done = [each for each in scripts if history.has(each)]
    edited = [f"{each.source}: edited since Flyway ran it" for each in done if history.is_edited(each)]
    return Applied(frozenset(each.version for each in done), tuple(refused), tuple(edited))


def checksum(text: str) -> int:
    """Returns Flyway's checksum: the CRC-32 of the lines without their ends, signed (`ChecksumCalculator`)."""
    value = 0
    for line in text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        value = zlib.crc32(line.encode(), value)
    return value - (1 << 32) if value >= 1 << 31 else value
