"""A fleet's run that begins when it is told: `fleet_once.py PLAN TARGET JOBS MAX_FAILURES`, or `-` for any number.

PLAN is a file of JSON: a list of `[url, schema, folder of alterations]`. It says `ready`, runs when a line comes in,
and prints what became of each destination as JSON. With `CONTROL RUN PART/PARTS` it does a part of a shared run.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import sartor
from sartor import Destination, FleetOrder, FleetReport, Limits, Observer, Report
from sartor.cli.signals import run as run_main
from sartor.errors import Interrupted

LIMITS = Limits(lock_timeout=0.2, lock_budget=1.0)


async def deploy_all(plan: str, target: str, jobs: str, failures: str, *shared: str) -> FleetReport:
    """Deploys to every destination of the plan, each from its folder."""
    places = [(Destination.parse(url, schema=schema), folder) for url, schema, folder in json.loads(plan)]
    folders = dict(places)
    catalogues = {folder: sartor.list_alterations(folder) for folder in set(folders.values())}

    async def deploy(destination: Destination, observer: Observer) -> Report:
        catalogue = catalogues[folders[destination]]
        return await sartor.deploy(destination, catalogue, target, limits=LIMITS, observer=observer)

    order = FleetOrder(
        jobs=int(jobs),
        jobs_per_server=int(jobs),
        max_failures=None if failures == "-" else sartor.Share.parse(failures, origin="the argument"),
    )
    if shared:
        control, run, part = shared
        work, shard = sartor.FleetWork("deploy", target), sartor.Shard(*map(int, part.split("/")))
        place = Destination.parse(control, schema="sartor_fleet")
        done = await sartor.join_fleet(place, list(folders), deploy, order, work=work, who="me", run=run, shard=shard)
        return done.report
    try:
        return await sartor.run_fleet(list(folders), deploy, order)
    except asyncio.CancelledError as error:
        tell(error.fleet)  # type: ignore[attr-defined]  # it has that
        raise


def tell(report: FleetReport) -> None:
    """Print what became of each destination."""
    found = []
    for each in report.outcomes:
        told = each.result or getattr(each.error, "report", None)
        done = [done.alteration.id for done in told.done] if told else []
        found.append((each.destination.schema, each.end.value, type(each.error).__name__, done, str(each.error)))
    sys.stdout.write(json.dumps({"outcomes": found, "stopped": report.stopped and report.stopped.value}))


def main() -> int:
    """Run once, when a line comes in; returns the exit code."""
    file, *words = sys.argv[1:]
    plan = Path(file).read_text("utf-8")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    try:
        tell(run_main(deploy_all(plan, *words)))
    except Interrupted as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
