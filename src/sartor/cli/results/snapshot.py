"""The output of `snapshot`."""

from sartor.cli.results.objects import VERSION, JsonObject, alteration_json, plain
from sartor.cli.results.run import shown_path
from sartor.cli.results.units import count
from sartor.domain.snapshot import MadeSnapshot


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
