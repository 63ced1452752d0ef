"""Notes every statement of scripts while they run."""

import dataclasses
import sys
from types import FrameType
from typing import Any

from sartor.alterations.kept_down import load_step
from sartor.alterations.python_source import looks
from sartor.alterations.script import Body, Script
from sartor.domain.alteration import Alteration
from sartor.domain.hazards.circumstances import with_later
from sartor.domain.hazards.hazard import RehearsedStatement
from sartor.domain.plan import Direction, Step
from sartor.domain.rehearsal import Message
from sartor.domain.source import Run
from sartor.footprint.recorded_connection import RecordedConnection
from sartor.footprint.row_losses import Known
from sartor.footprint.statement_recorder import Recording, TextPart


class ScriptRecorder:
    """Notes what scripts do to relations that were `known` before."""

    def __init__(self, known: Known) -> None:
        self._known = known
        # By the alteration's identity, and the part of its script: 0 for its `before`, 1 for its body.
        self._runs: dict[tuple[tuple[str, str], int], Recording] = {}
        self._looking: set[tuple[str, str]] = set()

    def load(self, step: Step) -> Script:
        """Loads a step's script so that its runs are noted; it needs an observed connection.

        Raises ScriptError, CatalogueError.
        """
        script = load_step(step)
        before, bodies = (
            {direction: self._noted(script, direction, body, part) for direction, body in of}
            for part, of in enumerate((script.before.items(), script.bodies.items()))
        )
        return dataclasses.replace(script, before=before, bodies=bodies)

    def statements(self, alteration: Alteration) -> tuple[RehearsedStatement, ...]:
        """Returns all statements noted of an alteration, in order."""
        runs = [self._runs.get((alteration.identity, part)) for part in (0, 1)]
        return with_later([statement for run in runs if run for statement in run.notes])

    def sent(self, alteration: Alteration) -> tuple[Message | None, ...]:
        """Returns what an alteration's body sent, in order, as in `Rehearsed`."""
        run = self._runs.get((alteration.identity, 1))
        return tuple(run.sent) if run else ()

    def depends_on_rows(self, alteration: Alteration) -> bool:
        """Returns whether an alteration might do something else with rows, as far as there were none."""
        statements = self.statements(alteration)
        looked = not self._known.counts and alteration.identity in self._looking
        return any(each.in_doubt or (looked and each.met_rows) for each in statements)

    def _noted(self, script: Script, direction: Direction, body: Body, part: int) -> Body:
        def where(sent: TextPart | None) -> int | None:
            line = _at_work(script, direction)
            return line if sent is None or line is None else _of_its_own(script.source, sent, line)

        async def noted(connection: Any, given: Run) -> None:
            assert isinstance(connection, RecordedConnection)  # noqa: S101 - for the type checker
            watch = Recording(self._known, where)
            # A script that didn't get a lock is run again: the last run counts.
            self._runs[script.alteration.identity, part] = watch
            if script.fragments.get(direction) is None and looks(script):
                self._looking.add(script.alteration.identity)
            async with connection.observed(watch):
                await body(connection, given)
            if connection.worn:
                watch.sent.append(None)

        return noted


def _at_work(script: Script, direction: Direction) -> int | None:
    """Returns the line of a script that is running, from 1; None where none is."""
    if script.fragments.get(direction) is None:
        return _line_in(script.alteration.file)
    place = script.locate(Exception())  # of an error that says nothing, it is where the script is
    return place[1] if place else None


def _of_its_own(source: str, sent: TextPart, line: int) -> int:
    """Returns the line of one of several statements, if the source has their text as it is; else the running line."""
    above = "".join(source.splitlines(keepends=True)[: line - 1])
    found = source.find(sent.text, len(above))
    return line if found < 0 else source.count("\n", 0, found + sent.start) + 1


def _line_in(file: str) -> int | None:
    """Returns the line of `file` that is running now, from 1; None where the call stack has no line of it."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - a traceback's frame, before there is one
    while frame is not None:
        if frame.f_code.co_filename == file:
            return frame.f_lineno
        frame = frame.f_back
    return None
