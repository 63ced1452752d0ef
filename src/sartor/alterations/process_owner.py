"""Says who owns the process that scripts run in: an application, unless it is declared to be Sartor's own."""

import threading
from collections.abc import Callable
from typing import NamedTuple

TELL: list[Callable[[str], None]] = []
"""The function that shows the user a line, where the process is Sartor's own; else empty.

It is apart from `state`, which few commands need.
"""

LEFT_RUNNING: list[threading.Thread] = []
"""The threads that scripts left running. A thread can't be ended, and Python waits for it at the process's end."""

ALARM_TAKEN: list[bool] = []
"""Not empty where a signal ends the run: the alarm that breaks into scripts that block is Sartor's, and no script's."""


class Guest(NamedTuple):
    """The file of a script, and the name of the destination that it runs at; "" while it is loaded."""

    file: str
    destination: str = ""


RUNNING: dict[int, list[Guest]] = {}
"""By thread, the scripts whose code it runs now: the last one's, called by the code of those before."""


def running_script(thread: int) -> Guest | None:
    """Returns the script whose code runs on a thread, between two of its awaits; None where none does."""
    found = RUNNING.get(thread)
    return found[-1] if found else None
