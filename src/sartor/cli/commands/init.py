"""`sartor init`: begins with Sartor in a project."""

from typing import Annotated

import typer

import sartor
from sartor.cli import options, output, prompts
from sartor.cli.declaration import command
from sartor.cli.results.objects import VERSION
from sartor.cli.results.run import shown_path
from sartor.cli.results.units import count

Ci = Annotated[
    str | None,
    typer.Option(
        "--ci", metavar="SERVICE", help="The pipeline's: github, gitlab or none. [default: as files here show]"
    ),
]


@command("init --ci github --yes", codes=(0, 2, 130))
def init(context: typer.Context, ci: Ci = None, yes: options.Yes = False) -> None:
    """Begin with Sartor in this folder: settings, alterations with an example, a job for the pipeline.

    What is there stays as it is.
    """
    files = sartor.preview_init(ci=ci)
    missing = [shown_path(str(each.file)) for each in files if not each.exists]
    if missing and not yes:
        prompts.require_yes(f"{count(len(missing), 'file')} would be written: {', '.join(missing)}")
        prompts.confirm(f"Write {', '.join(missing)}?")
    files = sartor.init(ci=ci)
    if output.wants("--json"):
        found = [{"file": str(each.file), "exists": each.exists} for each in files]
        output.json_object({"version": VERSION, "files": found})
        return
    for each in files:
        output.result(f"{'kept' if each.exists else 'wrote'} {shown_path(str(each.file))}")
        if each.file.name == "alterations.gitlab-ci.yml":
            output.tell("  add it to .gitlab-ci.yml: include: alterations.gitlab-ci.yml")
    # The settings that it writes ask for the embedded server; those that were there may not.
    flag = " --embedded" if files[-1].exists else ""
    output.tell(f"\nNext, try:\n  sartor db alteration deploy next{flag}\n  sartor db alteration new --help")
