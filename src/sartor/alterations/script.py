"""The types of a loaded script, in whichever language it is written, and scripts whose SQL is known."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sartor.alterations.conditions import only_value, require_true
from sartor.domain.alteration import Alteration
from sartor.domain.plan import Direction
from sartor.domain.rows import Rows
from sartor.domain.source import Part, Run, Text
from sartor.errors import ScriptError

T = TypeVar("T")

Body = Callable[[Any, Run], Awaitable[None]]
"""A function of a connection (an asyncpg.Connection, which this floor doesn't import) and the facts of its run."""

Place = tuple[str, int]
"""A file and a line of it, from 1."""

Locate = Callable[[BaseException], Place | None]
"""A function that finds where in the script an error came from; None where the error doesn't show it."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL that a script sends in one message: its text, and the line of the file that sends it, from 1.

    `verbatim` is true where the file has the text as it is, starting in that line. `rows` are the data of a COPY.
    """

    text: str
    line: int
    verbatim: bool = False
    rows: Rows | None = None

    def line_of(self, error: BaseException) -> int:
        if self.rows is not None and (line := self.rows.line_of(error)) is not None:
            return line
        position = getattr(error, "position", None)
        if not self.verbatim or position is None or getattr(error, "query", None) != self.text:
            return self.line
        return self.line + self.text.count("\n", 0, int(position) - 1)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a script requires before its `up`, or ensures after it, in its author's words.

    `part` says which of the two. `body` raises Unmet where it isn't so. `query` is its SQL, None where only running it
    can show that; `first` says that of its answer the first value counts, and not the only one.
    """

    part: Part
    words: str
    body: Body
    query: Fragment | None = None
    first: bool = False


EMPTY = "the section `{}` has no statement"
FUNCTIONS = {Direction.DEPLOY: "up", Direction.ROLLBACK: "down"}
_OWN = {direction: f"transaction_{function}" for direction, function in FUNCTIONS.items()}
TRANSACTIONS = ("transaction", *_OWN.values())
"""The names in a Python script that say whether it runs in a transaction: both ways, and one way alone."""


def outside(option: Callable[[str], object]) -> frozenset[Direction]:
    """Returns the directions that run outside a transaction by a script's options, each None where it isn't there."""
    both = option("transaction")
    own = {direction: option(name) for direction, name in _OWN.items()}
    return frozenset(direction for direction, value in own.items() if (both if value is None else value) is False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A loaded alteration. `bodies` and `before` hold the functions that it has for each direction.

    `fragments` holds the SQL of a body, for each direction in which it is known without running Python, and
    `fragments_before` that of `before`. `outside` names the directions whose body runs outside a transaction. `empty`
    names the sections of a SQL file without a statement: they count as missing. `lock_timeout` is the script's own, in
    seconds (0 for none), where it asks for one. `requires` is what must be so before it is deployed, `ensures` what
    must be so after its `up`. `has_variables` is True where values of the settings are in its SQL. `known` holds what
    `once` found out.
    """

    alteration: Alteration
    bodies: Mapping[Direction, Body]
    locate: Locate
    before: Mapping[Direction, Body] = field(default_factory=dict)
    fragments: Mapping[Direction, tuple[Fragment, ...]] = field(default_factory=dict)
    fragments_before: Mapping[Direction, tuple[Fragment, ...]] = field(default_factory=dict)
    outside: frozenset[Direction] = frozenset()
    irreversible: str | None = None
    lock_timeout: float | None = None
    requires: tuple[Condition, ...] = ()
    ensures: tuple[Condition, ...] = ()
    has_variables: bool = False
    source: str = ""
    empty: tuple[Text, ...] = ()
    known: dict[Hashable, object] = field(default_factory=dict, compare=False, repr=False)

    def once(self, question: Hashable, find: Callable[[], T]) -> T:
        """Returns what `find` returned when this was first asked: each destination of a fleet asks it again."""
        if question not in self.known:
            self.known[question] = find()
        return cast("T", self.known[question])

    def body(self, direction: Direction) -> Body:
        """Returns what runs in this direction. Raises ScriptError where there is nothing."""
        body = self.bodies.get(direction)
        if body is not None:
            return body
        name = self.alteration.name
        if direction is Direction.ROLLBACK and self.irreversible is not None:
            raise ScriptError(
                f"{name} can't be rolled back: {self.irreversible}",
                hint="roll back to a release above this alteration, or restore a backup; no alteration was rolled back",
            )
        function = FUNCTIONS[direction]
        if line := next((each.line for each in self.empty if each.text == function), None):
            raise ScriptError(
                f"{name}, line {line}: {EMPTY.format(function)}",
                hint="where there is nothing to do, say so: `-- sartor: irreversible <why>` in place of `down`, or a"
                " statement that does nothing, such as `select 'nothing to do'`",
                line=line,
            )
        written = f"a section `-- sartor: {function}`" if self.alteration.is_sql else f"`async def {function}(conn)`"
        raise ScriptError(f"{name} has no `{function}`: write {written}")

    def sql_before(self, direction: Direction) -> tuple[Fragment, ...] | None:
        """Returns the SQL that it sends before its transaction; None where only running it can show that."""
        return self.fragments_before.get(direction) if direction in self.before else ()

    @property
    def has_way_back(self) -> bool:
        """True where it can be rolled back, or says why not."""
        return Direction.ROLLBACK in self.bodies or self.irreversible is not None


class Sender:
    """Sends the fragments of a file, and locates an error in the one that is under way."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._under_way: Fragment | None = None

    def bodies(self, fragments: Mapping[Direction, tuple[Fragment, ...]]) -> dict[Direction, Body]:
        return {direction: self.body(pieces) for direction, pieces in fragments.items()}

    def body(self, fragments: tuple[Fragment, ...]) -> Body:
        async def send(conn: Any, _run: Run) -> None:
            for fragment in fragments:
                self._under_way = fragment
                if fragment.rows is None:
                    await conn.execute(fragment.text)
                else:
                    await conn.copy_rows(fragment.text, fragment.rows)
            self._under_way = None

        return send

    def condition(self, part: Part, words: str, query: Fragment, *, first: bool = False) -> Condition:
        """Returns the condition that a query asks by its only value, or by the first one, as Python's `fetchval`."""

        async def ask(conn: Any, _run: Run) -> None:
            self._under_way = query
            answer = await conn.fetchval(query.text) if first else only_value(await conn.fetch(query.text))
            require_true(part, words, answer, (self._file, query.line))
            self._under_way = None

        return Condition(part, words, ask, query, first)

    def locate(self, error: BaseException) -> Place | None:
        """Returns the place of the driver's error, which has no file."""
        return None if self._under_way is None else (self._file, self._under_way.line_of(error))
