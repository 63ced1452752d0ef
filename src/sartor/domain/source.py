"""The source of a script, as far as it is known without running it, and what a running one is told of its run."""

from collections.abc import Callable, Mapping
from enum import Enum
from math import isfinite
from typing import NamedTuple

from sartor.domain.alteration import Alteration
from sartor.domain.plan import Direction
from sartor.domain.release import Release
from sartor.sql.quoting import quote_identifier, quote_literal


class Part(Enum):
    """A part of a script, by the name of its function; in SQL files, by that of its section."""

    UP = "up"
    DOWN = "down"
    BEFORE_UP = "before_up"
    BEFORE_DOWN = "before_down"
    REQUIRE = "require"
    ENSURE = "ensure"

    @property
    def is_condition(self) -> bool:
        return self in {Part.REQUIRE, Part.ENSURE}


class Text(NamedTuple):
    """A text of a script, and the line of the file in which it begins, from 1."""

    text: str
    line: int


class Source(NamedTuple):
    """A script as it is written.

    `parts` has the SQL that each part is seen to send: all of it in a SQL file, in Python what is given to the
    connection as a constant. `wrong` are reasons why it can't be loaded; `not_async` the functions that must be async
    and aren't, `empty` the sections without a statement. `outside` are the parts that run outside a transaction beside
    those that always do; None where only running the script can tell. `names` are the words that aren't SQL, `ignored`
    the codes that its comments name. `imports` are the modules of others that it imports: none of Python's own, of the
    driver's, or of its folder's.
    """

    alteration: Alteration
    parts: Mapping[Part, tuple[Text, ...]] = {}
    wrong: tuple[Text, ...] = ()
    not_async: tuple[Text, ...] = ()
    outside: frozenset[Part] | None = frozenset()
    irreversible: bool = False
    empty: tuple[Text, ...] = ()
    names: tuple[Text, ...] = ()
    ignored: tuple[Text, ...] = ()
    imports: tuple[Text, ...] = ()

    def runs_outside(self, part: Part) -> bool | None:
        """Returns whether a part runs outside a transaction; None where only running the script can tell."""
        if part in {Part.BEFORE_UP, Part.BEFORE_DOWN}:
            return True
        return None if self.outside is None else part in self.outside


class Run(NamedTuple):
    """The second parameter of a script's functions, for those that declare one.

    `database`, `schema` and `user` are the destination's, and `destination` is what people are shown of it, without a
    password; `server_version` is a number such as 150018. `direction` is that of the run, and `target` the release that
    it is to reach, where it was given one. `rehearsal` is True where nothing of the run stays: in a scratch database,
    and where each script is rolled back.

    `log(text)` shows a line to the user who runs the command. `note(text)` does so too, and keeps it: in the report,
    and in the journal, with the script's own transaction.
    """

    database: str
    schema: str
    user: str
    server_version: int
    destination: str
    direction: Direction
    target: Release | None
    rehearsal: bool
    log: Callable[[str], None]
    note: Callable[[str], None]

    def quote(self, name: str) -> str:
        """Returns a name as SQL has it, in quotes. Raises ValueError for a name that no database can have."""
        if not name or "\0" in name:
            raise ValueError(f"{name!r} can't be a name in SQL")
        return quote_identifier(name)

    def literal(self, value: str | float | None) -> str:
        """Returns a string, a number, a boolean or None as SQL has it, for statements that take no parameters.

        Raises TypeError for any other value, and ValueError for a string that holds a NUL.
        """
        match value:
            case None | bool():
                return {None: "null", True: "true", False: "false"}[value]
            case int():
                return str(int(value))  # a number of an enum too
            case float():
                return repr(float(value)) if isfinite(value) else f"'{float(value)}'"
            case str() if "\0" not in value:
                return quote_literal(value)
            case str():
                raise ValueError("a string in SQL can't hold a NUL")
        raise TypeError(f"{type(value).__name__} has no literal: pass it as a parameter of the query")
