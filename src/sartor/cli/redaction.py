"""Hides passwords: in what the command prints, and in the process's title, which `ps` shows to every user."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sartor.conninfo.redaction import redact, redact_argument

_secrets: set[str] = set()


def begin(arguments: Sequence[str]) -> None:
    """Forgets the secrets of the command before, and removes passwords in these arguments from the process's title."""
    _secrets.clear()
    shown = [redact_argument(argument) for argument in arguments]
    if shown != list(arguments):
        from setproctitle import setproctitle

        setproctitle(" ".join(["sartor", *shown]))


def keep_secret(texts: Iterable[str]) -> None:
    """Hides these texts from now on."""
    _secrets.update(texts)


def redacted(text: str) -> str:
    """Returns the text without passwords."""
    return redact(text, _secrets)


def redacted_json(value: Any) -> Any:
    """Returns a JSON value with its texts redacted.

    They are redacted one by one: JSON escapes quotes, so a password with a quote in it wouldn't be found later.
    """
    match value:
        case str():
            return redacted(value)
        case dict():
            return {key: redacted_json(each) for key, each in value.items()}
        case list() | tuple():
            return [redacted_json(each) for each in value]
        case _:
            return value
