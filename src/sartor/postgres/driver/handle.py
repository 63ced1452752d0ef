"""A connection's handle for one script, and what replaces it once the script has ended."""

from __future__ import annotations

from functools import cache
from typing import Any, NoReturn, TypeVar

import asyncpg

T = TypeVar("T")


class HandleEnded(asyncpg.InterfaceError):
    """A connection was used that had been lent to a script, which has ended."""


class Ended:
    """Stands in place of the driver's protocol, through which statements, cursors and transactions reach the server."""

    def __init__(self, borrower: str) -> None:
        self.borrower = borrower

    @property
    def error(self) -> HandleEnded:
        """The error to raise where the handle is used."""
        return HandleEnded(
            f"this connection was lent to {self.borrower}, which has ended: what uses the connection must"
            " end before the script does"
        )

    def is_connected(self) -> bool:
        """Returns False: nothing is connected through this."""
        return False

    def __ne__(self, _other: object) -> NoReturn:
        """Raises where a statement or a cursor compares a number of its connection, to see whether it is its own."""
        raise self.error

    def __getattr__(self, name: str) -> NoReturn:
        raise self.error


def replica(connection: T) -> T:
    """Returns another object of the same class with the same attributes."""
    kind: Any = type(connection)
    made: T = object.__new__(kind)
    for name in _attributes(kind):
        setattr(made, name, getattr(connection, name))
    return made


@cache
def _attributes(kind: type) -> tuple[str, ...]:
    names = (name for each in kind.__mro__ for name in getattr(each, "__slots__", ()))
    return tuple(name for name in names if name != "__weakref__")
