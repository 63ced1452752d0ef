"""Errors for what a script may not send, raised before it is sent."""

from __future__ import annotations

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
        super().__init__(
            f"COPY {'FROM STDIN' if copy.from_client else 'TO STDOUT'} can't be sent as an ordinary statement"
        )
        self.statement = copy.statement
        self.from_client = copy.from_client
