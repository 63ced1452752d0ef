"""What a loaded script is, in whichever language it was written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sartor.domain.alteration import Alteration
from sartor.domain.context import Context
from sartor.domain.errors import ScriptError
from sartor.domain.plan import Direction

Body = Callable[[Any, Context], Awaitable[None]]
"""Runs on a connection (an asyncpg.Connection, which this floor doesn't import) and a context."""

Place = tuple[str, int]
"""A file and a line of it, from 1."""


class Locate(Protocol):
    """Says where in the script an error came from."""

    def __call__(self, error: BaseException, /) -> Place | None:
        """The place, or None where the error doesn't tell."""


FUNCTIONS = {Direction.DEPLOY: "up", Direction.ROLLBACK: "down"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A loaded alteration. `bodies` and `before` hold what there is for each direction."""

    alteration: Alteration
    bodies: Mapping[Direction, Body]
    locate: Locate
    before: Mapping[Direction, Body] = field(default_factory=dict)
    transactional: bool = True
    irreversible: str | None = None
    source: str = ""

    def body(self, direction: Direction) -> Body:
        """What runs in this direction. Raises ScriptError where there is nothing."""
        body = self.bodies.get(direction)
        if body is not None:
            return body
        name = self.alteration.name
        if direction is Direction.ROLLBACK and self.irreversible is not None:
            raise ScriptError(
                f"{name} can't be rolled back: {self.irreversible}",
                hint="roll back to a release after it, or restore a backup; nothing of the plan has run",
            )
        function = FUNCTIONS[direction]
        written = f"a section `-- sartor: {function}`" if self.alteration.is_sql else f"`async def {function}(conn)`"
        raise ScriptError(f"{name} has no {function}: it needs {written}")

    @property
    def has_way_back(self) -> bool:
        """Whether it can be rolled back, or says why not."""
        return Direction.ROLLBACK in self.bodies or self.irreversible is not None

    def needs_session(self, direction: Direction) -> bool:
        """Whether something of it runs outside a transaction, and so needs a server session of its own."""
        return not self.transactional or direction in self.before
