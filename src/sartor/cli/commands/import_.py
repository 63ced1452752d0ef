"""`sartor db alteration import`."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any

import typer

import sartor
from sartor import AppliedMigrations, Baseline, Destination, Import, SchemaDiffers, Settings
from sartor.api.importing import needs_scratch, write_previewed
from sartor.api.requests import find_other
from sartor.cli import options, output, prompts
from sartor.cli.command import execute, one, reach_scratch, run, settled, sources
from sartor.cli.declaration import Text, Texts, argument, command, option
from sartor.cli.results.baseline import LEFT, baseline_lines
from sartor.cli.results.importing import applied_line, import_json, import_lines
from sartor.cli.results.units import count
from sartor.domain.visible import visible_line
from sartor.errors import UsageError

Tool = Annotated[str, argument("TOOL", "The tool that the migrations are for, such as dbmate.")]
Folder = Annotated[str, argument("PATH", "The folder of its migrations, or that of the project.")]
Release = Annotated[str, option("--release RELEASE", "The release that the alterations belong to, or `next`.")]
WithBaseline = Annotated[
    bool, option("--baseline", "Record as deployed what the tool's own ledger in the database says was run.")
]
LedgerTable = Annotated[
    Text, option("--ledger-table [SCHEMA.]TABLE[:COLUMN]", "The tool's ledger, where it isn't its usual table.")
]
AcceptDifferences = Annotated[
    bool, option("--accept-differences", "Record them even if the schema isn't what they make.")
]
Python = Annotated[
    Text, option("--python FILE", "The project's Python, for a tool whose migrations are programs. [default: found]")
]
Placeholder = Annotated[Texts, option("--placeholder NAME=VALUE", "A placeholder of the tool's own; repeatable.")]
DryRun = Annotated[bool, option("--dry-run", "Show what would be written; change nothing.")]


@command(
    "db alteration import dbmate db/migrations --release 1.0.0 --baseline",
    options.where,
    options.patience,
    options.base,
    codes=(0, 2, 4, 5, 6, 130),
    said={
        0: "imported, or nothing new",
        2: "something can't be imported; nothing was written",
        4: "the schema isn't what the alterations make; nothing was recorded",
    },
)
def import_(
    context: typer.Context,
    tool: Tool,
    path: Folder,
    release: Release,
    with_baseline: WithBaseline = False,
    ledger_table: LedgerTable = None,
    accept_differences: AcceptDifferences = False,
    python: Python = None,
    placeholder: Placeholder = None,
    scratch_url: options.ScratchUrl = None,
    dry_run: DryRun = False,
    yes: options.Yes = False,
) -> None:
    """Write another tool's migrations as alterations.

    Its files stay as they are. Alembic and Django are run to print their SQL, and no other tool. The same command
    imports what was added since.
    """
    given = dict(_pair(each) for each in placeholder or ())
    preview = partial(sartor.preview_import, tool, path, version=release, python=python, placeholders=given)
    if not with_baseline and not needs_scratch(tool):
        plan = preview(sources(context))
        _end(plan, None, None, is_done=_write(plan, None, dry_run=dry_run, yes=yes))
        return
    with settled(context, ships=False) as settings:
        destination = one(settings, "`import`")
        scratch = find_other(reach_scratch(scratch_url), destination)
        plan = preview(settings.sources, scratch=scratch or destination)
        applied = _applied(plan, destination, ledger_table) if with_baseline else None
        done = _write(plan, applied, dry_run=dry_run, yes=yes)
        found = None
        if applied and applied.ids and not dry_run:
            record = partial(sartor.baseline, scratch=scratch, accept_differences=accept_differences)
            found = _record(plan, applied, destination, settings, record)
        _end(plan, applied, found, is_done=done)


def _applied(plan: Import, destination: Destination, ledger_table: str | None) -> AppliedMigrations | None:
    """Returns what the tool's ledger says was run. Raises UsageError where it and the files don't fit each other."""
    if plan.refused:
        return None
    applied = run(sartor.read_applied(destination, plan, ledger_table=ledger_table))
    if applied.refused:
        _show_refused(plan, applied)
        raise UsageError(
            f"{applied.table} and the migrations don't fit each other",
            hint="nothing was written; see the lines above, or import without --baseline",
        )
    return applied


def _show_refused(plan: Import, applied: AppliedMigrations | None) -> None:
    for each in (*plan.refused, *(applied.refused if applied else ())):
        output.tell(f"refused: {visible_line(each)}")
    if output.wants("--json"):
        output.json_object(import_json(plan, applied, None, is_done=False))


def _write(plan: Import, applied: AppliedMigrations | None, *, dry_run: bool, yes: bool) -> bool:
    """Writes the files, once it was agreed to, and shows them; returns whether any was written. Raises UsageError."""
    if plan.refused:
        _show_refused(plan, applied)
    is_new = bool(plan.new) and not dry_run and not plan.refused
    if not yes and not dry_run and not plan.refused and (is_new or applied):
        output.results([*import_lines(plan, is_done=False), *applied_line(applied)])
        prompts.require_yes("`import` writes files" if is_new else "`import` changes the ledger")
        prompts.confirm(f"Write {count(len(plan.new), 'file')} to {plan.folder}?" if is_new else "Record them?")
    if is_new or plan.refused:
        write_previewed(plan)
    if not output.wants("--json"):  # before anything is recorded, as that may fail
        for note in (*plan.notes, *(applied.notes if applied else ())):
            output.tell(f"note: {visible_line(note)}")
        output.results(import_lines(plan, is_done=is_new or not plan.new))
    return is_new


def _record(
    plan: Import,
    applied: AppliedMigrations,
    destination: Destination,
    settings: Settings,
    baseline: Callable[..., Coroutine[Any, Any, Baseline]],
) -> Baseline | SchemaDiffers:
    """Records what was run; returns the error where the schema isn't what the alterations make."""
    reason = f"{plan.title}'s ledger {applied.table} has them"
    call = partial(baseline, ids=applied.ids, ignore_objects=(applied.table,), reason=reason)
    try:
        return execute(call, destination, settings, left=LEFT)
    except SchemaDiffers as error:
        return error


def _end(
    plan: Import, applied: AppliedMigrations | None, found: Baseline | SchemaDiffers | None, *, is_done: bool
) -> None:
    """Shows what was recorded. Raises SchemaDiffers, where that is why nothing was."""
    recorded = found.found if isinstance(found, SchemaDiffers) else found
    if output.wants("--json"):
        output.json_object(import_json(plan, applied, recorded, is_done=is_done))
    else:
        output.results(baseline_lines(recorded) if recorded else applied_line(applied))
    if isinstance(found, SchemaDiffers):
        raise found


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--placeholder {name}: there is no value", hint=f"write --placeholder {name}=VALUE")
    return name, value
