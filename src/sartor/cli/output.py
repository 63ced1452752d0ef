"""Where words go: results to stdout, everything else to stderr, and no password to either."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from sartor.cli import again, results
from sartor.domain.destination import redact
from sartor.domain.errors import AlterationFailed, SartorError, UsageError

_arguments: list[str] = []
_secrets: set[str] = set()
_shapes: list[dict[str, Any]] = []


def begin(arguments: Sequence[str]) -> None:
    """Start a command: what it was given, and nothing secret known yet."""
    _arguments[:] = arguments
    again.begin(arguments)
    _secrets.clear()
    _shapes.clear()


def keep_secret(texts: Iterable[str]) -> None:
    """Never show these from now on."""
    _secrets.update(texts)


def result(text: str) -> None:
    """A line of the result."""
    print(redact(text, _secrets), file=results.file(), flush=True)


def script(blocks: Iterable[bytes]) -> None:
    """SQL to be run: as it is, since a word in it that is also a password must stay. Nothing in it is from a URL."""
    file = results.file()
    if file is None:
        return
    if isinstance(file, io.TextIOWrapper):
        # As it is in this, too: a script says itself that it is UTF-8, and its data may be in any encoding.
        file.flush()
        file.buffer.writelines(blocks)
    else:
        file.write(b"".join(blocks).decode("utf-8", "backslashreplace"))
    file.flush()


def tell(text: str) -> None:
    """A line about the work."""
    print(redact(text, _secrets), file=sys.stderr, flush=True)  # noqa: T201


def shape(value: dict[str, Any]) -> None:
    """The result as JSON."""
    import json

    _shapes.append(value)
    # Values are redacted one by one: in JSON's own spelling, a password with a quote in it would go unseen.
    print(json.dumps(_redacted(value), indent=2, ensure_ascii=False), file=results.file(), flush=True)


def has_shape() -> bool:
    """Whether the result was already given as JSON."""
    return bool(_shapes)


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact(value, _secrets)
        case dict():
            return {key: _redacted(each) for key, each in value.items()}
        case list() | tuple():
            return [_redacted(each) for each in value]
        case _:
            return value


def wants(flag: str) -> bool:
    """Whether the command line holds this flag; for what must be known before, or although, it can't be parsed."""
    return flag in _arguments


def want_json() -> None:
    """As if the command line held `--json`: `--format json` means it."""
    _arguments.append("--json")


def is_terminal() -> bool:
    """Whether someone is there to be asked: a terminal on both ends, no CI, no JSON."""
    shown = results.file()
    both = sys.stdin.isatty() and shown is not None and shown.isatty()
    return both and not os.environ.get("CI") and not wants("--json")


def error(error: SartorError) -> None:
    """Say what went wrong and what to do; with --debug, where."""
    if wants("--debug"):
        import traceback

        tell("".join(traceback.format_exception(error)))
    if not isinstance(error, AlterationFailed):
        tell(f"{bold('error:')} {error}")
    if error.hint:
        tell(f"  {bold('hint:')} {error.hint}")


def usage(error: Any) -> UsageError:
    """Show how the command is used; the error, in Sartor's own words, of what typer found wrong with the line."""
    context = getattr(error, "ctx", None)
    if context is None:
        return UsageError(error.format_message())
    if error.format_message() == (help_text := context.get_help()):
        tell(help_text)
        return UsageError("a command is missing")
    tell(context.get_usage())
    return UsageError(error.format_message(), hint=f"`{context.command_path} --help` explains it")


def bold(text: str) -> str:
    """`text`, bold on a terminal that wants colour (https://no-color.org)."""
    return f"\x1b[1m{text}\x1b[0m" if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else text
