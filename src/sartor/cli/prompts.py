"""Asks questions on a terminal. Ctrl-C and Esc raise Interrupted: nothing has been done then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

import sartor
from sartor import Settings
from sartor.cli import output, streams
from sartor.cli.command_line import Resume
from sartor.cli.results.fleet import canary_question
from sartor.cli.results.status import by_release
from sartor.cli.results.units import count, dates
from sartor.domain.alteration import Alteration
from sartor.domain.release import Release
from sartor.domain.visible import visible_line
from sartor.errors import Interrupted, RefusedError

if TYPE_CHECKING:
    from sartor.domain.fleet import FleetReport


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
            hint=f"to confirm: {Resume(yes=True).line()}",
        )


def require_yes(what: str) -> None:
    """Raises RefusedError, whose message is `what`, where there is no terminal to ask."""
    if not output.is_terminal():
        raise RefusedError(what, hint="without a terminal, confirm with --yes")


def environment(settings: Settings) -> str:
    """Returns the environment, for a question."""
    return f", environment {settings.environment}" if settings.environment else ""


def choose_target(
    pending: Sequence[Sequence[Alteration]], bare: Iterable[Release], *, question: str, may_leave: bool
) -> Release | None:
    """Asks which release to deploy: newest first, each with its dates and its number of pending ones; `next` last.

    `pending` are the alterations of each destination. Of a fleet, each release has the number of destinations that lack
    something of it. `bare` are releases without alterations; those above a pending one are offered too. With
    `may_leave`, Enter alone never means `next`: where `next` is the only one, "nothing" stands above it. Returns the
    release, or None for "nothing".
    """
    releases = by_release({each.identity: each for one in pending for each in one}.values())
    lacking = Counter(release for one in pending for release in {each.release for each in one})
    own = [r for r in releases if not r.unreleased]
    released = sorted({*own, *(r for r in bare if own and r > own[0])}, reverse=True)
    offered = [*released, *(r for r in releases if r.unreleased)]
    is_fleet = len(pending) > 1
    choices = [(r.label, _brings(releases.get(r, ()), lacking[r] if is_fleet else None), r) for r in offered]
    nothing = [("nothing", "", None)] if may_leave and not released else []
    answer: Release | None = _choose(question, [*nothing, *choices])
    return answer


def _brings(alterations: Sequence[Alteration], lacking: int | None) -> str:
    """Returns what a release brings, and the number of destinations that are `lacking` something of it."""
    if not alterations:
        return "no alterations of its own"
    where = "" if lacking is None else f", at {lacking:,} destination{'' if lacking == 1 else 's'}"
    return f"{dates(alterations)}, {count(len(alterations))}{where}"


def choose_rollback(offered: Sequence[tuple[str, int]], *, question: str) -> str:
    """Asks which release to go back to; `offered` pairs each, newest first, with the number of alterations undone."""
    answer: str = _choose(question, [(label, f"undoes {count(undone)}", label) for label, undone in offered])
    return answer


class Answer(Enum):
    """The answers to what becomes of a first deployment to a schema that isn't empty."""

    DEPLOY = "deploy"
    BASELINE = "baseline"
    STOP = "stop"


def choose_for_existing(question: str) -> Answer:
    """Asks what to do about a schema that holds objects and has no ledger; Enter alone stops."""
    choices = (
        ("stop", "do nothing", Answer.STOP),
        ("baseline", "a release made them: record that, then deploy the rest", Answer.BASELINE),
        ("deploy", "they are others': deploy beside them", Answer.DEPLOY),
    )
    answer: Answer = _choose(question, choices)
    return answer


@_shown()
def _choose(question: str, choices: Sequence[tuple[str, str, Any]]) -> Any:
    """Asks for one of the choices, each a label, a remark and a value; returns the value."""
    import questionary

    width = max(len(label) for label, _, _ in choices)
    titles = [f"{label.ljust(width)}  {remark}".rstrip() for label, remark, _ in choices]
    chosen = [questionary.Choice(title=title, value=at) for at, title in enumerate(titles)]  # it shows None's title
    return choices[_ask(questionary.select(visible_line(question), choices=chosen))][2]


@_shown()
def confirm(question: str) -> None:
    """Asks for a yes; no is the default. Raises RefusedError where the answer is no.

    The answer needs Enter: a key typed ahead must not destroy data.
    """
    import questionary

    if not _ask(questionary.confirm(visible_line(question), default=False, auto_enter=False)):
        raise RefusedError("not confirmed; nothing was done")


async def confirm_rest(report: FleetReport) -> bool:
    """Asks behind the canaries of a fleet, within its run, whether to go on; no is the default, and so is Ctrl-C."""
    import questionary

    question = questionary.confirm(visible_line(canary_question(report)), default=False, auto_enter=False)
    with _shown():
        try:
            # Ctrl-C is a key here; the run's own handler of SIGINT stays.
            return bool(await _leavable(question).run_async(handle_sigint=False))
        except KeyboardInterrupt:
            return False


@_shown()
def type_name(question: str) -> str:
    import questionary

    return str(_ask(questionary.text(visible_line(question))))


def _ask(question: Any) -> Any:
    try:
        return _leavable(question).run()
    except KeyboardInterrupt:
        raise Interrupted("no answer was given; nothing was done") from None


def _leavable(question: Any) -> Any:
    """Returns a question's application, which Esc leaves as Ctrl-C does."""
    from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings

    bindings = KeyBindings()

    @bindings.add("escape", eager=True)
    def _leave(event: Any) -> None:
        event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    application = question.application
    application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), bindings])
    return application
