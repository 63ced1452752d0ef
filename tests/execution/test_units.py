"""The units of a plan."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sartor import Catalogue, Direction, EventKind, ScriptError, State, Step
from sartor.alterations.files import read_lineage
from sartor.domain.alteration import make_lineage
from sartor.domain.plan import Deploy, make_plan
from sartor.execution.monitor import beside
from sartor.execution.units import LARGE, Prefetch, Unit, compile_records, compile_unit
from support.ledgers import alteration, entry, ledger


def test_what_only_running_it_tells_is_not_batched(tmp_path: Path) -> None:
    """A unit without known statements can't be sent with others."""
    (tmp_path / "1.0.0-1700000000-a.py").write_text("async def up(conn):\n    for _ in 'ab': await conn.execute('x')\n")
    (alteration,) = read_lineage("app", str(tmp_path)).alterations
    unit = compile_unit(Step(alteration), Direction.DEPLOY)
    assert unit.statements is None
    assert unit.batched is None


def _unit(folder: Path, sql: str) -> Unit:
    (folder / "1.0.0-1700000000-a.sql").write_text(f"-- sartor: up\n{sql}\n")
    (alteration,) = read_lineage("app", str(folder)).alterations
    return compile_unit(Step(alteration), Direction.DEPLOY)


def test_the_events_of_a_unit(tmp_path: Path) -> None:
    """A unit is recorded as deployed or rolled back; outside a transaction its start is recorded, too."""
    (tmp_path / "1.0.0-1700000000-a.py").write_text(
        "transaction = False\nasync def up(conn): ...\nasync def down(conn): ...\n"
    )
    (alteration,) = read_lineage("app", str(tmp_path)).alterations
    deploy, undo = (compile_unit(Step(alteration), each) for each in (Direction.DEPLOY, Direction.ROLLBACK))
    assert (deploy.start_kind, deploy.kind) == (EventKind.STARTED, EventKind.DEPLOYED)
    assert (undo.start_kind, undo.kind) == (EventKind.UNDOING, EventKind.ROLLED_BACK)
    assert deploy.about is alteration
    assert deploy.body is not undo.body
    assert not deploy.transactional
    assert deploy.batched is None
    assert deploy.before is None


def test_what_an_interrupted_run_has_begun_is_not_batched(tmp_path: Path) -> None:
    """An alteration that is in the ledger but not deployed is resumed, by itself."""
    about = _unit(tmp_path, "create table t (a int);").about
    for state, resumes in ((None, False), (State.DEPLOYED, False), (State.STARTED, True)):
        step = Step(about, entry(about, state=state)) if state else Step(about)
        unit = compile_unit(step, Direction.DEPLOY)
        assert unit.resumes is resumes
        assert (unit.batched is None) is resumes


def test_a_step_before_the_transaction(tmp_path: Path) -> None:
    """A script with a step outside its transaction isn't batched, and has that step in its direction alone."""
    (tmp_path / "1.0.0-1700000000-a.py").write_text(
        "async def before_up(conn): ...\nasync def up(conn): ...\nasync def down(conn): ...\n"
    )
    (alteration,) = read_lineage("app", str(tmp_path)).alterations
    deploy, undo = (compile_unit(Step(alteration), each) for each in (Direction.DEPLOY, Direction.ROLLBACK))
    assert deploy.before is not None
    assert (deploy.transactional, undo.before, undo.transactional) == (False, None, True)


def test_a_direction_without_a_body(tmp_path: Path) -> None:
    """What can't be undone is told before anything runs."""
    about = _unit(tmp_path, "create table t (a int);").about
    with pytest.raises(ScriptError):
        compile_unit(Step(about), Direction.ROLLBACK)


