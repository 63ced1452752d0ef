"""The output of `deploy`, `rollback`, `fresh` and `seed`: what they did, what they would do, and what failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sartor.cli.results.backup import backup_json
from sartor.cli.results.objects import (
    VERSION,
    JsonObject,
    alteration_json,
    difference_json,
    error_json,
    failure_json,
    ignored_note,
    pick,
    plain,
)
from sartor.cli.results.units import duration, moment, rows, scripts
from sartor.cli.words import in_words
from sartor.domain.plan import Direction, Plan
from sartor.domain.plan_notes import plan_notes
from sartor.domain.report import Done, Failure, Report, Waiting
from sartor.errors import AlterationFailed, SartorError

if TYPE_CHECKING:
    from sartor.domain.check import Check, Loss
    from sartor.domain.redo import Redone

VERBS = {Direction.DEPLOY: "deployed", Direction.ROLLBACK: "rolled back"}


def report_lines(report: Report) -> list[str]:
    deploys = report.direction is Direction.DEPLOY
    if not report.done:
        return [f"Found 0 alteration to {'deploy' if deploys else 'roll back'}"]
    took = duration(sum(done.duration_ms for done in report.done))
    line = f"{'Deployed' if deploys else 'Rolled back'} {scripts([done.alteration for done in report.done])} in {took}"
    return [line + (f"; {scripts(report.elsewhere)} by another run meanwhile" if report.elsewhere else "")]


def way_line(plan: Plan) -> str:
    before, after = map(str, plan.way)
    return f"{before} -> {after}" if plan.alterations else before


def waiting_line(waiting: Waiting) -> str:
    who = "; ".join(map(str, waiting.blockers)) or "the holder is unknown"
    known = f": {who}" if waiting.reason in {"a lock", "another run"} else ""
    left = "this statement waits without a limit" if waiting.left is None else f"{waiting.left:.0f} s left"
    script = f"{waiting.script}: " if waiting.script else ""
    return f"{script}waiting for {waiting.reason}{known}; {left}"


def report_json(report: Report) -> JsonObject:
    return {
        "version": VERSION,
        **pick(report, "direction target"),
        "from": plain(report.before),
        "to": plain(report.plan.way[1].release) if report.plan else None,
        "done": [_done_json(done, report.direction) for done in report.done],
        "failed": failure_json(report.failed) if report.failed else None,
        "remaining": [alteration_json(a) for a in report.remaining],
        "elsewhere": [alteration_json(a) for a in report.elsewhere],
        "snapshot": plain(report.snapshot),
        "backup": backup_json(report.backup) if report.backup else None,
        **pick(report, "said"),
        "hooks_failed": [failure_json(each) for each in report.hooks_failed],
        "notes": plan_notes(report.plan) if report.plan else [],
    }


def failed_json(error: SartorError, no_run: JsonObject | None) -> JsonObject:
    """Returns the JSON of a run that ended in an error; `no_run` is that of one that didn't begin."""
    base = report_json(error.report) if error.report else no_run or {"version": VERSION}
    if isinstance(error, AlterationFailed):
        return base | {"failed": failure_json(error.failure)}
    return base | {"error": error_json(error)}


def redo_lines(done: Redone) -> list[str]:
    undone = done.rolled_back.done
    return [*(report_lines(done.rolled_back) if undone else []), *report_lines(done.deployed)]


def redo_json(done: Redone | None) -> JsonObject:
    """Returns the deployment's report, with what was rolled back before it; None for a run that didn't begin."""
    if done is None:
        return report_json(Report(direction=Direction.DEPLOY, target=None)) | {"rolled_back": []}
    undone = [_done_json(each, Direction.ROLLBACK) for each in done.rolled_back.done]
    return report_json(done.deployed) | {"rolled_back": undone}


def _done_json(done: Done, direction: Direction) -> JsonObject:
    found = alteration_json(done.alteration) | pick(done, "duration_ms notes")
    return found | ({"down": _origin(kept=done.kept)} if direction is Direction.ROLLBACK else {})


def _origin(*, kept: bool) -> str:
    """Returns where a down comes from."""
    return "ledger" if kept else "file"


def seed_lines(files: Sequence[str]) -> list[str]:
    return [f"Seeded from {', '.join(files)}"]


def seed_json(files: Sequence[str], *, reset: bool) -> JsonObject:
    return {"version": VERSION, "seeded": list(files), "reset": reset, "failed": None}


def failed_line(error: AlterationFailed) -> str:
    """Returns which script failed, what is left of it, and what the run did before it."""
    failure, report = error.failure, error.report
    stays = "rolled back" if failure.rolled_back else "its changes outside a transaction stay"
    line = f"{failure.name}; {'its changes may be committed' if failure.in_doubt else stays}"
    if report is None or not report.done:
        return line
    done = scripts([each.alteration for each in report.done])
    return f"{line}; the {done} before it {'is' if len(report.done) == 1 else 'are'} {VERBS[report.direction]}"


CONTEXT = 4  # lines of a statement shown before and after the one that the server points at


