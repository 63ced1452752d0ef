"""Notes every statement of scripts while they run."""

from __future__ import annotations

import dataclasses
import sys
from types import FrameType
from typing import Any, NamedTuple

from sartor.alterations.loader import load_script
from sartor.alterations.python_source import looks
from sartor.alterations.script import Body, Script
from sartor.domain.alteration import Alteration
from sartor.domain.hazards.circumstances import with_later
from sartor.domain.hazards.hazard import RehearsedStatement
from sartor.domain.plan import Direction
from sartor.domain.rehearsal import Message
from sartor.domain.source import Context
from sartor.footprint.footprint import Relations
from sartor.footprint.recorded_connection import RecordedConnection
from sartor.footprint.row_losses import Forms
from sartor.footprint.statement_recorder import Recording, TextPart


class _Page(NamedTuple):
    """The key of the notes of one function of a script; `part` is 0 for its `before`, 1 for its body."""

    identity: tuple[str, str]
    part: int


class ScriptRecorder:
    """Notes what scripts do to relations `known` before, in `schema`; `counts` and `forms` as in `Recording`."""

    def __init__(self, known: Relations, schema: str, forms: Forms | None = None, *, counts: bool) -> None:
        self._known = known
        self._schema = schema
        self._counts = counts
        self._forms = forms or Forms()
        self._pages: dict[_Page, list[RehearsedStatement]] = {}
        self._sent: dict[_Page, list[Message | None]] = {}
        self._looking: set[tuple[str, str]] = set()

    def load(self, alteration: Alteration) -> Script:
        """Loads an alteration's script so that its runs are noted; it needs an observed connection.

        Raises ScriptError, CatalogueError.
        """
        script = load_script(alteration)
        before, bodies = (
            {
                direction: self._noted(script, direction, body, _Page(alteration.identity, part))
                for direction, body in of
            }
            for part, of in enumerate((script.before.items(), script.bodies.items()))
        )
        return dataclasses.replace(script, before=before, bodies=bodies)

    def statements(self, alteration: Alteration) -> tuple[RehearsedStatement, ...]:
        """Returns all statements noted of an alteration, in order."""
        pages = [_Page(alteration.identity, part) for part in (0, 1)]
        return with_later([statement for page in pages for statement in self._pages.get(page, ())])

    def sent(self, alteration: Alteration) -> tuple[Message | None, ...]:
        """Returns what an alteration's body sent, in order, as in `Rehearsed`."""
        return tuple(self._sent.get(_Page(alteration.identity, 1), ()))

    def depends_on_rows(self, alteration: Alteration) -> bool:
        """Returns whether an alteration might do something else with rows, as far as there were none."""
        statements = self.statements(alteration)
        looked = not self._counts and alteration.identity in self._looking
        return any(each.in_doubt or (looked and each.met_rows) for each in statements)

    def _noted(self, script: Script, direction: Direction, body: Body, page: _Page) -> Body:
        def where(sent: TextPart | None) -> int | None:
            line = _at_work(script, direction)
            return line if sent is None or line is None else _of_its_own(script.source, sent, line)

        async def noted(connection: Any, context: Context) -> None:
            assert isinstance(connection, RecordedConnection)  # noqa: S101 - for the type checker
            watch = Recording(self._known, self._schema, where, self._counts, self._forms)
            # A script that didn't get a lock is run again: the last run counts.
            self._pages[page], self._sent[page] = watch.notes, watch.sent
            if script.sql(direction) is None and looks(script):
                self._looking.add(page.identity)
            async with connection.observed(watch):
                await body(connection, context)
            if connection.worn:
                watch.sent.append(None)

        return noted


_NOWHERE = Exception()
"""An error without information: given it, a script's `locate` says what is running."""


def _at_work(script: Script, direction: Direction) -> int | None:
    """Returns the line of a script that is running, from 1; None where none is."""
    if script.sql(direction) is None:
        return _line_in(script.alteration.file)
    place = script.locate(_NOWHERE)
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
