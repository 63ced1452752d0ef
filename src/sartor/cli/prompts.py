"""What a terminal is asked. Ctrl-C and Esc raise Interrupted: nothing has been done then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sartor.cli import output, render, results
from sartor.domain.alteration import Alteration
from sartor.domain.errors import Interrupted
from sartor.domain.release import Release
from sartor.domain.visible import visible_line


@contextmanager
def _shown() -> Iterator[None]:
    """The time in which a question is put where results go."""
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.output import create_output

    output.drain()  # what was told stands above the question
    with create_app_session(output=create_output(stdout=results.file())):
        yield


@_shown()
def choose_target(pending: Sequence[Alteration], *, question: str, may_leave: bool) -> Release | None:
    """Ask which release to deploy: newest first, each with its dates and what it has pending; `next` last.

    With `may_leave`, Enter alone never means `next`: where there is nothing else, it stands below "nothing", None.
    """
    import questionary

    releases = render.by_release(pending)
    released = [r for r in sorted(releases, reverse=True) if not r.unreleased]
    offered = [*released, *(r for r in releases if r.unreleased)]
    width = max(len(release.label) for release in offered)
    choices = [
        questionary.Choice(
            title=f"{r.label.ljust(width)}  {render.dates(releases[r])}, {render.count(len(releases[r]))}", value=r
        )
        for r in offered
    ]
    if may_leave and not released:
        choices.insert(0, questionary.Choice(title="nothing", value="nothing"))
    answer: Release | str = _ask(questionary.select(visible_line(question), choices=choices))
    return None if isinstance(answer, str) else answer


@_shown()
def choose_rollback(offered: Sequence[tuple[str, int]], *, question: str) -> str:
    """Ask which release to go back to; `offered` pairs each, newest first, with how many alterations that undoes."""
    import questionary

    width = max(len(label) for label, _ in offered)
    choices = [
        questionary.Choice(title=f"{label.ljust(width)}  undoes {render.count(undone)}", value=label)
        for label, undone in offered
    ]
    answer: str = _ask(questionary.select(visible_line(question), choices=choices))
    return answer


@_shown()
def confirm(question: str) -> bool:
    """Ask for a yes; no is the default. It takes Enter: a key that was typed ahead must not destroy data."""
    import questionary

    return bool(_ask(questionary.confirm(visible_line(question), default=False, auto_enter=False)))


@_shown()
def type_name(question: str) -> str:
    """Ask for a name to be typed."""
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
        raise Interrupted("left without an answer; nothing was done here") from None
