"""Works through many destinations, as one run."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sartor.domain.destination import Destination
from sartor.domain.fleet import End, FleetOrder, FleetReport, Outcome, Stopped, WaveBegun, waves

if TYPE_CHECKING:
    from sartor.domain.fleet import FleetEvent, FleetObserver
    from sartor.domain.report import Observer

Approve: TypeAlias = Callable[[FleetReport], Awaitable[bool]]
"""Returns whether a run goes on behind its canaries, given what became of them."""

ONE_BY_ONE = FleetOrder()


def ignore_events(_event: FleetEvent) -> None: ...


async def run_fleet(
    destinations: Sequence[Destination],
    call: Callable[[Destination, Observer], Awaitable[Any]],
    order: FleetOrder = ONE_BY_ONE,
    *,
    approve: Approve | None = None,
    keep_results: bool = True,
    observer: FleetObserver = ignore_events,
) -> FleetReport:
    """Awaits a call for each destination, several at once; returns what became of each.

        call = functools.partial(deploy_one, target="1.2.0")  # async def deploy_one(destination, observer, *, target)
        report = await sartor.run_fleet(settings.destinations, call, sartor.FleetOrder(jobs=16))
        print(len(report.of(sartor.End.FAILED)))

    An error of Sartor's at a destination is in its outcome, and the others go on; where a connection was lost, the call
    is repeated. Connections are kept for the next destination of the same database and user.

    - `destinations`: the databases, each with its schema, in the order in which they come.
    - `call`: what is done at a destination; it gets the observer for its events.
    - `order`: the waves, how many are at work at once, and how many may fail.
    - `approve`: decides behind the canaries whether to go on; without it, the run stops there.
    - `keep_results`: whether the report holds what the calls returned: a few kilobytes each. The observer gets it
      anyhow, in `Ended`.

    Raises what `call` raises other than SartorError. Where it is cancelled, each call that is under way is cancelled
    and has ended; the CancelledError's `fleet` is the report.
    """
    from sartor.fleet.runner import Runner

    began, todo = time.monotonic(), waves(destinations, order)
    runner = Runner(call, order, total=len(destinations), observer=observer, keep_results=keep_results)

    def report() -> FleetReport:
        ended = {outcome.wave for outcome in runner.outcomes}
        left = (
            Outcome(each, End.UNTOUCHED, number)
            for number, wave in enumerate(todo)
            for each in wave
            if number not in ended
        )
        return FleetReport((*runner.outcomes, *left), len(todo), runner.stopped, time.monotonic() - began)

    try:
        for number, wave in enumerate(todo):
            if number == 1 and order.canary and not (approve and await approve(report())):
                runner.stopped = runner.stopped or Stopped.CANARY
            if runner.stopped is not None:
                break
            observer(WaveBegun(number, len(todo), len(wave)))
            await runner.work_on(wave, number)
    except BaseException as error:
        error.fleet = report()  # type: ignore[attr-defined]  # for the caller that cancels it
        raise
    return report()
