"""`sartor db alteration lint`: checks the files against the rules, for people, pipelines and code scanning."""

from pathlib import Path
from typing import Annotated

import typer

import sartor
from sartor.api.judgements import CACHE
from sartor.cli import options, output
from sartor.cli.command import sources
from sartor.cli.declaration import Text, Texts, command, option
from sartor.cli.program import current
from sartor.cli.results.lint import finding_line, github, lint_json, lint_line, rule_lines, sarif
from sartor.domain.visible import visible_line
from sartor.errors import SettingsError
from sartor.linter.rules import Lint

FORMATS = ("text", "json", "github", "sarif")

Format = Annotated[str, option("--format FORMAT", "text, json, github (annotations) or sarif (code scanning).")]
Strict = Annotated[bool, option("--strict", "Fail on warnings too.")]
Released = Annotated[bool, option("--released", "Report `next` alterations as errors: the package is to be released.")]
Above = Annotated[Text, option("--above RELEASE", "Check only the alterations of later releases.")]
Against = Annotated[
    Text,
    option(
        "--against REV",
        "Compare with a branch, tag or commit of git: what would arrive late there, and released files that changed.",
    ),
]
Ignore = Annotated[Texts, option("--ignore CODE[=ID]", "Ignore a rule, for one alteration or for all; repeatable.")]


@command(
    "db alteration lint --format github --against origin/main",
    options.alterations,
    codes=(0, 1, 2),
    said={0: "no error", 1: "errors; with --strict, warnings too", 2: "invalid command line or settings"},
)
def lint(
    context: typer.Context,
    form: Format = "text",
    strict: Strict = False,
    released: Released = False,
    above: Above = None,
    against: Against = None,
    ignore: Ignore = None,
) -> int:
    """Check the alterations for mistakes, without a database and without running them.

    Checks names, order, a missing `down`, statements that can't work where they are, and what the last rehearsal here
    showed. docs/lint.md explains each rule.
    """
    if form not in FORMATS:
        raise SettingsError(f"there is no format {form!r}", hint=f"the formats are {', '.join(FORMATS)}")
    if form == "json":
        output.want("--json")
    ignored = [*sartor.load_ignored(product=current().product), *(ignore or ())]
    cache = Path.cwd() / CACHE
    found = sartor.lint(sources(context), released=released, above=above, ignored=ignored, cache=cache, against=against)
    _show(found, form)
    return 1 if found.errors or (strict and found.findings) else 0


def _show(found: Lint, form: str) -> None:
    if output.wants("--json"):
        output.json_object(lint_json(found))
    elif form == "sarif":
        output.json_object(sarif(found))
    elif form == "github":
        for finding in found.findings:
            output.annotation(github(finding))
        output.result(lint_line(found))
    else:
        output.results(visible_line(finding_line(finding)) for finding in found.findings)
        output.results(rule_lines(found))
        output.result(("\n" if found.findings else "") + lint_line(found))
