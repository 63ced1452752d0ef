"""`sartor db alteration lint`: checks the files against the rules, for people, pipelines and code scanning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sartor import api
from sartor.cli import found_shapes, options, output
from sartor.cli.declare import Command, Option, command_in
from sartor.domain.visible import visible_line
from sartor.errors import SettingsError

if TYPE_CHECKING:
    from sartor.lint.rules import Lint

FORMATS = ("text", "json", "github", "sarif")
CODES = {0: "no error", 1: "errors; with --strict, warnings too", 2: "wrong use or settings"}

commands: dict[str, Command] = {}


@command_in(
    commands, "lint", epilog=options.epilog("db alteration lint --format github --above 1.2.0", *CODES, said=CODES)
)
def lint(
    *,
    form: Annotated[
        str, Option("--format", metavar="FORMAT", help="text, json, github (annotations) or sarif (code scanning).")
    ] = "text",
    strict: Annotated[bool, Option("--strict", help="Fail for warnings, too.")] = False,
    released: Annotated[bool, Option("--released", help="Refuse `next` alterations: this is to be shipped.")] = False,
    above: Annotated[
        str | None, Option("--above", metavar="RELEASE", help="Look only at what belongs to later releases.")
    ] = None,
    ignore: Annotated[
        list[str] | None,
        Option("--ignore", metavar="CODE[=ID]", help="Leave a rule out, for one alteration or for all; repeat it."),
    ] = None,
    alterations: options.Alterations = None,
    common: options.Common,
) -> int:
    """Look for mistakes in the alterations, without a database and without running any.

    Names, order, a missing down, statements that can't work where they stand, and what the last rehearsal here saw.
    docs/lint.md has each rule.
    """
    if form not in FORMATS:
        raise SettingsError(f"there is no format {form!r}", hint=f"the formats are {', '.join(FORMATS)}")
    if form == "json":
        output.want_json()
    flags = api.Flags(alterations=tuple(alterations or ()))
    sources = api.load_sources(flags, environ=os.environ, directory=Path.cwd())
    ignored = [*api.load_ignored(environ=os.environ, directory=Path.cwd()), *(ignore or ())]
    found = api.lint(sources, released=released, above=above, ignored=ignored, kept=Path.cwd() / api.KEPT)
    _show(found, form)
    return 1 if found.errors or (strict and found.findings) else 0


def _show(found: Lint, form: str) -> None:
    if output.wants("--json"):
        output.shape(found_shapes.lint_shape(found))
        return
    from sartor.cli import annotate

    if form == "sarif":
        output.shape(annotate.sarif(found))
        return
    for finding in found.findings:
        if form == "github":
            output.annotation(annotate.github(finding))
        else:
            output.result(visible_line(annotate.finding_line(finding)))
    for line in annotate.rule_lines(found) if form == "text" and found.findings else ():
        output.result(line)
    output.result(("\n" if form == "text" and found.findings else "") + annotate.lint_line(found))
