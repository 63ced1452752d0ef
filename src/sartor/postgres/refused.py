"""What a script may not send, refused before it is sent."""

from __future__ import annotations

from sartor.domain.client_copy import ClientCopy


class TransactionControl(Exception):
    """A script was about to end, or to begin, the transaction that is Sartor's.

    `statement` is its SQL, or the driver's method that would have done it: `conn.close()`.
    """

    def __init__(self, statement: str) -> None:
        super().__init__(statement)
        self.statement = statement


class NoTalk(Exception):
    """A script was about to copy from or to the client by a method that has no rows to give, and takes none.

    The server would wait for rows, with its locks held, and no timeout of its own would end that.
    """

    def __init__(self, copy: ClientCopy) -> None:
        super().__init__(f"COPY {'from' if copy.from_client else 'to'} the client can't be sent this way")
        self.statement = copy.statement
        self.from_client = copy.from_client
