"""The tools in turn over the same work: what each takes, as values."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from measure import CommandError, Server, TooLongError, ask, timed
from tools.source import AbsentError
from tools.tool import Call, Site, Tool
from workload import FOUND


class Act(Enum):
    """What is timed."""

    DEPLOY = "deploy"
    AGAIN = "nothing to do"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A tool that could be had, its version, and where it is."""

    tool: Tool
    version: str
    prefix: Path


@dataclass(frozen=True, slots=True)
class Times:
    """What one thing took, in seconds, a round each."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        """The least."""
        return min(self.seconds)


Result = Mapping[Act, Times]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the tools took for `count` scripts, by name, over one server; `out` are those that dropped out, and why."""

    count: int
    results: Mapping[str, Result]
    out: Mapping[str, str] = field(default_factory=dict)

    def times(self, name: str, act: Act) -> Times | None:
        """What a tool took; None where it didn't take part, or can't."""
        return self.results.get(name, {}).get(act)

    def ratio(self, name: str, other: str, act: Act) -> float | None:
        """One tool's median over another's."""
        a, b = self.times(name, act), self.times(other, act)
        return a.median / b.median if a and b else None


def enter(tools: Iterable[Tool], prefixes: Path) -> tuple[list[Entrant], list[str]]:
    """Those tools that can be had, installed where they aren't; and the names of the others."""
    entrants, absent = [], []
    for tool in tools:
        prefix = prefixes / "".join(c if c.isalnum() else "-" for c in tool.name.lower())
        say(f"having {tool.name}")
        try:
            tool.source.install(prefix)
            entrants.append(Entrant(tool=tool, version=tool.source.version(prefix), prefix=prefix))
        except AbsentError as error:
            absent.append(tool.name)
            say(f"  it can't be had: {error}")
    return entrants, absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """So many scripts for each tool, on one server; `work` holds them.

    No command may take over `limit` seconds. No round begins that wouldn't end within `patience`; one always counts.
    """

    server: Server
    work: Path
    count: int
    limit: float
    patience: float
    acts: Sequence[Act] = tuple(Act)
    _scripts: dict[str, Path] = field(default_factory=dict)

    def run(self, entrants: Iterable[Entrant], *, rounds: int, warm: int = 1) -> Standing:
        """All in turn, round by round, after `warm` rounds that don't count; who fails or takes too long is out.

        Each round begins with another tool, so that none always comes behind the same one.
        """
        running = {e.tool.name: e for e in entrants}
        turns: dict[str, list[dict[Act, float]]] = {name: [] for name in running}
        out: dict[str, str] = {}
        began = time.monotonic()
        for turn in range(warm + rounds):
            spent = time.monotonic() - began
            if turn > warm and spent * (turn + 1) / turn > self.patience:
                break
            for name in rotated(list(running), turn):
                say(f"{self.count:,} scripts, round {turn + 1} of {warm + rounds}: {name}")
                try:
                    turns[name].append(self._turn(running[name]))
                except CommandError as error:
                    say(f"  {error}")
                    out[name] = str(error) if isinstance(error, TooLongError) else "failed"
                    del running[name]
        results = {name: _times(turns[name][warm:]) for name in running}
        return Standing(count=self.count, results=results, out=out)

    def _turn(self, entrant: Entrant) -> dict[Act, float]:
        """One tool, from an empty database to an empty database."""
        tool = entrant.tool
        with self.server.database() as url:
            site = Site(url=url, scripts=self._written(tool), count=self.count, prefix=entrant.prefix)
            tool.prepare(site)
            calls = {Act.DEPLOY: tool.deploy(site), Act.AGAIN: tool.again(site), Act.ROLLBACK: tool.rollback(site)}
            return {act: self._timed(site, act, call) for act in self.acts if (call := calls[act])}

    def _timed(self, site: Site, act: Act, call: Call) -> float:
        run = timed(*call.words, directory=site.scripts, variables=call.variables, limit=self.limit)
        tables, transactions = ask(site.url, FOUND)
        due = 0 if act is Act.ROLLBACK else self.count
        if (tables, transactions) != (due, due):
            raise CommandError(f"{call.words[0]}: {tables} scripts in {transactions} transactions, and not {due}")
        return run.seconds

    def _written(self, tool: Tool) -> Path:
        """The folder of a tool's scripts."""
        if tool.name not in self._scripts:
            scripts = self.work / f"{self.count}-{len(self._scripts)}"
            scripts.mkdir()
            tool.write(scripts, self.count)
            self._scripts[tool.name] = scripts
        return self._scripts[tool.name]


def rotated(names: Sequence[str], by: int) -> list[str]:
    """The names, begun so many later."""
    first = by % len(names) if names else 0
    return [*names[first:], *names[:first]]


def _times(turns: Sequence[Mapping[Act, float]]) -> Result:
    return {act: Times(tuple(turn[act] for turn in turns)) for act in turns[0]} if turns else {}


def say(words: str) -> None:
    """Tell who waits."""
    print(words, file=sys.stderr, flush=True)
