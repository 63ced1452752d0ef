"""`sartor db alteration new`: writes a new alteration, from a template where one is named."""

from typing import Annotated

import typer

import sartor
from sartor import NewFile
from sartor.cli import options, output
from sartor.cli.command import sources
from sartor.cli.declaration import command
from sartor.cli.results.objects import VERSION
from sartor.cli.results.run import shown_path
from sartor.errors import UsageError

Name = Annotated[str, typer.Argument(metavar="NAME", help="What it changes, in a few words: add-users-email.")]
Values = Annotated[
    list[str] | None, typer.Argument(metavar="PARAMETER=VALUE", help="The template's parameters, such as table=users.")
]
Sql = Annotated[bool, typer.Option("--sql", help="Write SQL in place of Python.")]
Template = Annotated[str | None, typer.Option("--template", metavar="TEMPLATE", help="Begin with a template.")]

Repeatable = Annotated[
    bool, typer.Option("--repeatable", help="Write a script, in SQL, that runs again whenever it has changed.")
]


@command(
    "db alteration new users-by-email --template index-concurrently table=users column=email",
    options.alterations,
    codes=(0, 2),
)
def new(
    context: typer.Context,
    name: Name,
    values: Values = None,
    sql: Sql = False,
    template: Template = None,
    repeatable: Repeatable = False,
) -> None:
    """Write a new `next` alteration, which comes behind all others.

    Templates: table, add-column, add-not-null, add-foreign-key, index-concurrently, unique-key, backfill, enum-value,
    partition, row-level-security, rename-by-expand-contract, change-type-by-expand-contract and drop-safely. Each makes
    its change without locking others out. A parameter that isn't given stays in the file, as `<table>`.
    """
    given = dict(_pair(text) for text in values or ())
    written = sartor.new(sources(context), name, sql=sql, template=template, values=given, repeatable=repeatable)
    if output.wants("--json"):
        files = [each._asdict() | {"unfilled": list(each.unfilled)} for each in written]
        output.json_object({"version": VERSION, "template": template, "files": files})
    else:
        _show(written)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} isn't PARAMETER=VALUE", hint="write the name as one word: add-users-email")
    return name, value


def _show(written: tuple[NewFile, ...]) -> None:
    for each in written:
        output.result(f"wrote {shown_path(each.file)}")
        if each.unfilled:
            output.tell(f"  fill in {', '.join(each.unfilled)}")
        if each.later:
            output.tell("  for a later release: remove the `_` from its name then")
