"""Tapes what Sartor sends to one destination of a fleet: each message, in its order and on its connection.

    fleet_tape.py FILE ALTERATIONS schemas|databases URL PLACE...      # deploys to all places, and writes the tape

A process of its own, as one that has Sartor in it is larger than some of those that are measured, and what Linux calls
the peak of a process begins with the size of the one that started it.

Where two destinations that got the same messages have different values in them, the tape has a parameter: the
destination's name, a token, the key of a lock, the number of a server's process.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from fleet_rivals import Fleet, Kind
from measure import CommandError
from sartor import Begun, Destination, End, Ended, FleetOrder, Observer, deploy, list_alterations, run_fleet
from sartor.postgres.connect.kept import MOST_USES
from sartor.postgres.driver.connection import Connection

PLACE, PROCESS = 0, -1
"""The parameters that have no new value for each destination: its name, and the process of a connection's session."""
NUMBER = 0
"""The kind of a parameter that is a number of 62 bits; any other kind is a number of hexadecimal digits."""
DIGITS = 8
"""The fewest digits of a token, and of a number that isn't a count."""
ALONE = 3
"""The schemas that are deployed to with new connections."""

Parts = tuple[str | int, ...]
"""A text, or a value: strings as they are, and a parameter's number for each that varies."""


class Sent(NamedTuple):
    """A message: which of the destination's connections sent it, how, its text, its values, and the session's process.

    `among` counts the messages before which nothing was under way: those of one number were sent at the same time.
    """

    connection: int
    way: str
    text: str
    values: tuple[Any, ...]
    process: int
    among: int


class Step(NamedTuple):
    """A message of a tape: as `Sent`, with parameters."""

    connection: int
    way: str
    text: Parts
    values: tuple[Any, ...]


class Tape(NamedTuple):
    """The kinds of the parameters from 1 on, and the messages: those of a group are sent at the same time."""

    kinds: tuple[int, ...]
    groups: tuple[tuple[Step, ...], ...]


@dataclass(slots=True)
class Recorder:
    """Hears what all connections of Sartor's send; `taped` has a list for each destination."""

    taped: list[list[Sent]] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)
    _connections: int = 0
    _under_way: int = 0
    _among: int = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hears the connections that are made within the block."""
        make = Connection.__init__

        def made(connection: Connection, protocol: Any, *args: Any, **kwargs: Any) -> None:
            self._connections += 1
            make(connection, _Heard(protocol, self, self._connections), *args, **kwargs)
            found = connection._params  # type: ignore[attr-defined]  # noqa: SLF001 - not in the stubs
            settings = {"ssl": None if found.ssl else False, "server_settings": dict(found.server_settings)}
            with self.sending(self._connections, "connect", "", (settings,), protocol.get_server_pid()):
                pass

        with mock.patch.object(Connection, "__init__", made):
            yield

    def begin(self) -> None:
        """Begins another destination."""
        self.taped.append([])
        self._numbers.clear()

    @contextmanager
    def sending(self, connection: int, way: str, text: str, values: tuple[Any, ...], process: int) -> Iterator[None]:
        """Tapes a message that is under way while the block lasts."""
        self._among += self._under_way == 0
        if self.taped:
            number = self._numbers.setdefault(connection, len(self._numbers))
            self.taped[-1].append(Sent(number, way, text, values, process, self._among))
        self._under_way += 1
        try:
            yield
        except Exception as error:
            raise CommandError(f"failed while it was taped: {text}") from error
        finally:
            self._under_way -= 1


class _Heard:
    """The driver's protocol, below all methods of a connection: what it sends is taped."""

    def __init__(self, protocol: Any, recorder: Recorder, number: int) -> None:
        self._protocol, self._recorder, self._number = protocol, recorder, number

    def __getattr__(self, name: str) -> Any:
        if name in {"bind", "execute", "bind_execute_many", "copy_in"}:
            raise CommandError(f"a tape can't hold a call of {name} yet")
        return getattr(self._protocol, name)

    def _sending(self, way: str, text: str, *values: Any) -> Any:
        return self._recorder.sending(self._number, way, text, values, self._protocol.get_server_pid())

    async def query(self, query: str, *args: Any, **kwargs: Any) -> Any:
        with self._sending("execute", query):
            return await self._protocol.query(query, *args, **kwargs)

    async def prepare(self, name: str, query: str, *args: Any, **kwargs: Any) -> Any:
        if not name:  # the driver's `fetch` will do that again
            return await self._protocol.prepare(name, query, *args, **kwargs)
        with self._sending("prepare", query):
            return await self._protocol.prepare(name, query, *args, **kwargs)

    async def bind_execute(self, state: Any, args: Sequence[Any], *others: Any, **kwargs: Any) -> Any:
        with self._sending("run" if state.name else "fetch", state.query, *args):
            return await self._protocol.bind_execute(state, args, *others, **kwargs)

    async def copy_out(self, query: str, *args: Any, **kwargs: Any) -> Any:
        with self._sending("copy", query):
            return await self._protocol.copy_out(query, *args, **kwargs)


def tapes(fleet: Fleet, alterations: str) -> tuple[Tape, Tape]:
    """Deploys to all destinations; returns the tape of one with new connections, and of one with those that are kept.

    Databases have new connections each; of schemas, only those that are left for runs of their own. Raises CommandError
    where no two destinations got the same messages.
    """
    recorder = Recorder()
    asyncio.run(_deploy(fleet, alterations, recorder))
    found = [*zip(fleet.places, recorder.taped, strict=True)]
    together = _together(fleet)
    kept = _last(found[:together])
    return kept if fleet.kind is Kind.DATABASES else _last(found[together:]), kept


