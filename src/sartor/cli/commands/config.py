"""`sartor config show`."""

import typer

import sartor
from sartor.cli import options, output
from sartor.cli.command import given_flags
from sartor.cli.declaration import command
from sartor.cli.program import current
from sartor.cli.results.config import config_json, config_lines
from sartor.cli.words import hint


@command(
    "config show",
    options.where,
    options.patience,
    codes=(0, 2),
    said={0: "all settings can be used", 2: "some can't be used: see below them"},
)
def show(context: typer.Context) -> int:
    """Show each setting, its value, and where it comes from.

    Secrets are hidden. It needs no database, and works where a setting is wrong.
    """
    embedded = context.obj["embedded"] is not None
    shown = sartor.show_settings(given_flags(context), embedded=embedded, product=current().product)
    if output.wants("--json"):
        output.json_object(config_json(shown))
    else:
        output.results(config_lines(shown))
        for note in shown.notes:
            output.tell(f"note: {note}")
        for error in shown.problems:
            output.tell(f"error: {error}")
            if error.hint:
                output.tell(f"  hint: {hint(error)}")
    return 2 if shown.problems else 0
