"""Where words go: results to stdout, everything else to stderr, and no password to either."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from sartor.cli import again, results
from sartor.cli.outlet import Outlet
from sartor.domain.destination import redact
from sartor.domain.errors import AlterationFailed, Interrupted, SartorError, UsageError
from sartor.domain.visible import printable, visible, visible_json

_results = Outlet(results.file)
_words = Outlet(lambda: sys.stderr)
_arguments: list[str] = []
_secrets: set[str] = set()
_shapes: list[dict[str, Any]] = []


def begin(arguments: Sequence[str]) -> None:
    """Start a command: what it was given, and nothing secret known yet."""
    _arguments[:] = arguments
    again.begin(arguments)
    _results.error = _words.error = None
    _secrets.clear()
    _shapes.clear()


def keep_secret(texts: Iterable[str]) -> None:
    """Never show these from now on."""
    _secrets.update(texts)


def result(text: str) -> None:
    """Lines of the result."""
    _results.write(visible(redact(text, _secrets)) + "\n")


def annotation(text: str) -> None:
    """A line of the result that is a command for a pipeline, its values escaped."""
    _results.write(printable(redact(text, _secrets)) + "\n")


def script(blocks: Iterable[bytes]) -> None:
    """SQL to be run: as it is, since a word in it that is also a password must stay. Nothing in it is from a URL."""
    for block in blocks:
        # It says itself that it is UTF-8, and its data may be in any encoding. A terminal runs nothing.
        _results.put(printable(block.decode("utf-8", "backslashreplace")).encode() if _results.is_terminal else block)
        _results.drain()


def tell(text: str, *, head: str = "") -> None:
    """Lines about the work; `head`, before them, is bold where that can be."""
    shown = visible(redact(text, _secrets))
    _words.write(f"{_bold(head)} {shown}\n" if head else f"{shown}\n")


def shape(value: dict[str, Any]) -> None:
    """The result as JSON."""
    import json

    _shapes.append(value)
    # Values are redacted one by one: in JSON's own spelling, a password with a quote in it would go unseen.
    text = json.dumps(_redacted(value), indent=2, ensure_ascii=not _results.encoding.lower().startswith("utf"))
    _results.write(visible_json(text) + "\n")


def draw(text: str) -> None:
    """What moves on the terminal that words go to."""
    _words.put(text.encode(_words.encoding, "backslashreplace"))


def drain() -> None:
    """Wait until all that was said is taken by whoever reads it."""
    _results.drain()
    _words.drain()


def lose(error: OSError) -> int:
    """Note that Typer couldn't print help or completion; the exit code."""
    _results.error = error
    return 1


def end(code: int) -> int:
    """See the last words out; the exit code, which isn't 0 where the result was lost."""
    try:
        drain()
        if (error := _results.error) is None:
            return code
        # Whoever closes a pipe has read enough, and wants no word about it.
        if error.errno != errno.EPIPE:
            tell(
                f"the result can't be written to stdout: {error.strerror}; what the command did is done", head="error:"
            )
            drain()
    except KeyboardInterrupt:
        return Interrupted.exit_code
    return code or 1


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
    both = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty() and _results.is_terminal
    return both and not os.environ.get("CI") and not wants("--json")


def words_are_shown() -> bool:
    """Whether a terminal shows what is told."""
    return _words.is_terminal


def error(error: SartorError) -> None:
    """Say what went wrong and what to do; with --debug, where."""
    if wants("--debug"):
        import traceback

        tell("".join(traceback.format_exception(error)))
    if not isinstance(error, AlterationFailed):
        tell(str(error), head="error:")
    if error.hint:
        tell(error.hint, head="  hint:")


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


def _bold(text: str) -> str:
    """`text`, bold on a terminal that wants colour (https://no-color.org)."""
    if not words_are_shown() or os.environ.get("NO_COLOR"):
        return text
    word = text.lstrip()
    return f"{text.removesuffix(word)}\x1b[1m{word}\x1b[0m"
