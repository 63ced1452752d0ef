"""The process's title, as `ps` shows it to everyone on the machine."""

from __future__ import annotations

from collections.abc import Sequence

from sartor.domain.destination import redact_argument


def hide_password(arguments: Sequence[str]) -> None:
    """Take passwords out of the process's title, where an argument holds one."""
    shown = [redact_argument(argument) for argument in arguments]
    if shown != list(arguments):
        from setproctitle import setproctitle

        setproctitle(" ".join(["sartor", *shown]))