async def _deploy(fleet: Fleet, alterations: str, recorder: Recorder) -> None:
    """Deploys to all destinations, one after the other, most of them in one run."""
    catalogue = list_alterations(alterations)

    async def call(destination: Destination, observer: Observer) -> object:
        return await deploy(destination, catalogue, observer=observer)

    def observe(event: object) -> None:
        if isinstance(event, Begun):
            recorder.begin()
        elif isinstance(event, Ended) and event.outcome.end is not End.DONE:
            raise CommandError(f"wasn't taped: {event.outcome.error}")

    places = [
        Destination.parse(fleet.at(place))
        if fleet.kind is Kind.DATABASES
        else Destination.parse(fleet.url, schema=place)
        for place in fleet.places
    ]
    together = _together(fleet)
    with recorder.listening():
        await run_fleet(places[:together], call, FleetOrder(jobs=1, jobs_per_server=1), observer=observe)
        for place in places[together:]:
            recorder.begin()
            await deploy(place, catalogue)


def _together(fleet: Fleet) -> int:
    """The number of destinations in one run; the last schemas have runs, and new connections, of their own."""
    return len(fleet.places) - (ALONE if fleet.kind is Kind.SCHEMAS else 0)


def _last(found: Sequence[tuple[str, Sequence[Sent]]]) -> Tape:
    """Makes a tape of the last two in a row that got the same messages: they change once as the catalog grows."""
    for one, other in pairwise(reversed(found)):
        if _alike(one[1], other[1]):
            return tape(one, other)
    raise CommandError("each destination got different messages: none stands for the others")


def _alike(sent: Sequence[Sent], other: Sequence[Sent]) -> bool:
    return [(each.connection, each.way) for each in sent] == [(each.connection, each.way) for each in other]


def tape(one: tuple[str, Sequence[Sent]], other: tuple[str, Sequence[Sent]]) -> Tape:
    """Makes a tape of two destinations that got the same messages, each with its name.

    Raises CommandError where the tape would work at one of them again, as its name is in a value of another kind.
    """
    (place, sent), (other_place, other_sent) = one, other
    found = _Parameters((place, other_place))
    groups: dict[int, list[Step]] = {}
    for a, b in zip(sent, other_sent, strict=True):
        values = tuple(found.value(x, y) for x, y in zip(a.values, b.values, strict=True))
        step = Step(a.connection, a.way, found.text(a.text, b.text, (a.process, b.process)), values)
        if place in repr(step):
            raise CommandError(f"no parameter was made of {place}: {step}")
        groups.setdefault(a.among, []).append(step)
    return Tape(tuple(found.kinds.values()), tuple(map(tuple, groups.values())))


class _Parameters:
    """The values that differ between two destinations; `kinds` has each that isn't known beforehand, by its value."""

    def __init__(self, places: tuple[str, str]) -> None:
        self.kinds: dict[str, int] = {}
        self._places = places

    def text(self, one: str, other: str, processes: tuple[int, int] = (0, 0)) -> Parts:
        """A text in parts; it is as it was but for the place where the two aren't alike in their shape."""
        a, b = (_pieces(text, place) for text, place in zip((one, other), self._places, strict=True))
        parts: list[str | int] = []
        for x, y in zip(a, b if len(a) == len(b) else a, strict=True):
            part = self._part(x, y, processes)
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            elif part != "":
                parts.append(part)
        return tuple(parts)

    def value(self, one: Any, other: Any) -> Any:
        """A value as it was, or its parts: no other value is a tuple."""
        if isinstance(one, list | tuple) and len(one) == len(other):
            return [self.value(x, y) for x, y in zip(one, other, strict=True)]
        if isinstance(one, str) and isinstance(other, str):
            parts = self.text(one, other)
            return one if parts in {(), (one,)} else parts
        if type(one) is type(other) is int and one != other and abs(one) >= 10**DIGITS:
            return (self._number(str(one), NUMBER),)
        return one

    def _part(self, one: str, other: str, processes: tuple[int, int]) -> str | int:
        if (one, other) == self._places or one == other == self._places[0]:
            return PLACE
        if one == other:
            return one
        if (one, other) == tuple(map(str, processes)):
            return PROCESS
        if min(len(one), len(other)) < DIGITS:
            return one
        return self._number(one, NUMBER if one.isdecimal() and other.isdecimal() else len(one))

    def _number(self, value: str, kind: int) -> int:
        self.kinds.setdefault(value, kind)
        return [*self.kinds].index(value) + 1


def _pieces(text: str, place: str) -> list[str]:
    return re.split(rf"(\b{re.escape(place)}\b|[0-9a-f]{{{DIGITS},}}|[0-9]+)", text)


def main(into: str, alterations: str, kind: str, url: str, *places: str) -> None:
    """Write the tapes as a program's first lines; plain tuples, so that it needs nothing of ours."""
    scripts = sum(1 for _ in Path(alterations).iterdir())
    found = tapes(Fleet(kind=Kind(kind), url=url, places=places, scripts=scripts), alterations)
    new, kept = [(kinds, tuple(tuple(map(tuple, steps)) for steps in groups)) for kinds, groups in found]
    Path(into).write_text(f"import datetime\n\nNEW = {new!r}\nKEPT = {kept!r}\nUSES = {MOST_USES}\n")
    print(" or ".join(str(sum(map(len, each.groups))) for each in found), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
