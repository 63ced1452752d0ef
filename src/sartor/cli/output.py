"""Writes results to stdout and everything else to stderr, and no password to either."""

import errno
import itertools
import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

from sartor.cli import streams
from sartor.cli.program import current
from sartor.cli.streams import Stream
from sartor.cli.words import hint, in_words
from sartor.conninfo.redaction import Secrets, redact_argument
from sartor.domain.visible import printable, visible, visible_json
from sartor.errors import AlterationFailed, Interrupted, SartorError

_results = Stream(streams.results_file)
_words = Stream(lambda: sys.stderr)
_arguments: list[str] = []
_secrets = Secrets()
_told = {"json": False}
"""Whether this command has written JSON."""


def begin(arguments: Sequence[str]) -> None:
    """Starts a command: notes its arguments, and forgets the results and secrets of the one before.

    Removes passwords in the arguments from the process's title, which `ps` shows to every user.
    """
    _secrets.clear()
    shown = [redact_argument(argument) for argument in arguments]
    hidden = {given for given, told in zip(arguments, shown, strict=True) if given != told}
    if hidden and hidden <= set(sys.argv):  # a host may give arguments that aren't the process's
        from setproctitle import setproctitle

        setproctitle(" ".join(["sartor" if current().is_own else current().path, *shown]))
    _arguments[:] = itertools.takewhile(lambda argument: argument != "--", arguments)
    _results.error = _words.error = None
    _told["json"] = False


def keep_secret(texts: Iterable[str]) -> None:
    _secrets.add(texts)


def result(text: str) -> None:
    _results.write(fold(visible(_redacted(current().in_its_words(text))), _results.width) + "\n")


def results(lines: Iterable[str]) -> None:
    for line in lines:
        result(line)


def annotation(text: str) -> None:
    """Writes a line of the result that is a command for a pipeline, its values escaped."""
    _results.write(printable(_redacted(text)) + "\n")


def script(blocks: Iterable[bytes]) -> None:
    """Writes SQL to be run, unredacted: a word in it that equals a password must stay. None of it is from a URL."""
    for block in blocks:
        # The script itself states UTF-8, and its data may be in any encoding. A terminal runs nothing.
        _results.put(printable(block.decode("utf-8", "backslashreplace")).encode() if _results.is_terminal else block)
        _results.drain()


def tell(text: str, *, head: str = "") -> None:
    """Writes lines about the work; `head`, before them, is bold where that is possible."""
    shown = visible(_redacted(in_words(text)))
    folded = fold(f"{head} {shown}" if head else shown, _words.width)
    _words.write(f"{_bold(head)}{folded.removeprefix(head)}\n")


def json_object(value: dict[str, Any]) -> None:
    _told["json"] = True
    ascii_only = not _results.encoding.lower().startswith("utf")
    text = json.dumps(_redacted_json(value), indent=2, ensure_ascii=ascii_only)
    _results.write(visible_json(text) + "\n")


def json_line(value: dict[str, Any], *, waits: bool = True) -> None:
    """Writes an object that further ones follow, in one line.

    `waits` until the reader has taken it: a run that holds locks doesn't.
    """
    _told["json"] = True
    text = json.dumps(_redacted_json(value), ensure_ascii=not _results.encoding.lower().startswith("utf"))
    _results.write(visible_json(text) + "\n")
    if waits:
        _results.drain()


def draw(text: str) -> None:
    """Draws what moves on the terminal of stderr."""
    _words.put(text.encode(_words.encoding, "backslashreplace"))


def drain() -> None:
    """Waits until the readers have taken all that was written."""
    _results.drain()
    _words.drain()


def lose(error: OSError) -> int:
    """Notes that Typer couldn't print help or completion; returns the exit code."""
    _results.error = error
    return 1


def end(code: int) -> int:
    """Writes out what is left; returns the exit code, which isn't 0 where the result was lost."""
    try:
        drain()
        if (error := _results.error) is None:
            return code
        # A reader that closes a pipe has read enough, and needs no message about it.
        if error.errno != errno.EPIPE:
            tell(
                f"the result can't be written to stdout: {error.strerror}; the command itself has succeeded",
                head="error:",
            )
            drain()
    except KeyboardInterrupt:
        return Interrupted.exit_code
    return code or 1


def has_json() -> bool:
    return _told["json"]


def wants(flag: str) -> bool:
    """Returns whether the command line has this flag: known before it is parsed, and where it can't be."""
    return flag in _arguments


def want(flag: str) -> None:
    """Sets a flag as if the command line had it, in this spelling: `--format json` and `-v` mean the same as others."""
    _arguments.append(flag)


def is_terminal() -> bool:
    """Returns whether the user can be asked: stdin and stdout are a terminal, and there is no CI and no --json."""
    both = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty() and _results.is_terminal
    return both and not os.environ.get("CI") and not wants("--json")


def is_shown_on_terminal() -> bool:
    """Returns whether a terminal shows the result."""
    return _results.is_terminal


def words_are_shown() -> bool:
    return _words.is_terminal


def error(error: SartorError) -> None:
    """Writes what went wrong and what to do; with --debug, the traceback."""
    if wants("--debug"):
        tell("".join(traceback.format_exception(error)))
    if not isinstance(error, AlterationFailed):
        tell(str(error), head="error:")
    if error.hint:
        tell(hint(error), head="  hint:")


def fold(text: str, width: int) -> str:
    """Returns the text with lines longer than `width`, where that isn't 0, broken at words.

    A command isn't broken, so that it works when it is pasted: the terminal shows it in as many lines as it needs.
    """
    if not width or len(text) <= width:
        return text
    import textwrap

    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        folder = textwrap.TextWrapper(
            width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, expand_tabs=False
        )
        lines += folder.wrap(_with_whole_commands(line)) or [""]
    return "\n".join(lines).replace("\0", " ")


def _with_whole_commands(line: str) -> str:
    """Returns the line with NUL in place of the blanks within commands, and within code in a sentence."""
    parts = [part.replace(" ", "\0") if at % 2 else part for at, part in enumerate(line.split("`"))]
    joined = "`".join(parts)
    start = min((at for word in current().commands if (at := joined.find(word)) >= 0), default=len(joined))
    return joined[:start] + joined[start:].replace(" ", "\0")


def _bold(text: str) -> str:
    """Returns `text`, bold on a terminal that wants colour (https://no-color.org)."""
    if not text or not words_are_shown() or os.environ.get("NO_COLOR"):
        return text
    word = text.lstrip()
    return f"{text.removesuffix(word)}\x1b[1m{word}\x1b[0m"


def _redacted(text: str) -> str:
    return _secrets.redact(text)


def _redacted_json(value: Any) -> Any:
    """Returns a JSON value with its texts redacted.

    They are redacted one by one: JSON escapes quotes, so a password with a quote in it wouldn't be found later.
    """
    match value:
        case str():
            return _redacted(value)
        case dict():
            return {key: _redacted_json(each) for key, each in value.items()}
        case list() | tuple():
            return [_redacted_json(each) for each in value]
        case _:
            return value
