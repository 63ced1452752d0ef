"""Changes the process's title, which `ps` shows to every user of the machine."""

from __future__ import annotations

from collections.abc import Sequence

from sartor.domain.destination import redact_argument


def hide_password(arguments: Sequence[str]) -> None:
    """Removes passwords from the process's title, where an argument has one."""
    shown = [redact_argument(argument) for argument in arguments]
    if shown != list(arguments):
        from setproctitle import setproctitle

        setproctitle(" ".join(["sartor", *shown]))
