"""Help in the words of the program that shows it."""

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand

from sartor.cli.words import advice

_Context: Any = TyperCommand.context_class


class _Formatter(_Context.formatter_class):  # type: ignore[misc]  # Typer doesn't export the class
    def write_text(self, text: str) -> None:
        super().write_text(advice(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], *given: Any, **named: Any) -> None:
        super().write_dl([(term, advice(text)) for term, text in rows], *given, **named)


class Context(_Context):  # type: ignore[misc]
    """The context of all commands and groups: its help is written by `_Formatter`."""

    formatter_class = _Formatter
