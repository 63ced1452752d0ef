"""What a script may not do with its connection: the errors, and the checks of awaited queries and of lent handles."""

import functools
import inspect
import sys
from collections.abc import Coroutine
from typing import Any, NamedTuple, NoReturn

import asyncpg

from sartor.domain.own_tables import leave
from sartor.domain.table_names import OwnTables
from sartor.errors import ScriptFault
from sartor.sql.statements import ClientCopy


class TransactionControl(Exception):
    """A script tried to begin or to end a transaction where the transaction is Sartor's.

    `statement` is its SQL, or the driver's method that would have done it: `conn.close()`.
    """

    def __init__(self, statement: str) -> None:
        super().__init__(statement)
        self.statement = statement


class NoTalk(Exception):
    """A script tried to copy from or to the client by a method that sends no rows and receives none.

    The server would wait for rows, holding its locks, and none of its timeouts would end that.
    """

    def __init__(self, copy: ClientCopy) -> None:
        what = "FROM STDIN" if copy.from_client else "TO STDOUT"
        super().__init__(f"COPY {what} can't be sent as an ordinary statement")
        self.statement = copy.statement
        self.from_client = copy.from_client


_CANT_TELL = "the statement can't run in a transaction, so changes outside the scratch database couldn't be undone"


class TakesLedger(ScriptFault):
    """A script outside a transaction tried to drop or move Sartor's own tables, by the statement `query`."""

    def __init__(self, query: str, what: str, tables: OwnTables) -> None:
        super().__init__(f"the script {what}; the statement wasn't run", advice=leave(tables))
        self.query = query


class BeyondDatabase(Exception):
    """A script in a scratch database tried to change what would outlast it, by the statement `query`."""

    def __init__(self, query: str, reason: str = _CANT_TELL) -> None:
        super().__init__(reason)
        self.query = query


class NotAwaited(Exception):
    """A script called for a query and never awaited it: Python drops such a query without sending it.

    `query` is the first such query, `place` the file and line that called for it.
    """

    def __init__(self, query: str, place: tuple[str, int]) -> None:
        super().__init__("the script doesn't await this query, so the query wasn't sent")
        self.query = query
        self.place = place


class Asked(NamedTuple):
    """A query that was called for, and the file and line of the call."""

    query: str
    coroutine: Coroutine[Any, Any, Any]
    place: tuple[str, int]

    @property
    def waits(self) -> bool:
        return inspect.getcoroutinestate(self.coroutine) == inspect.CORO_CREATED


def awaited(original: Any) -> Any:
    """Wraps an async method, so that the connection knows each call and whether it was awaited."""

    @functools.wraps(original)
    def method(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
        coroutine = original(self, query, *args, **kwargs)
        caller = sys._getframe(1)  # noqa: SLF001 - the frame that a traceback would show
        self.asked[:] = [asked for asked in self.asked if asked.waits]
        self.asked.append(Asked(query, coroutine, (caller.f_code.co_filename, caller.f_lineno)))
        return coroutine

    return method


def require_awaited(asked: list[Asked]) -> None:
    """Raises NotAwaited where one of these queries was never awaited. Empties the list and closes those that wait."""
    waiting = [each for each in asked if each.waits]
    asked.clear()
    for each in waiting:
        each.coroutine.close()
    if waiting:
        raise NotAwaited(waiting[0].query, waiting[0].place)


def wearing(original: Any) -> Any:
    """Wraps a method of the driver that changes the client's side of a session: sets `worn`."""

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_open()
        self.worn = (self._lender or self).worn = True
        return original(self, *args, **kwargs)

    return method


def kept(original: Any) -> Any:
    """Wraps a method of the driver that ends a session: raises TransactionControl where a script calls it."""

    @functools.wraps(original)
    def method(self: Any, **kwargs: Any) -> Any:
        if self._in_script:
            raise TransactionControl(f"conn.{original.__name__}()")
        return original(self, **kwargs)

    return method


class Ended:
    """Stands in place of the driver's protocol in a lent handle, once the script `borrower` has ended.

    Statements, cursors and transactions reach the server through the protocol: any of them raises `error`.
    """

    def __init__(self, borrower: str) -> None:
        self.error = asyncpg.InterfaceError(
            f"this connection was lent to {borrower}, which has ended: what uses the connection must"
            " end before the script does"
        )

    def is_connected(self) -> bool:
        return False

    def __ne__(self, _other: object) -> NoReturn:
        """Raises where a statement or a cursor compares a number of its connection, to see whether it is its own."""
        raise self.error

    def __getattr__(self, name: str) -> NoReturn:
        raise self.error
