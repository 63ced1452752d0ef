"""The source of a script, as far as it is known without running it, and what a running one is told of its run."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from sartor.domain.alteration import Alteration


class Part(Enum):
    """A part of a script, by the name of its function; in SQL files, by that of its section."""

    UP = "up"
    DOWN = "down"
    BEFORE_UP = "before_up"
    BEFORE_DOWN = "before_down"


class Text(NamedTuple):
    """A text of a script, and the line of the file in which it begins, from 1."""

    text: str
    line: int


class Source(NamedTuple):
    """A script as it is written.

    `parts` has the SQL that each part is seen to send: all of it in a SQL file, in Python what is given to the
    connection as a constant. `wrong` are reasons why it can't be loaded; `not_async` the functions that must be async
    and aren't, `empty` the sections without a statement. `transactional` is None where only running it can tell.
    `names` are the words that aren't SQL, `ignored` the codes that its comments name.
    """

    alteration: Alteration
    parts: Mapping[Part, tuple[Text, ...]] = {}
    wrong: tuple[Text, ...] = ()
    not_async: tuple[Text, ...] = ()
    transactional: bool | None = True
    irreversible: bool = False
    empty: tuple[Text, ...] = ()
    names: tuple[Text, ...] = ()
    ignored: tuple[Text, ...] = ()

    def runs_outside(self, part: Part) -> bool | None:
        """Returns whether a part runs outside a transaction; None where only running the script can tell."""
        if part in {Part.BEFORE_UP, Part.BEFORE_DOWN}:
            return True
        return None if self.transactional is None else not self.transactional


class Run(NamedTuple):
    """The second parameter of `up` and `down`, for scripts that declare one.

    `database`, `schema` and `user` are the destination's; `server_version` is a number such as 150018; `log(text)`
    shows a line to the user who runs the command.
    """

    database: str
    schema: str
    user: str
    server_version: int
    log: Callable[[str], None]