def failure_lines(failure: Failure) -> list[str]:
    """Returns the lines of a failure: what happened, where, and in which statement."""
    code = f"  (SQLSTATE {failure.sqlstate})" if failure.sqlstate else ""
    lines = [f"  {failure.message}{code}"]
    if failure.file:
        lines.append(f"  at {shown_path(failure.file)}" + (f", line {failure.line}" if failure.line else ""))
    if failure.statement:
        lines += ["", *(f"    {line}" for line in statement_lines(failure.statement, failure.position)), ""]
    for word, text in (
        ("detail", failure.detail),
        ("hint", failure.hint),
        ("context", failure.context),
        ("advice", failure.advice and in_words(failure.advice)),
    ):
        if text:
            lines.append(f"  {word}: " + text.strip().replace("\n", f"\n  {' ' * len(word)}  "))
    return lines if lines[-1] else lines[:-1]


def statement_lines(statement: str, position: int | None) -> list[str]:
    """Returns a statement's lines, with a caret below the character at `position`.

    Of a long statement they are the lines near that, or its first lines.
    """
    lines = [line.expandtabs(4).rstrip() for line in statement.split("\n")]
    filled = [i for i, line in enumerate(lines) if line]
    if not filled:
        return []
    before = statement[:position].split("\n")
    at = filled[0] if position is None else len(before) - 1
    first = max(filled[0], at - CONTEXT)
    last = min(filled[-1], at + CONTEXT if position is not None else first + 2 * CONTEXT)
    indent = min(len(line) - len(line.lstrip()) for line in lines[first : last + 1] if line)
    shown = [line[indent:] for line in lines[first : last + 1]]
    if position is not None:
        shown.insert(at - first + 1, " " * (len(before[-1].expandtabs(4)) - indent) + "^")
    return [*(["..."] if first > filled[0] else []), *shown, *(["..."] if last < filled[-1] else [])]


def shown_path(file: str) -> str:
    """Returns a path relative to the working directory where it is below that, else as it is."""
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return file


def check_lines(found: Check) -> list[str]:
    """Returns a line for each step of a run that is checked, in order."""
    return [
        each.step.alteration.name
        + (f"  {each.unsayable}" if each.unsayable else "" if each.transactional else "  outside a transaction")
        + ("  by the snapshot" if each.by_snapshot else "")
        + ("  SQL as rehearsed" if each.rehearsed and not each.unsayable else "")
        for each in found.steps
    ]


def check_notes(found: Check) -> list[str]:
    losses = [f"drops {loss_text(loss)}, with its data" for loss in found.losses]
    unknown = [f"drift since the last run can't be determined: {found.drift.unknown}"] if found.drift.unknown else []
    ignored = [ignored_note(found.drift.ignored)] if found.drift.ignored else []
    unread = [found.drift.unread_told] if found.drift.unread else []
    notes = [*plan_notes(found.plan), *_misfits(found), *losses, *map(in_words, found.obstacles)]
    return [*notes, *unknown, *unread, *ignored]


def _misfits(found: Check) -> Iterable[str]:
    if not found.applications:
        return ()
    from sartor.domain.applications import misfits

    return misfits(found.applications, found.plan.way[1].release)


def found_line(found: Check) -> str:
    verb = "deploy" if found.plan.direction is Direction.DEPLOY else "roll back"
    return f"Found {scripts([each.step.alteration for each in found.steps])} to {verb}"


def loss_lines(found: Check) -> list[str]:
    """Returns the lines of what a rollback will undo, and what is lost by it."""
    lines = ["This rolls back, newest first:"]
    for step in found.plan.steps:
        entry = step.entry
        when = f"  deployed {moment(entry.deployed_at)} by {entry.deployed_by}" if entry else ""
        lines.append(f"  {step.alteration.name}{when}")
    if found.losses:
        lines.append("and drops, with the data:")
        lines += [f"  {loss_text(loss)}" for loss in found.losses]
    else:
        lines.append("The objects that these alterations created are dropped, with their data.")
    return lines


def loss_text(loss: Loss) -> str:
    known = "" if loss.rows is None else f"  (about {rows(loss.rows)})"
    return lost_name(loss.table, loss.column) + known


def lost_name(table: str, column: str | None) -> str:
    return f"column {table}.{column}" if column else f"table {table}"


def check_json(found: Check) -> JsonObject:
    undoes = found.plan.direction is Direction.ROLLBACK
    return {
        "version": VERSION,
        **pick(found.plan, "direction target"),
        "plan": [
            alteration_json(each.step.alteration)
            | {"sql": each.sql, "transaction": each.transactional, "rehearsed": each.rehearsed}
            | pick(each, "by_snapshot")
            | pick(each, "requires ensures")
            | ({"down": _origin(kept=each.step.kept is not None)} if undoes else {})
            for each in found.steps
        ],
        "drift": [difference_json(difference) for difference in found.drift.differences],
        "ignored": [difference_json(difference) for difference in found.drift.ignored],
        "notes": check_notes(found),
    }


def empty_check(direction: Direction) -> JsonObject:
    nothing: JsonObject = {name: [] for name in ("plan", "drift", "ignored", "notes")}
    return {"version": VERSION, "direction": direction.value, "target": None, **nothing}
