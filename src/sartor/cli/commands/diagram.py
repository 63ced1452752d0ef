"""`sartor db alteration diagram`: the ER diagram of what a release makes."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import sartor
from sartor import Drawing, Settings
from sartor.cli import options, output
from sartor.cli.command import execute, reach_scratch, settled
from sartor.cli.declaration import Text, Texts, command, option
from sartor.cli.diagram_file import format_of, require_free, write_diagram
from sartor.cli.results.diagram import diagram_json, written_line
from sartor.cli.results.objects import placed
from sartor.domain.destination import Destination
from sartor.errors import UsageError

Release = Annotated[
    Text,
    option("--release RELEASE", "The release whose schema is drawn: a version, `latest` or `next`. [default: next]"),
]
Since = Annotated[Text, option("--since RELEASE", "Show what was added, removed and changed since this release.")]
Format = Annotated[
    Text, option("--format svg|mermaid|dbml", "The format. [default: that of the file's name, else svg]")
]
Patterns = Annotated[
    Texts,
    option(
        "--tables PATTERN",
        "Draw only the tables with such a name, as in 'order*', and by name those that foreign keys connect with"
        " them; repeatable.",
    ),
]
Output = Annotated[Text, option("--output -o FILE", "Write the diagram to this file. [default: stdout]")]
Force = Annotated[bool, option("--force", "Replace the file even if it isn't a diagram of Sartor's.")]
Live = Annotated[bool, option("--live", "Draw what stands in the database; nothing is replayed.")]

LEFT = "the scratch database was dropped, and no file was written"
"""The words for an interrupted replay."""


@command(
    "db alteration diagram --release 1.2.0 --since 1.1.0 --output schema.svg",
    options.where,
    options.base,
    codes=(0, 1, 2, 6, 130),
)
def diagram(
    context: typer.Context,
    release: Release = None,
    since: Since = None,
    format_: Format = None,
    tables: Patterns = None,
    output_: Output = None,
    force: Force = False,
    live: Live = False,
    scratch_url: options.ScratchUrl = None,
) -> None:
    """Draw the schema that a release makes, with its tables and foreign keys.

    The alterations are deployed in a scratch database, which is dropped again. Mermaid and DBML are text that other
    programs draw; SVG needs `pip install 'sartor[diagram]'`.
    """
    form = _form(format_, output_)
    _require_use(force=force, file=output_, live=live, scratch_url=scratch_url)
    if output_ is not None and not force:
        require_free(output_)
    db_url = None if live or context.obj["embedded"] is not None else scratch_url
    with settled(context, db_url=db_url, ships=not live, anywhere=not live) as settings:
        place = _only(settings, live=live)
        call = partial(
            sartor.diagram,
            release=release,
            since=since,
            tables=tables or (),
            format=form,
            live=live,
            scratch=reach_scratch(scratch_url),
        )
        drawn = execute(call, place, settings, left=None if live else LEFT)
    _show(drawn, place, output_)


def _form(given: str | None, file: str | None) -> str | None:
    """Returns the format of the diagram's text; None where only its JSON is wanted."""
    if given is None and file is None and output.wants("--json"):
        return None
    if given is None and file is None and output.is_shown_on_terminal():
        raise UsageError("an SVG isn't shown on a terminal", hint="add --output schema.svg, or --format mermaid")
    return given or format_of(file)


def _require_use(*, force: bool, file: str | None, live: bool, scratch_url: str | None) -> None:
    if force and file is None:
        raise UsageError("--force needs --output", hint="add --output FILE")
    if live and scratch_url is not None:
        raise UsageError("--live and --scratch-url exclude each other", hint="remove one of them")


def _only(settings: Settings, *, live: bool) -> Destination:
    """Returns the destination; of several, the first, as a release makes the same in each."""
    if live and len(settings.destinations) > 1:
        raise UsageError(
            f"there are {len(settings.destinations)} destinations, and --live draws one",
            hint="name it with --db-url and --schema",
        )
    return settings.destinations[0]


def _show(drawn: Drawing, place: Destination, file: str | None) -> None:
    changed = write_diagram(file, drawn.text) if file is not None else False
    if output.wants("--json"):
        path = None if file is None else str(Path(file).absolute())
        output.json_object(placed(diagram_json(drawn.diagram, path), place))
    elif file is None:
        output.script([drawn.text.encode()])
    else:
        output.result(written_line(drawn.diagram, file, changed=changed))
