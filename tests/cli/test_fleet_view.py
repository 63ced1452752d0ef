"""What is shown of a fleet's run: a table that fits its terminal, lines that say each thing once, and the report."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sartor.cli.fleet_lines import SILENCE, Lines
from sartor.cli.fleet_table import Table
from sartor.cli.results.fleet import WHY, canary_question, done_line, summary_lines
from sartor.domain.destination import Destination
from sartor.domain.fleet import Begun, End, Ended, FleetEvent, FleetReport, Happened, Outcome, Stopped, WaveBegun
from sartor.domain.fleet_progress import Progress
from sartor.domain.fleet_summary import summarize
from sartor.domain.plan import Direction
from sartor.domain.report import Blocker, Note, Said, Started, Waiting
from sartor.domain.visible import visible_line
from support.fleets import HOLDER, SCRIPT, done, failed, happening, tenants, unreachable, wave

RESUME = "sartor db alteration deploy 1.2.0 --schemas 'tenant_*'"


def told(events: Iterable[FleetEvent], total: int, *, table: bool = False, apart: float = 0.0) -> None:
    """Tell of these events, which are this many seconds apart."""
    progress, now = Progress(total), 100.0
    lines = Lines(progress, table=table)
    for event in events:
        now += apart
        progress.take(event, now)
        lines.take(event, now)


def report(events: Iterable[FleetEvent], total: int, stopped: Stopped | None = None) -> list[str]:
    """The report behind these events."""
    progress = Progress(total)
    for event in events:
        progress.take(event, 1.0)
    return summary_lines(summarize(progress, stopped, 43.8), Direction.DEPLOY, [RESUME])


@given(
    st.integers(1, 200),
    st.integers(1, 60),
    st.lists(st.tuples(st.text(max_size=40), st.booleans()), max_size=12),
    st.integers(0, 5000),
)
def test_a_table_fits_its_terminal(width: int, height: int, at_work: list[tuple[str, bool]], total: int) -> None:
    """Lines leave room for ^C, and all of them fit on it; no name in them moves the cursor."""
    progress = Progress(total)
    table = Table(progress)
    progress.take(WaveBegun(1, 3, total), 0.0)
    tall = 0
    for at, (name, waits) in enumerate(at_work):
        place = Destination(f"postgresql://app@db{at}.example.com/app", name)
        progress.take(Begun(place), float(at))
        progress.take(Happened(place, Started(SCRIPT._replace(name=name), Direction.DEPLOY)), float(at))
        if waits:
            progress.take(Happened(place, Waiting("a lock", (HOLDER._replace(application=name),), 3.0, name)), 60.0)
        lines = table.lines(61.0, width, height)
        assert tall <= len(lines) < max(2, height)
        tall = len(lines)
        assert all(cell_len(line.plain) < max(width - 2, 31) for line in lines)
        assert all(visible_line(line.plain) == line.plain for line in lines)


def test_a_table_says_what_waits_first() -> None:
    """What waits stands above what works, with who is in the way; what is longest at work stands above the others."""
    progress, places = Progress(100), tenants(9)
    progress.take(WaveBegun(1, 3, 100), 0.0)
    for at, each in enumerate(places):
        progress.take(Begun(each), float(at))
        progress.take(Happened(each, Started(SCRIPT, Direction.DEPLOY)), float(at))
    progress.take(Happened(places[8], Waiting("a lock", (HOLDER,), 40.0, SCRIPT.name)), 70.0)
    progress.take(Ended(failed(places[0])), 70.0)
    lines = [line.plain for line in Table(progress).lines(71.0, 80, 24)]
    assert {len(line) for line in lines} == {77}
    assert [" ".join(line.split()) for line in lines] == [
        "wave 2 of 3 ------------------------ 1/100",
        "0 done, 1 failed, 99 to go, 8 at work 1 min 11 s",
        "...ample.com:5432/app, schema tenant_8 1.0.0-1700000000-a.sql 1 min 3 s",
        "waits for a lock: psql, user bob, pid 4711 from 10.0.0.7, idle in tran...",
        "...ample.com:5432/app, schema tenant_1 1.0.0-1700000000-a.sql 1 min 10 s",
        *(f"...ample.com:5432/app, schema tenant_{at} 1.0.0-1700000000-a.sql 1 min {11 - at} s" for at in range(2, 6)),
    ]


def test_a_line_for_each_destination(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipeline a destination at which something was done has a line; one that had nothing to do has none."""
    one, two, three, four = tenants(4)
    told([*wave(0, 2, [done(one)]), *wave(1, 2, [done(two, 20), done(three, 0), done(four, attempts=2)])], 4)
    assert capsys.readouterr().err.splitlines() == [
        "== wave 1 of 2: 1 destination",
        "deployed  app@db0.example.com:5432/app, schema tenant_0  1 alteration  400 ms",
        "== wave 2 of 2: 3 destinations",
        "deployed  app@db1.example.com:5432/app, schema tenant_1  20 alterations  400 ms",
        "deployed  app@db0.example.com:5432/app, schema tenant_3  1 alteration  400 ms  2 attempts",
    ]


