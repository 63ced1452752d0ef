"""The line in which destinations wait for their turn: the servers take turns, each with a limit of its own."""

from collections import deque
from collections.abc import Iterable

from sartor.domain.destination import Destination


class Lineup:
    """The destinations that wait, and the number of those at work at each server, which is `limit` at most.

    `limits` are those of servers that have another one; further lines of the same run share them.
    """

    def __init__(self, destinations: Iterable[Destination], limit: int, limits: dict[str, int] | None = None) -> None:
        self.limits: dict[str, int] = {} if limits is None else limits
        self._limit = limit
        self._waiting: dict[str, deque[Destination]] = {}
        self._busy: dict[str, int] = {}
        self._free: dict[str, None] = {}  # the servers with room, in the order of their turns
        for destination in destinations:
            self._waiting.setdefault(destination.server, deque()).append(destination)
        for server in self._waiting:
            self._line_up(server)

    def waiting(self) -> list[Destination]:
        return [destination for each in self._waiting.values() for destination in each]

    def take(self) -> Destination | None:
        """Returns the next destination whose server has room, which is at work from now on; None where none has."""
        while self._free:
            server = next(iter(self._free))
            del self._free[server]
            if self._has_room(server):  # else its limit was lowered meanwhile
                self._busy[server] = self._busy.get(server, 0) + 1
                destination = self._waiting[server].popleft()
                self._line_up(server)
                return destination
        return None

    def end(self, destination: Destination) -> None:
        """Notes that a destination that was taken isn't at work any more."""
        self._busy[destination.server] -= 1
        self._line_up(destination.server)

    def put_back(self, destination: Destination, limit: int) -> None:
        """Lets a destination that was taken have the next turn of its server, which has this limit from now on."""
        self.limits[destination.server] = limit
        self._waiting[destination.server].appendleft(destination)
        self.end(destination)

    def make_room(self, destination: Destination) -> None:
        """Puts back a destination for which its server had no connection: it has room for one less from now on."""
        self.put_back(destination, max(1, self._busy[destination.server] - 1))

    def has_others(self, destination: Destination) -> bool:
        """Returns whether others of the server of a destination that was taken are at work, too."""
        return self._busy[destination.server] > 1

    def _has_room(self, server: str) -> bool:
        return bool(self._waiting.get(server)) and self._busy.get(server, 0) < self.limits.get(server, self._limit)

    def _line_up(self, server: str) -> None:
        if self._has_room(server):
            self._free.setdefault(server)
