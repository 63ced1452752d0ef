"""Says who owns the process that scripts run in: an application, unless it is declared to be Sartor's own."""

import threading
from collections.abc import Callable

TELL: list[Callable[[str], None]] = []
"""The function that shows the user a line, where the process is Sartor's own; else empty.

It is apart from `state`, which few commands need.
"""

LEFT_RUNNING: list[threading.Thread] = []
"""The threads that scripts left running. A thread can't be ended, and Python waits for it at the process's end."""