def test_corrections_of_the_ledger_come_first() -> None:
    """A plan's corrections are records: a renamed file with what it was, an accepted edit, and what is forgotten."""
    names = ["1.0.0-1-a.py", "1.0.0-2-b.py", "1.0.0-3-c.py"]
    was = ledger([alteration(names[0].replace("1.0.0", "next")), *map(alteration, names[1:])])
    shipped = Catalogue((make_lineage("main", "", [alteration(names[0]), alteration(names[1], checksum="sha256:1")]),))
    plan = make_plan(shipped, was, Deploy(target=None, accepted=frozenset({"2-b", "3-c"})))
    records = list(compile_records(plan))
    assert [(each.kind, each.about.id, each.detail) for each in records] == [
        (EventKind.RELABELLED, "1-a", {"was": "next"}),
        (EventKind.ACCEPTED, "2-b", {"was": "sha256:0"}),
        (EventKind.FORGOTTEN, "3-c", {}),
    ]


class Loading:
    """A queue of steps whose files have these sizes; `seen` are those that were compiled, and one may not compile."""

    def __init__(self, folder: Path, *sizes: int, broken: int = -1) -> None:
        for number, size in enumerate(sizes, 1):
            (folder / f"1.0.0-{number}-a.sql").write_text("-- sartor: up\nselect 1;".ljust(size))
        self.steps = [Step(each) for each in read_lineage("app", str(folder)).alterations]
        self.broken, self.seen = broken, list[int]()
        self.queue = Prefetch(self.steps, self._compile)

    def _compile(self, step: Step) -> Unit:
        self.seen.append(self.steps.index(step))
        if self.seen[-1] == self.broken:
            raise ScriptError("no script")
        return compile_unit(step, Direction.DEPLOY)


def test_units_are_loaded_when_they_are_needed(tmp_path: Path) -> None:
    """A script is compiled once, when it is asked for, and goes when it is done."""
    loading = Loading(tmp_path, 0, 0, 0)
    assert list(loading.queue.loaded) == []
    first = loading.queue.look()
    assert first is not None
    assert first.step == loading.steps[0]
    assert loading.seen == [0]
    assert [unit.step for unit in loading.queue] == loading.steps
    assert loading.seen == [0, 1, 2]
    loading.queue.loaded.popleft()
    assert [unit.step for unit in loading.queue.loaded] == loading.steps[1:]
    loading.queue.loaded.popleft()
    loading.queue.loaded.popleft()
    assert loading.queue.look() is None


def test_what_can_not_be_loaded_is_told_in_its_turn(tmp_path: Path) -> None:
    """The scripts before one that can't be loaded still run; its error comes when it is next, once compiled."""
    loading = Loading(tmp_path, 0, 0, 0, broken=1)
    assert [unit.step for unit in loading.queue] == loading.steps[:1]
    assert loading.queue.look() is not None
    loading.queue.loaded.popleft()
    for _ in range(2):
        with pytest.raises(ScriptError, match="no script"):
            loading.queue.look()
    assert loading.seen == [0, 1]


def test_units_are_loaded_ahead(tmp_path: Path) -> None:
    """While a script runs, those after it are loaded, as many as asked for; a large one isn't, nor what follows it."""
    for count, seen in ((0, []), (2, [0, 1]), (9, [0, 1])):
        loading = Loading(tmp_path, LARGE, 0, LARGE + 1, 0)
        asyncio.run(_load_ahead(loading.queue, count))
        assert loading.seen == seen
        asyncio.run(_load_ahead(loading.queue, len(seen)))
        assert loading.seen == seen


async def _load_ahead(queue: Prefetch, count: int) -> None:
    done = asyncio.Event()
    async with beside(queue.load_ahead(count, done.set)):
        await asyncio.wait_for(done.wait(), 20)


def test_loading_ends_with_the_script_that_runs(tmp_path: Path) -> None:
    """What isn't loaded by the end of the script before it is loaded when it is needed."""

    async def end_at_once(queue: Prefetch) -> None:
        async with beside(queue.load_ahead(2)):
            pass
        await asyncio.sleep(0)

    loading = Loading(tmp_path, 0, 0)
    asyncio.run(end_at_once(loading.queue))
    assert loading.seen == []
    assert [unit.step for unit in loading.queue] == loading.steps


def test_a_file_that_is_gone_is_not_loaded_ahead(tmp_path: Path) -> None:
    """Its error is that of its turn."""
    loading = Loading(tmp_path, 0, 0)
    (tmp_path / "1.0.0-1-a.sql").unlink()
    asyncio.run(_load_ahead(loading.queue, 2))
    assert loading.seen == []
