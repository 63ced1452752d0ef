"""Asks questions on a terminal. Ctrl-C and Esc raise Interrupted: nothing has been done then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sartor
from sartor import Settings
from sartor.cli import command_line, output, streams
from sartor.cli.results.status import by_release
from sartor.cli.results.units import count, dates
from sartor.domain.alteration import Alteration
from sartor.domain.release import Release
from sartor.domain.visible import visible_line
from sartor.errors import Interrupted, RefusedError


@contextmanager
def _shown() -> Iterator[None]:
    """Shows the block's question where results go."""
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.output import create_output

    output.drain()  # earlier output stands above the question
    with create_app_session(output=create_output(stdout=streams.results_file())):
        yield


def require_terminal(settings: Settings, what: str) -> None:
    """Raises RefusedError where the environment is production and there is no terminal to ask.

    `what` starts its message: what would be done.
    """
    if sartor.is_production(settings.environment) and not output.is_terminal():
        raise RefusedError(
            f"{what}: the environment is {settings.environment}, and there is no terminal to ask on",
            hint=f"to confirm: {command_line.rerun(yes=True)}",
        )


def environment(settings: Settings) -> str:
    """Returns the environment, for a question."""
    return f", environment {settings.environment}" if settings.environment else ""


@_shown()
def choose_target(pending: Sequence[Alteration], *, question: str, may_leave: bool) -> Release | None:
    """Asks which release to deploy: newest first, each with its dates and its number of pending ones; `next` last.

    With `may_leave`, Enter alone never means `next`: where `next` is the only one, "nothing" stands above it. Returns
    the release, or None for "nothing".
    """
    import questionary

    releases = by_release(pending)
    released = [r for r in sorted(releases, reverse=True) if not r.unreleased]
    offered = [*released, *(r for r in releases if r.unreleased)]
    width = max(len(release.label) for release in offered)
    choices = [
        questionary.Choice(title=f"{r.label.ljust(width)}  {dates(releases[r])}, {count(len(releases[r]))}", value=r)
        for r in offered
    ]
    if may_leave and not released:
        choices.insert(0, questionary.Choice(title="nothing", value="nothing"))
    answer: Release | str = _ask(questionary.select(visible_line(question), choices=choices))
    return None if isinstance(answer, str) else answer


@_shown()
def choose_rollback(offered: Sequence[tuple[str, int]], *, question: str) -> str:
    """Asks which release to go back to; `offered` pairs each, newest first, with the number of alterations undone."""
    import questionary

    width = max(len(label) for label, _ in offered)
    choices = [
        questionary.Choice(title=f"{label.ljust(width)}  undoes {count(undone)}", value=label)
        for label, undone in offered
    ]
    answer: str = _ask(questionary.select(visible_line(question), choices=choices))
    return answer


@_shown()
def confirm(question: str) -> None:
    """Asks for a yes; no is the default. Raises RefusedError where the answer is no.

    The answer needs Enter: a key typed ahead must not destroy data.
    """
    import questionary

    if not _ask(questionary.confirm(visible_line(question), default=False, auto_enter=False)):
        raise RefusedError("not confirmed; nothing was done")


@_shown()
def type_name(question: str) -> str:
    """Asks for a name to be typed, and returns it."""
    import questionary

    return str(_ask(questionary.text(visible_line(question))))


def _ask(question: Any) -> Any:
    from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings

    bindings = KeyBindings()

    @bindings.add("escape", eager=True)
    def _leave(event: Any) -> None:
        event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    application = question.application
    application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), bindings])
    try:
        return question.unsafe_ask()
    except KeyboardInterrupt:
        raise Interrupted("no answer was given; nothing was done") from None
