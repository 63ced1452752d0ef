"""Shows the command line as it was given, to be run again: without passwords, without `--yes`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from sartor.conninfo.redaction import redact_argument

STEPS = "--steps"
HIDDEN = "***"

_given: list[str] = []


def begin(arguments: Sequence[str]) -> None:
    _given[:] = arguments


def rerun(
    *,
    target: str | None = None,
    verb: str | None = None,
    steps: int | None = None,
    alone: Sequence[str] = (),
    yes: bool = False,
) -> str:
    """Returns the command line, quoted for a shell.

    `target` is added where it was chosen at the prompt; `verb` and `steps` replace what was given; `alone` are options
    that name one of several destinations. `--yes` is included only where `yes` asks for it.
    """
    words = [redact_argument(word) for word in _given if word not in {"--yes", "-y"}]
    for option in [STEPS] * (steps is not None) + list(alone[::2]):
        words = _without(words, option)
    added = [] if target is None else [target]
    if steps is not None:
        added += [STEPS, str(steps)]
    words[3:3] = [*added, *alone, *(["--yes"] if yes else [])]
    if verb is not None:
        words[2] = verb
    return shlex.join(["sartor", *("--embedded" if word == "--embedded=" else word for word in words)])


class Resume(NamedTuple):
    """The command that resumes a stopped run: as it was given, except for what these fields say."""

    target: str | None = None
    """Chosen at the prompt, or a default that the other command doesn't have."""
    verb: str | None = None
    steps: int | None = None
    alone: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """True where the command as it was given would do something else."""
        return self.verb is not None or self.steps is not None

    def line(self, done: int) -> str:
        """Returns the command line, where `done` alterations are done."""
        if self.steps is None:
            return rerun(target=self.target, verb=self.verb)
        return rerun(target=self.target, steps=self.steps - done, alone=self.alone)


AS_GIVEN = Resume()


def gap(line: str) -> str:
    """Returns the remark on a command line in which a password is hidden; "" where none is."""
    return f"  (replace {HIDDEN} with the password)" if HIDDEN in line else ""


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
