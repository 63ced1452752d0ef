"""Sartor's commands below a maker's own: mounted in an application of Typer's or Click's, or called by any program."""

import gc
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from sartor import Product
from sartor.api.server import give_back_process
from sartor.cli import streams
from sartor.cli.app import ALIASES, CONTEXT, OfDatabase, alterations, config, fleet, root_options, run_called, tenant
from sartor.cli.program import Program, alone, running
from sartor.errors import UsageError

_GIVEN = "sartor.cli.maker.arguments"


class _Mounted(OfDatabase):
    """The group that a host's program mounts. It takes all words behind its name, and runs them as a program's own.

    So errors, exit codes and `--debug` are those of Sartor, whatever the host does with its own. The host parses the
    words only to complete them, and for commands that it added to this group.
    """

    program: ClassVar[Program]

    def __init__(self, *, commands: Mapping[str, Any], **rest: Any) -> None:
        super().__init__(commands=commands, **rest)
        self._added = commands.keys() - {"alteration", "config", "fleet", "tenant", *ALIASES}
        for name, words in self.program.shortcuts.items():
            self.commands[name] = TyperCommand(name, help=f"Short for `{words}`.")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.parent is None or ctx.resilient_parsing or (args and args[0] in self._added):
            return super().parse_args(ctx, args)
        ctx.meta[_GIVEN] = list(args)
        return []

    def invoke(self, ctx: Any) -> Any:
        if ctx.parent is None or (given := ctx.meta.pop(_GIVEN, None)) is None:
            return super().invoke(ctx)
        if code := self.run(given, ctx.command_path):
            ctx.find_root().exit(code)  # by the host's own library
        return code

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> Any:
        """Runs the group as a program of its own, with no host above it."""
        sys.exit(self.run(sys.argv[1:] if args is None else args, _program_name()))

    def run(self, arguments: Sequence[str], path: str) -> int:
        call = partial(TyperGroup.main, self, prog_name=path, standalone_mode=False)
        with alone(), running(self.program._replace(path=path)), _lent():
            return run_called(call, list(arguments), above=("db",))


def command(*, name: str, alterations: str | Iterable[str], shortcuts: Mapping[str, str] | None = None) -> typer.Typer:
    """Returns Sartor's commands as an application of Typer's, to be mounted in a maker's own.

        app = typer.Typer()
        app.add_typer(sartor.command(name="acme", alterations="acme.alterations"), name="db")

    It is the level below `sartor db`: `acme db alteration deploy`, `acme db backup`. All that users read speaks of the
    product: its commands as they are mounted, its variables (ACME_DB_URL), its version.

    - `name`: the product's, as its command is called: lower-case letters, digits and hyphens.
    - `alterations`: the import package that it ships, such as `acme.alterations`; several, each further one as
      `NAME=PACKAGE`.
    - `shortcuts`: further commands, each with the words that it stands for: `{"upgrade": "alteration deploy latest"}`.

    Raises UsageError where one of them can't be used.
    """
    program = _program(name, alterations, shortcuts)
    mounted = type("Mounted", (_Mounted,), {"program": program})
    about = f"Work on the database of {name}."
    made = typer.Typer(
        name="db",
        cls=mounted,
        help=about,
        context_settings=CONTEXT,
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    made.callback(help=about)(root_options)
    _mount(made)
    return made


def main(
    arguments: Sequence[str],
    *,
    name: str,
    alterations: str | Iterable[str],
    prog: str | None = None,
    shortcuts: Mapping[str, str] | None = None,
) -> int:
    """Runs one of Sartor's commands for a maker's program, and returns its exit code: for a program of any library.

        code = sartor.main(["alteration", "deploy", "latest"], name="acme", alterations="acme.alterations")

    It prints what the command prints. It doesn't exit, and leaves signal handlers and streams as they were.

    - `arguments`: the words of the level below `sartor db`.
    - `prog`: the words that stand before them on the program's command line, for help and messages; by default `db`
      behind the name.
    - `name`, `alterations`, `shortcuts`: as in `command`.

    Raises UsageError where one of them can't be used, or another command of this process runs.
    """
    made: Any = typer.main.get_command(command(name=name, alterations=alterations, shortcuts=shortcuts))
    code: int = made.run(arguments, prog or f"{name} db")
    return code


def _mount(made: typer.Typer) -> None:
    made.add_typer(alterations, name="alteration")
    made.add_typer(config, name="config")
    made.add_typer(fleet, name="fleet")
    made.add_typer(tenant, name="tenant")
    for alias in ALIASES:
        made.add_typer(alterations, name=alias, hidden=True)


def _program(name: str, alterations: str | Iterable[str], shortcuts: Mapping[str, str] | None) -> Program:
    if not _is_name(name):
        raise UsageError(
            f"{name!r} can't be the name of a product", hint="use lower-case letters, digits and hyphens: acme-id"
        )
    given = (alterations,) if isinstance(alterations, str) else tuple(alterations)
    for text in given or ("",):  # without any, a folder that happens to be there would be taken
        lineage, equals, package = text.rpartition("=")
        if not all(part.isidentifier() for part in package.split(".")) or (equals and not lineage):
            hint = 'name an import package, "acme.alterations", or "own=acme.own" for a further lineage'
            raise UsageError(f"{text!r} isn't the name of a package of alterations", hint=hint)
    for shortcut, words in (shortcuts or {}).items():
        _require_shortcut(shortcut, words)
    return Program(Product(name=name, alterations=given), shortcuts=shortcuts or {})


def _is_name(text: str) -> bool:
    letters = text.replace("-", "")
    return letters.isascii() and letters.isalnum() and letters.islower() and text[0].isalpha()


def _require_shortcut(name: str, words: str) -> None:
    """Raises UsageError for a shortcut that would hide a command, or stands for none."""
    commands = {*OfDatabase.modules, "alteration", "config", "fleet", "tenant", *ALIASES}
    if name in commands or not _is_name(name):
        hint = "use lower-case letters, digits and hyphens, and no name of another command"
        raise UsageError(f"{name!r} can't be the name of a shortcut", hint=hint)
    if next(iter(words.split()), None) not in commands:
        hint = f"begin with a command of the level below `sartor db`: {name!r}: 'alteration deploy latest'"
        raise UsageError(f"the shortcut {name!r} stands for no command: {words!r}", hint=hint)


def _program_name() -> str:
    """Returns what this process was started as: `acme`, or `python -m acme`."""
    program = Path(sys.argv[0] if sys.argv else "db")  # a program that embeds Python may have none
    return f"python -m {program.parent.name}" if program.name == "__main__.py" else program.name


@contextmanager
def _lent() -> Iterator[None]:
    """Uses the host's process as a command needs it, and gives it back as it was."""
    before = gc.get_threshold()
    gc.set_threshold(200_000)  # see `main` of Sartor's own command
    streams.hold_standard_descriptors()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        give_back_process()
        streams.give_back_stdout()
