"""The output of `snapshot` and `squash`."""

from sartor.cli.results.objects import VERSION, JsonObject, alteration_json, plain
from sartor.cli.results.run import shown_path
from sartor.cli.results.units import count
from sartor.domain.snapshot import MadeSnapshot, Squash


def snapshot_lines(made: MadeSnapshot) -> list[str]:
    found = made.snapshot
    verb = "wrote" if made.written else "kept"
    where = "" if found.schema is None else f", in schema {found.schema} alone"
    servers = ", ".join(map(str, found.servers))
    return [
        f"{verb} {shown_path(found.file)}",
        f"It stands for {count(len(made.alterations))}, proved on Postgres {servers}{where}",
    ]


def snapshot_json(made: MadeSnapshot) -> JsonObject:
    found = made.snapshot
    return {
        "version": VERSION,
        "release": plain(found.release),
        "file": found.file,
        "checksum": found.checksum,
        "servers": list(found.servers),
        "schema": found.schema,
        "written": made.written,
        "alterations": [alteration_json(each) for each in made.alterations],
    }


def squash_lines(found: Squash, *, is_done: bool) -> list[str]:
    number = count(len(found.alterations), "file")
    if not found.alterations:
        return [f"Found 0 file up to {found.release} to remove"]
    made = "" if found.snapshot else ", and makes its snapshot first"
    lines = [f"  {each.name}" for each in found.alterations]
    if is_done:
        staged = "; staged" if found.staged else ""
        return [*lines, f"Removed {number}: the snapshot of {found.release} stands for them{staged}"]
    return [f"A squash to {found.release} removes{made}:", *lines]


def squash_json(found: Squash, *, is_done: bool) -> JsonObject:
    return {
        "version": VERSION,
        "release": plain(found.release),
        "snapshot": None if found.snapshot is None else found.snapshot.file,
        "removed": [alteration_json(each) for each in found.alterations],
        "done": is_done,
        "staged": found.staged,
    }
