"""Builds an empty schema from a release's snapshot, in one transaction with the records of what that stands for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from sartor.alterations.script import Fragment, Sender
from sartor.alterations.snapshot_files import load_snapshot
from sartor.alterations.snapshots import read_snapshots
from sartor.domain.alteration import Catalogue
from sartor.domain.ledger import EventKind, Ledger
from sartor.domain.plan import Deploy, Plan, Rollback
from sartor.domain.snapshot import ReleaseSnapshot, choose_snapshot
from sartor.errors import SartorError, alteration_failed
from sartor.execution.outcome import Stale
from sartor.execution.retry import record, run_in_transaction
from sartor.execution.run_context import RunContext
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.rows_at_once import rows_sql
from sartor.postgres.schema_contents import tables_of
from sartor.postgres.session import Session

SETTINGS = """set local check_function_bodies = off; set local standard_conforming_strings = on;
set local xmloption = content"""
"""What `pg_dump` relies on: a function may come before what it calls."""
REPLAY = "to deploy the alterations one by one instead: `replay`"
"""The advice where a snapshot can't be built."""
LONGEST = 1 << 16
"""Characters of SQL after which a message takes no further statement."""


async def with_snapshot(
    session: Session, catalogue: Catalogue, ledger: Ledger, request: Deploy | Rollback
) -> Deploy | Rollback:
    """Returns the request with the snapshot that it may begin with, where the session's schema is empty."""
    if not isinstance(request, Deploy) or request.snapshot or ledger.entries:
        return request
    target = request.target if request.target is not None else catalogue.latest
    lineage = next(iter(catalogue.lineages), None)
    if target is None or lineage is None or (request.replay and lineage.squashed is None):
        return request
    if not (shipped := read_snapshots(lineage)):
        return request
    if await tables_of(session.connection, session.schema):
        return request
    server = session.facts.server_version // 10000
    if request.replay and (last := lineage.squashed):  # of what has no files, there is nothing else
        shipped = sorted((each for each in shipped if each.release >= last), key=lambda each: each.release)[:1]
    found = choose_snapshot(lineage, shipped, target, server=server, schema=session.schema)
    return request._replace(snapshot=found.snapshot, passed_over=found.passed_over)


async def build(run: RunContext, plan: Plan, snapshot: ReleaseSnapshot, downs: Sequence[str | None]) -> None:
    """Builds the schema from a snapshot and records what it stands for, with the `downs` that the ledger keeps of that.

    It is one transaction, as that of a script. Raises as `retry.run_in_transaction`, and AlterationFailed.
    """
    steps = plan.by_snapshot
    sender = Sender(snapshot.file)
    send = sender.body(messages(load_snapshot(snapshot, run.session.schema)))
    began, seq = time.monotonic(), run.head + 1

    async def work(connection: Connection) -> None:
        await connection.execute(SETTINGS)
        await send(connection, run.for_script(snapshot.name))
        about = [(step.alteration, down) for step, down in zip(steps, downs, strict=True)]
        async with connection.fenced():
            facts = {"snapshot": snapshot.release.label}
            await connection.execute(
                rows_sql(run.session.tables, about, after=seq, kind=EventKind.DEPLOYED, detail=facts)
            )

    detail = {
        "files": [snapshot.name],
        "snapshot": snapshot.release.label,
        "checksum": snapshot.checksum,
        "alterations": len(steps),
    }
    try:
        await run_in_transaction(run, EventKind.SNAPSHOT, None, work, detail=detail)
    except (SartorError, Stale):
        raise
    except Exception as error:  # noqa: BLE001 - it is raised again, with its facts
        await _fail(run, snapshot, sender, error, (time.monotonic() - began) * 1000)
    run.head = seq + len(steps)


async def _fail(run: RunContext, snapshot: ReleaseSnapshot, sender: Sender, error: Exception, took: float) -> None:
    """Records that a snapshot couldn't be built. Raises AlterationFailed."""
    failure = run.failure(error, name=snapshot.name, alteration_id=None, file=snapshot.file, locate=sender.locate)
    failure = failure._replace(advice=failure.advice or REPLAY)
    facts = {"files": [snapshot.name], "direction": "deploy", "message": failure.message, "sqlstate": failure.sqlstate}
    with suppress(Stale, SartorError, OSError, *DRIVER_ERRORS):
        if run.session.connection_lost:
            await run.session.renew()
        await record(run, EventKind.FAILED, None, {**facts, "line": failure.line}, took=took)
    raise alteration_failed(failure) from error


def messages(fragments: Sequence[Fragment]) -> tuple[Fragment, ...]:
    """Returns statements as fewer messages, each with the lines of the file in their places."""
    found: list[Fragment] = []
    for each in fragments:
        last = found[-1] if found else None
        if last is None or last.rows or each.rows or len(last.text) > LONGEST:
            found.append(each)
            continue
        gap = each.line - last.line - last.text.count("\n")
        found[-1] = Fragment(f"{last.text};" + ("\n" * gap or " ") + each.text, last.line, verbatim=True)
    return tuple(found)
