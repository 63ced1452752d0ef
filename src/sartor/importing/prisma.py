"""Reads the migrations of a Prisma project, and its table `_prisma_migrations`.

Each is a folder with a `migration.sql`; they run in the order of their names (`list_migrations` of prisma-engines), and
each is sent as one message, which the server runs in one transaction unless it is a single statement. A migration has
no way back; the table keeps the SHA-256 of the text that was run (`checksum.rs`).
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from sartor.errors import UsageError
from sartor.importing.foreign_script import Applied, ForeignScript, Reading
from sartor.importing.tool import ReadOptions, Row, Tool, ToolTable, not_here, read_text

QUERY = """
select migration_name::text, checksum::text, finished_at is not null as finished, rolled_back_at is not null as undone
from {table} order by started_at, migration_name
"""
IRREVERSIBLE = "Prisma's migration had no way back"
_PROVIDERS = frozenset({"postgresql", "postgres", "cockroachdb"})


def read(folder: Path, _options: ReadOptions) -> Reading:
    """Returns the migrations of a folder, of the folder `migrations` in it, or of `prisma/migrations`."""
    places = (folder, folder / "migrations", folder / "prisma" / "migrations")
    found = next((each for each in places if any(each.glob("*/migration.sql"))), None)
    if found is None:
        raise UsageError(f"{folder} has no migration of Prisma", hint="give the folder prisma/migrations")
    folder = found
    refused = _provider(folder / "migration_lock.toml")
    scripts = []
    for each in sorted(each for each in folder.iterdir() if each.is_dir()):
        file = each / "migration.sql"
        if not file.is_file():
            refused.append(f"{each}: it has no migration.sql; remove the folder, which Prisma refuses as well")
            continue
        try:
            text = read_text(file)
        except UnicodeDecodeError:
            refused.append(f"{file}: it isn't UTF-8; save it as UTF-8")
            continue
        except ValueError as error:
            refused.append(f"{file}: {error}")
            continue
        _, _, slug = each.name.partition("_")
        found_script = ForeignScript(each.name, slug or each.name, text, None, str(file), irreversible=IRREVERSIBLE)
        scripts.append(found_script._replace(checksums=checksums(text)))
    return Reading(tuple(scripts), tuple(refused))


def _provider(lock: Path) -> list[str]:
    """Returns why the migrations are none for Postgres."""
    if not lock.is_file():
        return []
    match = re.search(r'(?m)^\s*provider\s*=\s*"([^"]*)"', lock.read_text(encoding="utf-8", errors="replace"))
    if match is None or match[1] in _PROVIDERS - {"cockroachdb"}:
        return []
    return [f"{lock}: the migrations are for {match[1]}, not for Postgres; give a folder whose provider is postgresql"]


def interpret(rows: Iterable[Row], scripts: Sequence[ForeignScript]) -> Applied:
    """Returns which of the scripts the rows say were run: begun, finished and not marked undone."""
    known = {each.version: each for each in scripts}
    refused, notes, applied = [], [], set()
    for row in rows:
        name = row["migration_name"]
        if row["undone"]:
            continue
        if not row["finished"]:
            refused.append(
                f"{name}: Prisma recorded that it failed; resolve it first (`prisma migrate resolve`), and run it"
            )
        elif (script := known.get(name)) is None:
            refused.append(not_here(name))
        else:
            applied.add(name)
            if row["checksum"] not in script.checksums:
                notes.append(f"{script.source}: edited since Prisma ran it")
    return Applied(frozenset(applied), tuple(refused), tuple(notes))


def checksums(text: str) -> tuple[str, ...]:
    """Returns the checksums of a text: with any ends of lines, and those of older versions.

    These wrote the bytes without leading zeros.
    """
    unix = text.replace("\r\n", "\n")
    forms = (text, unix, unix.replace("\n", "\r\n"), f"\ufeff{text}")
    digests = [hashlib.sha256(each.encode()).digest() for each in forms]
    return tuple(form for each in digests for form in (each.hex(), "".join(f"{byte:x}" for byte in each)))


TOOL = Tool("prisma", "Prisma", read, ToolTable(("_prisma_migrations",), QUERY), interpret)
