"""The text output of a failed alteration."""

from __future__ import annotations

from pathlib import Path

from sartor.cli.words import in_words
from sartor.domain.report import Failure

CONTEXT = 4  # lines of a statement shown before and after the one that the server points at


def failure_lines(failure: Failure) -> list[str]:
    """Returns the lines of a failure: what happened, where, and in which statement."""
    code = f"  (SQLSTATE {failure.sqlstate})" if failure.sqlstate else ""
    lines = [f"  {failure.message}{code}"]
    if failure.file:
        lines.append(f"  at {shown_path(failure.file)}" + (f", line {failure.line}" if failure.line else ""))
    if failure.statement:
        lines += ["", *(f"    {line}" for line in statement_lines(failure.statement, failure.position)), ""]
    for word, text in (
        ("detail", failure.detail),
        ("hint", failure.hint),
        ("context", failure.context),
        ("advice", failure.advice and in_words(failure.advice)),
    ):
        if text:
            lines.append(f"  {word}: " + text.strip().replace("\n", f"\n  {' ' * len(word)}  "))
    return lines if lines[-1] else lines[:-1]


def statement_lines(statement: str, position: int | None) -> list[str]:
    """Returns a statement's lines, with a caret below the character at `position`.

    Of a long statement they are the lines near that, or its first lines.
    """
    lines = [line.expandtabs(4).rstrip() for line in statement.split("\n")]
    filled = [i for i, line in enumerate(lines) if line]
    if not filled:
        return []
    before = statement[:position].split("\n")
    at = filled[0] if position is None else len(before) - 1
    first = max(filled[0], at - CONTEXT)
    last = min(filled[-1], at + CONTEXT if position is not None else first + 2 * CONTEXT)
    indent = min(len(line) - len(line.lstrip()) for line in lines[first : last + 1] if line)
    shown = [line[indent:] for line in lines[first : last + 1]]
    if position is not None:
        shown.insert(at - first + 1, " " * (len(before[-1].expandtabs(4)) - indent) + "^")
    return [*(["..."] if first > filled[0] else []), *shown, *(["..."] if last < filled[-1] else [])]


def shown_path(file: str) -> str:
    """Returns a path relative to the working directory where it is below that, else as it is."""
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return file
