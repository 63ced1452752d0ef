"""Whose the process is that scripts run in: an application's, unless it was said to be Sartor's own."""

from __future__ import annotations

from collections.abc import Callable

TELL: list[Callable[[str], None]] = []
"""Where the process is Sartor's own: what shows a line to whoever runs it. Apart from `premises`, which few need."""
