"""A synchronous standby that is missing: COMMIT waits for it, and runs are struck while it does."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from support.blows import BLOWS, strike
from support.campaigns import VERBS, WAYS, Progress, Tally, silent
from support.command import Command, Finished, finish
from support.database import Database, with_name
from support.sessions import at_work, backend_waiting, until
from support.stage import Stage, new_stage

SCRIPTS = 24
SPELL = 0.3
"""Seconds of a COMMIT's wait in which it is struck, at random."""


def lose_standby(database: Database) -> None:
    """From now on COMMIT waits for a standby that isn't there."""
    _set(database, "alter system set synchronous_standby_names = 'nobody'")


def find_standby(database: Database) -> None:
    """COMMIT waits no more."""
    _set(database, "alter system reset synchronous_standby_names")


def _set(database: Database, statement: str) -> None:
    database.run(statement, "select pg_reload_conf()")
    waits = "select setting <> '' from pg_settings where name = 'synchronous_standby_names'"
    until(lambda: database.value(waits) is ("reset" not in statement), what="the server's new setting")


def strike_commits(
    urls: Sequence[str], directory: Path, number: int, chance: random.Random, progress: Progress = silent
) -> Tally:
    """Strike runs whose COMMIT waits, up and down: each goes one script further, and tells so.

    `urls` are ways to one server, which is the campaign's own; the first goes straight to it.
    """
    tally = Tally()
    with new_stage(urls[0], directory, scripts=SCRIPTS) as stage:
        sartor = Command(directory, {})
        # With a row in the ledger, what a run makes first is made.
        sartor("deploy", "next", "--steps", "1", env={"SARTOR_DB_URL": stage.database.url})
        verb = VERBS[0]
        while tally.counts["struck"] < number:
            wrong = _one(stage, sartor, with_name(chance.choice(urls), stage.database.name), verb, chance, tally)
            tally.found(f"blow {tally.counts['struck']}", wrong)
            progress(tally.counts["struck"])
            if wrong:
                break
            if len(stage.deployed()) in {0, SCRIPTS}:
                verb = VERBS[0] if not stage.deployed() else VERBS[1]
        tally.found("afterwards", _completed(stage, sartor))
    return tally


def _one(stage: Stage, sartor: Command, url: str, verb: str, chance: random.Random, tally: Tally) -> list[str]:
    """Lose the standby, strike a run while its COMMIT waits, find the standby: what was wrong."""
    way, blow = chance.choice(WAYS), chance.choice(list(BLOWS))
    before = _order(stage)
    words = [verb, "next" if verb == "deploy" else "0", "--json", *(["--no-batch"] if way == "apart" else [])]
    lose_standby(stage.database)
    try:
        process = sartor.start(*words, env={"SARTOR_DB_URL": url})
        until(lambda: backend_waiting(stage.database, "SyncRep") or process.poll() is not None, what="a COMMIT's wait")
        ended, struck = strike(process, blow, chance.uniform(0, SPELL))
    finally:
        find_standby(stage.database)
    until(lambda: not at_work(stage.database), limit=60, what="the end of the run's sessions")
    tally.counts.update(["struck", blow, way])
    label = f"{verb} {way}, {blow}, {'pooled' if url != stage.database.url else 'directly'}: {ended}"
    if not struck:
        return [f"it didn't wait for the standby: {label}"]
    after = _order(stage)
    ran = after[len(before) :] if verb == "deploy" else before[len(after) :][::-1]
    tally.counts["scripts done"] += len(ran)
    wrong = [*stage.violations(), *_told(ended, blow, ran, before, after, verb)]
    return [f"{text}: {label}" for text in wrong]


def _told(
    ended: Finished, blow: str, ran: Sequence[str], before: Sequence[str], after: Sequence[str], verb: str
) -> list[str]:
    """What is wrong with how far a run went, and with what it says of that."""
    grown = after[: len(before)] == before if verb == "deploy" else before[: len(after)] == after
    checks = {f"it changed what it wasn't about: {before} to {after}": grown}
    if blow == "SIGKILL":
        # Nobody is left to stop what was sent already.
        return [text for text, holds in checks.items() if not holds]
    checks[f"what comes behind the script that waited has run: {ran}"] = len(ran) <= 1
    checks["a traceback"] = "Traceback" not in ended.err
    if ended.out:
        done = [a["id"] for a in json.loads(ended.out)["done"]]
        unsure = "isn't known" in ended.err
        checks[f"it says that it did {done}, and did {ran}"] = done == ran or (unsure and done == ran[: len(done)])
    elif blow != "SIGINT twice":
        checks["it says nothing of what is done"] = False
    return [text for text, holds in checks.items() if not holds]


def _order(stage: Stage) -> list[str]:
    return [row[0] for row in stage.database.rows("select id from sartor_ledger order by seq")]


def _completed(stage: Stage, sartor: Command) -> list[str]:
    """What is wrong once everything is deployed by a run that nobody strikes."""
    ended = finish(sartor.start("deploy", "next", "--json", env={"SARTOR_DB_URL": stage.database.url}))
    wrong = [] if ended.code == 0 else [str(ended)]
    return wrong + stage.violations() + ([] if stage.deployed() == set(stage.ids) else ["it isn't complete"])