def test_nothing_to_do_ten_thousand_times(capsys: pytest.CaptureFixture[str]) -> None:
    """How far the run is, is told each tenth of the way."""
    told(wave(0, 1, [done(each, 0) for each in tenants(1000)]), 1000)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" of ")[0] for line in lines] == [str(each) for each in range(100, 1000, 100)]


def test_a_silent_run_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the tenths are far apart, it is told after a time."""
    told(wave(0, 1, [done(each, 0) for each in tenants(40)])[: 4 * 4], 1000, apart=SILENCE / 4)
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_failure_is_told_in_full_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Each reason is told with its statement and advice for the first destination; the others refer to that."""
    one, two, three, four = tenants(4)
    told(wave(0, 1, [failed(one, "first"), failed(two, "as first"), unreachable(three), unreachable(four)]), 4)
    assert capsys.readouterr().err.splitlines() == [
        f"failed: {one.label}  1.0.0-1700000000-a.sql; rolled back",
        "  first  (SQLSTATE 42P07)",
        "  at /srv/1.0.0-1700000000-a.sql, line 3",
        f"failed: {two.label}  as in {one.label}",
        f"failed: {three.label}: connection refused",
        "  hint: is the server running?",
        f"failed: {four.label}  as in {three.label}",
    ]


def test_above_a_table_few_failures_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Five failures of a kind are told above a table, and nothing of what it shows itself."""
    told(wave(0, 2, [*map(unreachable, tenants(500)), done(tenants(501)[-1])]), 501, table=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["failed", "  hint", *["failed"] * 4]


def test_a_blocker_is_told_in_full_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A session for which several destinations wait is told with all that is known once."""
    one, two = tenants(2)
    waits = [Happened(each, Waiting("a lock", (HOLDER,), 40.0, SCRIPT.name)) for each in (one, two, one, two)]
    told([WaveBegun(0, 1, 2), Begun(one), Begun(two), *waits], 2)
    assert capsys.readouterr().err.splitlines() == [
        f"{one.label}: {SCRIPT.name}: waiting for a lock: {HOLDER}; 40 s left",
        f"{two.label}: waiting for a lock behind pid 4711, as above",
    ]


def test_a_warning_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """What a thousand destinations have to say alike is told for the first."""
    events: list[FleetEvent] = []
    for each in tenants(9):
        events.append(Happened(each, Said(SCRIPT.name, "WARNING", f"no rows in {each.schema}")))
        events.append(Happened(each, Note("a note")))
    told(events, 9)
    label = tenants(1)[0].label
    assert capsys.readouterr().err.splitlines() == [
        f"warning: {label}: {SCRIPT.name}: no rows in tenant_0",
        f"note: {label}: a note",
    ]


