"""The facts about a run that its scripts may use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The second parameter of `up` and `down`, for scripts that declare one.

    `database`, `schema` and `user` are the destination's; `server_version` is a number such as 150018; `log(text)`
    shows a line to the user who runs the command.
    """

    database: str
    schema: str
    user: str
    server_version: int
    log: Callable[[str], None]
