"""The lines and the JSON of an import."""

from collections.abc import Iterator
from pathlib import Path

from sartor import AppliedMigrations, Baseline, Import
from sartor.cli.results.baseline import baseline_json
from sartor.cli.results.objects import VERSION, JsonObject
from sartor.cli.results.units import count
from sartor.domain.visible import visible_line


def import_lines(plan: Import, *, is_done: bool) -> Iterator[str]:
    """Yields a line for each file that was written, or is to be, and the sum."""
    verb, width = "wrote" if is_done else "to write", max((len(each.name) for each in plan.new), default=0)
    for each in plan.new:
        yield f"{verb}  {each.name:<{width}}  <- {visible_line(_short(each.source))}"
    there = len(plan.files) - len(plan.new)
    was = f"; {count(there, 'file')} there already" if there else ""
    begin = "Imported" if is_done else "To import:"
    yield f"{begin} {count(len(plan.new), 'alteration')} from {plan.title}{was}"


def _short(source: str) -> str:
    """Returns a file's name, with its folder's where all files of the tool have one name."""
    path = Path(source)
    return f"{path.parent.name}/{path.name}" if path.name in {"migration.sql", "up.sql"} else path.name


def applied_line(applied: AppliedMigrations | None) -> Iterator[str]:
    """Yields how many alterations the tool's ledger says were run, where that was read."""
    if applied is not None:
        yield f"{visible_line(applied.table)} has {len(applied.ids)} of them as deployed"


def import_json(
    plan: Import, applied: AppliedMigrations | None, recorded: Baseline | None, *, is_done: bool
) -> JsonObject:
    """Returns the object of an import; `done` is whether files were written."""
    return {
        "version": VERSION,
        "tool": plan.tool,
        "folder": plan.folder,
        "done": is_done,
        "files": [
            {"name": each.name, "id": each.id, "source": each.source, "version": each.version, "exists": each.exists}
            for each in plan.files
        ],
        "refused": [*plan.refused, *(applied.refused if applied else ())],
        "notes": [*plan.notes, *(applied.notes if applied else ())],
        "ledger": None if applied is None else {"table": applied.table, "deployed": list(applied.ids)},
        "baseline": None if recorded is None else baseline_json(recorded),
    }