def test_names_of_others_act_on_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A schema, a script or a session may be called anything; no control character is written."""
    evil = "\x1b[2J\n::error::x"
    place = Destination("postgresql://app@db/app", evil)
    session = Blocker(1, evil, evil, evil, evil, 1.0, evil, evil)
    events: list[FleetEvent] = [WaveBegun(0, 1, 3), Begun(place)]
    events += [Happened(place, Waiting("a lock", (session,), 3.0, evil)), Ended(failed(place, evil, name=evil))]
    told(events, 3)
    text = capsys.readouterr().err + "\n".join([*report(events, 3), done_line(done(place))])
    assert "\x1b" not in text
    assert not any(line.startswith("::") for line in text.splitlines())


def test_the_report_of_a_whole_run() -> None:
    """A run in which all went well has its numbers, and no command to resume."""
    assert report(wave(0, 1, [done(each) for each in tenants(2)]), 2) == [
        "Deployed 2 alterations in 43.8 s: 2 of 2 destinations done"
    ]
    assert report(wave(0, 1, [done(each, 0) for each in tenants(2)]), 2) == [
        "Found 0 alteration to deploy in 43.8 s: 2 of 2 destinations done"
    ]


def test_nothing_was_done_at_any() -> None:
    """Where all destinations fail, nothing was deployed: that isn't told as if there had been nothing to deploy."""
    [head, *_] = report(wave(0, 1, [failed(each, "no") for each in tenants(2)]), 2)
    assert head == "Deployed 0 alterations in 43.8 s: 0 of 2 destinations done, 2 failed"


def test_the_report_of_a_run_with_failures() -> None:
    """Numbers by wave, the slowest, each reason with ten names, and the command that resumes."""
    places = tenants(40)
    first = wave(0, 2, [done(each, 5) for each in places[:5]])
    second = wave(1, 2, [failed(each, "no", wave=1) for each in places[5:17]])
    lines = report([*first, *second, *happening(done(places[17], 0, wave=1))], 40, Stopped.FAILURES)
    assert lines[:4] == [
        "Deployed 25 alterations in 43.8 s: 6 of 40 destinations done (1 had nothing to do), 12 failed, 22 untouched",
        "  wave 1 of 2  5 done             0 ms",
        "  wave 2 of 2  1 done, 12 failed  0 ms",
        "",
    ]
    at = lines.index("failed at 12 destinations: 1.0.0-1700000000-a.sql: no (SQLSTATE 42P07)")
    assert lines[at + 1 :] == [
        *(f"  {each.label}" for each in places[5:15]),
        "  and 2 more",
        "",
        "stopped, as more failed than --max-failures allows; after fixing it, resume with:",
        f"  {RESUME}",
    ]


@pytest.mark.parametrize("stopped", [None, *Stopped])
def test_the_report_says_why_it_stopped(stopped: Stopped | None) -> None:
    """Whatever stopped a run, its report ends with the reason and the command that goes on."""
    why, resume = report(wave(0, 1, [done(tenants(1)[0])]), 2, stopped)[-2:]
    assert why.endswith(":")
    assert resume == f"  {RESUME}"


def test_with_steps_each_has_a_command() -> None:
    """Where each destination needs a command of its own, ten of them are named."""
    ways = [f"sartor db alteration rollback --steps {number}" for number in range(12)]
    lines = summary_lines(summarize(Progress(12), None, 1.0), Direction.ROLLBACK, ways)
    assert lines[-12:] == [WHY[None], *(f"  {way}" for way in ways[:10]), "  and 2 more"]


def test_the_question_behind_the_canaries() -> None:
    """It says how the canaries are, and how many destinations wait for the answer."""
    places = tenants(1500)
    outcomes = [*(done(each) for each in places[:11]), failed(places[11])]
    outcomes += [Outcome(each, End.UNTOUCHED) for each in places[12:]]
    assert canary_question(FleetReport(tuple(outcomes), 2, None, 3.0)) == (
        "11 of 12 canaries done in 3.0 s, 1 failed. Go on with the other 1,488 destinations?"
    )
