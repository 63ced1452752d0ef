"""`sartor db alteration import`."""

from typing import Annotated

import typer

import sartor
from sartor.cli import options, output, prompts
from sartor.cli.command import sources
from sartor.cli.options import Text, Texts, argument, command, option
from sartor.cli.results.importing import import_json, import_lines
from sartor.cli.results.units import count
from sartor.errors import UsageError

Tool = Annotated[str, argument("TOOL", "The tool that the migrations are for, such as dbmate.")]
Folder = Annotated[str, argument("PATH", "The folder of its migrations, or that of the project.")]
Release = Annotated[str, option("--release RELEASE", "The release that the alterations belong to, or `next`.")]
Python = Annotated[
    Text, option("--python FILE", "The project's Python, for a tool whose migrations are programs. [default: found]")
]
Placeholder = Annotated[Texts, option("--placeholder NAME=VALUE", "A placeholder of the tool's own; repeatable.")]
DryRun = Annotated[bool, option("--dry-run", "Show what would be written; change nothing.")]


@command(
    "db alteration import dbmate db/migrations --release 1.0.0 --dry-run",
    options.alterations,
    codes=(0, 2),
    said={0: "imported, or nothing new", 2: "something can't be imported; nothing was written"},
)
def import_(
    context: typer.Context,
    tool: Tool,
    path: Folder,
    release: Release,
    python: Python = None,
    placeholder: Placeholder = None,
    dry_run: DryRun = False,
    yes: options.Yes = False,
) -> None:
    """Write another tool's migrations as alterations.

    Its files stay as they are, and nothing of them is run. The same command imports what was added since.
    """
    given = dict(_pair(each) for each in placeholder or ())
    ours = sources(context)
    plan = sartor.preview_import(tool, path, ours, version=release, python=python, placeholders=given)
    for each in plan.refused:
        output.tell(f"refused: {each}")
    is_done = not dry_run and not plan.refused and bool(plan.new)
    if is_done and not yes:
        output.results(import_lines(plan, is_done=False))
        prompts.require_yes("`import` writes files")
        prompts.confirm(f"Write {count(len(plan.new), 'file')} to {plan.folder}?")
    if is_done or plan.refused:
        plan = sartor.import_migrations(tool, path, ours, version=release, python=python, placeholders=given)
    if output.wants("--json"):
        output.json_object(import_json(plan, is_done=is_done))
    else:
        for note in plan.notes:
            output.tell(f"note: {note}")
        output.results(import_lines(plan, is_done=is_done or not plan.new))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--placeholder {name}: there is no value", hint=f"write --placeholder {name}=VALUE")
    return name, value
