"""A fleet's run, counted while it goes on, and its report at the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.destination import Destination
from sartor.domain.fleet import End, Ended, Outcome, Stopped, WaveBegun
from sartor.domain.fleet_progress import PASSED, Progress
from sartor.domain.fleet_reasons import reason_of, without_names
from sartor.domain.fleet_summary import blocking, summarize
from support.fleets import HOLDER, SCRIPT, done, failed, happening, tenants, unreachable, wave

KINDS = st.sampled_from(["done", "idle", "failed", "unreachable", "cut", "untouched", "never"])


def outcome(kind: str, place: Destination, number: int) -> Outcome:
    """What became of a destination of a wave."""
    match kind:
        case "done" | "idle":
            return done(place, 2 if kind == "done" else 0, wave=number)
        case "failed":
            return failed(place, f'relation "{place.schema}.users" already exists', wave=number)
        case "unreachable":
            return unreachable(place, number)
        case "cut":
            return Outcome(place, End.FAILED, number, 0.1, 1, done(place).result)
        case _:
            return Outcome(place, End.UNTOUCHED, number)


def run(kinds: list[list[str]]) -> tuple[Progress, list[Outcome]]:
    """The progress of waves whose destinations end in these ways, and their outcomes; nothing is heard of `never`."""
    progress = Progress(sum(map(len, kinds)))
    places, outcomes, now = iter(tenants(progress.total)), list[Outcome](), 100.0
    for number, each in enumerate(kinds):
        progress.take(WaveBegun(number, len(kinds), len(each)), now)
        for kind in each:
            ended = outcome(kind, next(places), number)
            outcomes.append(ended)
            for event in happening(ended) if kind != "never" else ():
                now += 0.5
                progress.take(event, now)
    return progress, outcomes


@given(st.lists(st.lists(KINDS, min_size=1, max_size=12), min_size=1, max_size=4))
def test_each_destination_is_counted_once(kinds: list[list[str]]) -> None:
    """Done, failed and untouched make the total, in all and in each wave; each failed one has one reason."""
    progress, outcomes = run(kinds)
    summary = summarize(progress, None, 3.0)
    for end, number in ((End.DONE, summary.done), (End.FAILED, summary.failed), (End.UNTOUCHED, summary.untouched)):
        assert number == sum(each.end is end for each in outcomes)
    assert [each.done + each.failed + each.untouched for each in summary.waves] == [len(each) for each in kinds]
    named = [label for group in summary.groups for label in group.labels]
    assert sorted(named) == sorted(each.destination.label for each in outcomes if each.end is End.FAILED)
    assert len(summary.groups) == len({kind for each in kinds for kind in each} & {"failed", "unreachable", "cut"})
    assert summary.changed == sum(kind == "done" for each in kinds for kind in each)
    assert summary.is_complete is all(each.end is End.DONE for each in outcomes)


@given(st.lists(KINDS, min_size=1, max_size=30))
def test_nothing_stays_at_work_that_has_ended(kinds: list[str]) -> None:
    """At work is what began and hasn't ended."""
    progress, _ = run([kinds])
    assert progress.at_work == {}
    assert progress.remaining == sum(kind in {"never", "untouched"} for kind in kinds)


def test_the_rate_is_that_of_the_wave() -> None:
    """Destinations in a second, of this wave's last ones, and the time that the others take at that rate."""
    progress = Progress(30)
    for event in wave(0, 2, [done(each) for each in tenants(10)]):
        progress.take(event, 0.0)
    assert progress.rate(1.0) == 10.0
    progress.take(WaveBegun(1, 2, 20), 100.0)  # somebody was asked meanwhile
    assert progress.rate(101.0) is None
    for at, each in enumerate(tenants(4)):
        progress.take(Ended(done(each)), 100.5 + at / 2)
    assert (progress.rate(102.0), progress.left(102.0)) == (2.0, 8.0)


def test_a_wait_passes() -> None:
    """A wait that isn't reported again is over; who was in the way stays in the report."""
    progress, (place, other) = Progress(2), tenants(2)
    for event in happening(done(place), waits=True)[:3]:
        progress.take(event, 5.0)
    work = progress.at_work[place]
    assert (work.script, work.wait(5.0) is None, work.wait(5.0 + PASSED)) == (SCRIPT.name, False, None)
    for event in happening(failed(other), waits=True):
        progress.take(event, 6.0)
    held = blocking(summarize(progress, Stopped.INTERRUPTED, 1.0).blocked)
    assert [(each.who, each.labels) for each in held] == [(str(HOLDER), (place.label, other.label))]


def test_the_slowest_and_the_retried() -> None:
    """The slowest are those at which something was done or tried; each that took several attempts is named."""
    progress, places = Progress(9), tenants(9)
    outcomes = [done(each)._replace(seconds=float(at)) for at, each in enumerate(places[:7])]
    outcomes += [done(places[7], 0)._replace(seconds=99.0), done(places[8], attempts=3)]
    for event in wave(0, 1, outcomes):
        progress.take(event, 0.0)
    summary = summarize(progress, None, 1.0)
    assert [each.seconds for each in summary.slowest] == [6.0, 5.0, 4.0, 3.0, 2.0]
    assert [(each.label, each.attempts) for each in summary.retried] == [(places[8].label, 3)]


def test_failures_of_one_kind() -> None:
    """A script at one place is one reason, whatever the names in its message; another script or place is another."""
    one, two, three = tenants(3)
    first = failed(one, 'relation "tenant_0.users" already exists\nmore')
    assert reason_of(first).text == f'{SCRIPT.name}: relation "tenant_0.users" already exists (SQLSTATE 42P07)'
    assert reason_of(first).key == reason_of(failed(two, "differs")).key
    assert reason_of(first).key != reason_of(failed(three, name="1.0.0-1700000001-b.sql")).key
    assert reason_of(unreachable(one)).key == reason_of(unreachable(two)).key
    assert reason_of(unreachable(one)).text == "connection refused"


@pytest.mark.parametrize(
    "text", ["{label}: refused", "no schema {schema} in 3 s", 'in "{schema}", database app', "pid 7"]
)
def test_names_and_numbers_do_not_tell_apart(text: str) -> None:
    """Two destinations say the same where only their names and numbers differ."""
    told = {without_names(text.format(label=each.label, schema=each.schema), each) for each in tenants(3)}
    assert len(told) == 1
    assert "tenant" not in told.pop()


@given(st.text(max_size=40), st.sampled_from(tenants(2)))
def test_a_text_without_names_stays_a_text(text: str, place: Destination) -> None:
    """Any text has such a form, which is its own."""
    once = without_names(text, place)
    assert without_names(once, place) == once


def test_a_summary_of_nothing() -> None:
    """A run that was ended before it began touched nothing."""
    summary = summarize(Progress(3), Stopped.CANCELLED, 0.0)
    assert (summary.total, summary.untouched, summary.waves) == (3, 3, ())
