"""Shows the command line as it was given, to be run again: without passwords, without `--yes`."""

import shlex
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from sartor.cli.program import current
from sartor.conninfo.redaction import redact_argument

STEPS = "--steps"
LISTS = ("--databases", "--only", "--schemas", "--schemas-from", "--urls-from")
"""The options that name several, or some of them."""
HIDDEN = "***"

_given: list[str] = []


def names_lists() -> bool:
    """Returns whether the command as it was given has an option that names several destinations."""
    return any(word.partition("=")[0] in LISTS for word in _given)


def begin(arguments: Sequence[str]) -> None:
    """Notes the arguments of a command below `db`, with that word."""
    _given[:] = arguments


def approve_line(number: int) -> str:
    """Returns the command that approves a run of the control database that this command works with."""
    place = [redact_argument(word) for word in _value_of("--control")]
    return " ".join(["sartor fleet approve", str(number), *(["--control", *map(shlex.quote, place)] if place else [])])


def _value_of(option: str) -> list[str]:
    """Returns the value with which an option was given, in either spelling; nothing where it wasn't."""
    joined = [word.removeprefix(f"{option}=") for word in _given if word.startswith(f"{option}=")]
    apart = [word for last, word in pairwise(_given) if last == option]
    return [*joined, *apart][-1:]


class Resume(NamedTuple):
    """The command line as it was given, except for what these fields say."""

    target: str | None = None
    """Added where it was chosen at the prompt, or is a default that the other command doesn't have."""
    verb: str | None = None
    """In place of the command's name."""
    steps: int | None = None
    alone: tuple[str, ...] = ()
    """With `steps`, the options that name one of several destinations."""
    yes: bool = False
    """Only then is `--yes` included."""
    added: tuple[str, ...] = ()
    """Options that the command as it was given doesn't have."""
    another_run: bool = False
    """True where the shared run that it names is over: another one, by another name, does the rest."""

    @property
    def differs(self) -> bool:
        """True where the command as it was given would do something else."""
        return self.verb is not None or self.steps is not None

    def line(self, done: int = 0) -> str:
        """Returns the command line, quoted for a shell, where `done` alterations are done."""
        words = [redact_argument(word) for word in _given if word not in {"--yes", "-y"}]
        added = [] if self.target is None else [self.target]
        if self.steps is not None:
            for option in (STEPS, *self.alone[::2], *(LISTS if self.alone else ())):
                words = _without(words, option)
            added += [STEPS, str(self.steps - done), *self.alone]
        at = 3 if words[0] == "db" else 2  # behind the command's name: `db alteration deploy`, `fleet plan`
        words[at:at] = [*added, *(["--yes"] if self.yes else [])]
        if self.another_run:
            words = _renamed(words)
        end = words.index("--") if "--" in words else len(words)
        words[end:end] = [option for option in self.added if option not in words[:end]]
        if self.verb is not None:
            words[2] = self.verb
        path = f"{current().path} " if words[0] == "db" else "sartor "  # as it is typed behind `sartor` alone
        shown = ("--embedded" if word == "--embedded=" else word for word in (words[1:] if words[0] == "db" else words))
        return f"{path}{shlex.join(shown)}"


AS_GIVEN = Resume()


def gap(line: str) -> str:
    """Returns the remark on a command line in which a password is hidden; "" where none is."""
    return f"  (replace {HIDDEN} with the password)" if HIDDEN in line else ""


def _renamed(words: Sequence[str]) -> list[str]:
    """Returns the words with another name behind `--run`, in either spelling."""
    before = ("", *words)
    return [
        f"{word}-again" if last == "--run" or word.startswith("--run=") else word
        for last, word in zip(before, words, strict=False)
    ]


def _without(words: Sequence[str], option: str) -> list[str]:
    """Returns the words without an option and its value, in either spelling and as often as it occurs."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*kept, word, *rest]
        if word == option:
            next(rest, None)
        elif not word.startswith(f"{option}="):
            kept.append(word)
    return kept
