"""The driver's connection, with Sartor's own SQL inside the fence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from sartor.postgres.driver.fence import FENCE, LOCK_WAIT, STEP_IN, STEP_OUT, entering

if TYPE_CHECKING:
    _Driver = asyncpg.Connection[asyncpg.Record]
else:
    _Driver = asyncpg.Connection


class FencedConnection(_Driver):
    """A connection whose session is inside the fence, or each of whose transactions is.

    `pooled` says that a pooler is in between, so that others use the session as well, and all but a script's SQL is
    fenced transaction by transaction; `pinned` is the lock_timeout that doesn't apply to statements that wait for
    others by their nature; `kept` is the SQL that sets a session's further settings again after a RESET ALL, where the
    session is Sartor's alone.
    """

    __slots__ = ("_fenced", "_unsettled", "kept", "pinned", "pooled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fenced = self._unsettled = self.pooled = False
        self.pinned: str | None = None
        self.kept = ""

    async def enter_fence(self, also: Mapping[str, str]) -> None:
        """Puts the session inside the fence, or finds that a pooler is in between. Comes before any other statement.

        `also` are further settings of a session that is Sartor's alone.
        """
        try:
            self.pooled = await super().execute(entering(self.get_server_pid(), also)) == "SELECT 0"
        except BaseException:
            self.terminate()
            raise
        if not self.pooled:
            self.pinned, self.kept = LOCK_WAIT, "".join(f"set {name} = {value};" for name, value in also.items())

    @asynccontextmanager
    async def fenced(self) -> AsyncIterator[None]:
        """Runs the block's SQL inside the fence: it isn't that of the script that has the connection."""
        if self._fenced:
            yield
            return
        await self.settle()
        begin, end, undo = f"begin;{FENCE}", "commit", "rollback"
        if self.is_in_transaction():
            begin, end, undo = STEP_IN, STEP_OUT, STEP_OUT
        else:
            self._unsettled = True
        await super().execute(begin)
        self._unsettled, self._fenced = False, True
        try:
            yield
        except BaseException:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                await super().execute(undo)
            raise
        else:
            await super().execute(end)
        finally:
            self._fenced = False

    async def settle(self) -> None:
        """Ends a transaction of the fence that may have begun after its caller had stopped waiting for it."""
        if self._unsettled:
            await super().execute("rollback")
            self._unsettled = False

    async def _introspect_types(self, *args: Any, **kwargs: Any) -> Any:
        """Calls asyncpg's method inside the fence: its SQL has operators and functions without their schema."""
        async with self.fenced():
            return await super()._introspect_types(*args, **kwargs)  # type: ignore[misc]  # not in the stubs

    async def _introspect_type(self, *args: Any, **kwargs: Any) -> Any:
        """Calls asyncpg's method inside the fence, for the same reason."""
        async with self.fenced():
            return await super()._introspect_type(*args, **kwargs)  # type: ignore[misc]  # not in the stubs
