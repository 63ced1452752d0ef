"""The long form of races, kills, cuts and silent links: `scripts/bench/campaign --help`."""

from __future__ import annotations

import argparse
import functools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sartor.embedded.server import default_directory, serve
from support.blows import restores, works_beside
from support.campaigns import VERBS, WAYS, Tally, cut, kill, make_chance, race
from support.database import with_name
from support.fleet_campaign import strike_fleet
from support.fleet_shards import strike_shards
from support.fleet_workers import strike_workers
from support.kept import kill_kept, new_kept_stage
from support.links import server_beyond, sever
from support.namespace import why_not
from support.pooler import pooler
from support.proxy import proxy_to
from support.redone import kill_redone, new_redone_stage
from support.repeated import kill_repeated, new_repeated_stage
from support.stage import Stage, new_stage
from support.standby import strike_commits
from support.versions import race_versions, two_versions

RUNS, SCRIPTS = 8, 40
FLEET_KILLS = 20
NUMBERS = {
    "restores": 200, "beside": 200, "races": 100, "versions": 100, "standby": 200, "links": 60, "kills": 1000,
    "repeated": 200, "kept": 200, "redone": 200, "cuts": 1000,
    "fleet": 1000, "shards": 200, "workers": 200
}  # fmt: skip
"""The campaigns, and how many rounds, blows, kills, cuts or destinations of each."""
MIXED = [way for way in WAYS * (RUNS // 4) for _ in range(2)]
"""How the runs of a race send their scripts; in pairs, as every other one goes through the pooler where it's mixed."""


def main() -> int:
    """Run the campaigns that the arguments ask for; 1 where anything was wrong."""
    options = _options()
    chance, seed = make_chance(options.seed)
    with _server(options.db_url) as direct, pooler(direct) as pooled, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # as root, a server runs as `nobody`
        campaigns = Campaigns(direct, pooled, Path(folder), chance)
        _say(f"seed {seed}; two ways to the server: directly, and through pgbouncer in transaction mode\n")
        _say("| campaign | | violations | seconds |\n|---|---|---|---|")
        tallies = {name: _timed(name, run) for name, run in _chosen(campaigns, options)}
    for name, tally in tallies.items():
        for text in tally.violations:
            _say(f"VIOLATION, {name}: {text}")
    return 1 if any(tally.violations for tally in tallies.values()) else 0


def _chosen(campaigns: Campaigns, options: argparse.Namespace) -> list[tuple[str, Callable[[], Tally]]]:
    """The campaigns that the options ask for, each as what runs it."""
    direct, pooled, run = campaigns.direct, campaigns.pooled, functools.partial
    number = {name: options.number or default for name, default in NUMBERS.items()}
    half, quarter, kept = -(-number["kills"] // 2), -(-number["cuts"] // 4), -(-number["kept"] // 2)
    cuts: list[tuple[str, Callable[[], Tally]]] = [(f"cuts, {way}, {named}", run(campaigns.cuts, quarter, url, way))
        for way in WAYS for named, url in (("directly", direct), ("pooled", pooled))]  # fmt: skip
    found: dict[str, list[tuple[str, Callable[[], Tally]]]] = {
        "restores": [("restores", run(campaigns.restores, number["restores"]))],
        "beside": [("beside", run(campaigns.beside, number["beside"]))],
        "races": [("races", run(campaigns.races, number["races"]))],
        "versions": [("versions", run(campaigns.versions, number["versions"]))],
        "standby": [("standby", run(campaigns.standby, number["standby"]))],
        "links": [("links", run(campaigns.links, number["links"]))],
        "kills": [
            ("kills, directly", run(campaigns.kills, half, (direct, direct))),
            ("kills, pooled", run(campaigns.kills, half, (pooled, pooled))),
        ],
        "repeated": [("kills in repeatable scripts", run(campaigns.repeated, number["repeated"]))],
        "kept": [
            ("kills in rollbacks from the ledger, directly", run(campaigns.kept, kept, (direct, direct), outside=True)),
            ("kills in rollbacks from the ledger, mixed", run(campaigns.kept, kept, (direct, pooled), outside=False)),
        ],
        "redone": [("kills in redo", run(campaigns.redone, number["redone"]))],
        "cuts": cuts,
        "fleet": [("a fleet", run(campaigns.fleet, number["fleet"]))],
        "shards": [("parts of a fleet", run(campaigns.shards, number["shards"]))],
        "workers": [("workers of a fleet", run(campaigns.workers, number["workers"]))],
    }
    return [each for name in options.only or found for each in found[name]]


def _timed(name: str, run: Callable[[], Tally]) -> Tally:
    began = time.monotonic()
    tally = run()
    counts = ", ".join(f"{number} {what}" for what, number in sorted(tally.counts.items()))
    _say(f"| {name} | {counts} | {len(tally.violations)} | {time.monotonic() - began:.0f} |")
    return tally


class Campaigns:
    """Campaigns on one server, reached at two addresses."""

    def __init__(self, direct: str, pooled: str, folder: Path, chance: random.Random) -> None:
        self.direct, self.pooled = direct, pooled
        self._folder = folder
        self._chance = chance
        self._folders = 0

    def races(self, number: int) -> Tally:
        """Rounds on a new database each, up and down: directly, pooled and mixed in turn."""
        tally, tell = Tally(), _progress("races", number)
        ways = {
            "directly": [self.direct] * RUNS,
            "pooled": [self.pooled] * RUNS,
            "mixed": [self.direct, self.pooled] * (RUNS // 2),
        }
        for round_ in range(number):
            way = list(ways)[round_ % len(ways)]
            with self._stage() as stage:
                for verb in VERBS:
                    urls = [with_name(url, stage.database.name) for url in ways[way]]
                    tally.found(f"round {round_ + 1}, {way}", race(stage, urls, verb, MIXED))
            tally.counts.update({"rounds": 1, way: 1})
            tell(round_ + 1)
        return tally

    def versions(self, number: int) -> Tally:
        """Rounds on a new database each: runs of two versions of a package, half of each through the pooler."""
        tally, tell = Tally(), _progress("versions", number)
        for round_ in range(number):
            with two_versions(self.direct, self._new_folder(), scripts=SCRIPTS) as versions:
                each = [with_name(url, versions.stage.database.name) for url in (self.direct, self.pooled)]
                urls = [url for url in each * (RUNS // 4) for _ in range(2)]
                ways = [self._chance.choice(WAYS) for _ in urls]
                tally.found(f"round {round_ + 1}", race_versions(versions, urls, ways))
            tally.counts["rounds"] += 1
            tell(round_ + 1)
        return tally

    def kills(self, number: int, urls: tuple[str, str]) -> Tally:
        """Two runs at a time, killed at random."""
        with self._stage() as stage:
            there = [with_name(url, stage.database.name) for url in urls]
            return kill(stage, there, number, self._chance, _progress("kills", number))

    def repeated(self, number: int) -> Tally:
        """Two runs of repeatable scripts at a time, one of them through the pooler, killed at random."""
        with new_repeated_stage(self.direct, self._new_folder(), scripts=SCRIPTS) as stage:
            there = [with_name(url, stage.database.name) for url in (self.direct, self.pooled)]
            return kill_repeated(stage, there, number, self._chance, _progress("repeated", number))

    def kept(self, number: int, urls: tuple[str, str], *, outside: bool) -> Tally:
        """Two rollbacks at a time by a package without the files, killed at random."""
        with new_kept_stage(self.direct, self._new_folder(), scripts=SCRIPTS, outside=outside) as kept:
            there = [with_name(url, kept.stage.database.name) for url in urls]
            return kill_kept(kept, there, number, self._chance, _progress("kept", number))

    def redone(self, number: int) -> Tally:
        """Redo of all scripts, every other one through the pooler, killed at random."""
        with new_redone_stage(self.direct, self._new_folder(), scripts=SCRIPTS // 2) as stage:
            there = [with_name(url, stage.database.name) for url in (self.direct, self.pooled)]
            return kill_redone(stage, there, number, self._chance, _progress("redone", number))

    def cuts(self, number: int, url: str, way: str) -> Tally:
        """Runs whose connections are cut at COMMIT, their scripts sent together or one by one."""
        with self._stage() as stage, proxy_to(with_name(url, stage.database.name)) as proxy:
            return cut(stage, proxy, number, way, self._chance, _progress("cuts", number))

    def restores(self, number: int) -> Tally:
        """Restores that are struck at random."""
        return restores(self.direct, self._new_folder(), number, self._chance, _progress("restores", number))

    def beside(self, number: int) -> Tally:
        """Rehearsals, proofs, backups and replays that are struck at random."""
        return works_beside(self.direct, self._new_folder(), number, self._chance, _progress("beside", number))

    def standby(self, number: int) -> Tally:
        """Runs that are struck while their COMMIT waits for a standby, on a server of their own."""
        with serve(self._new_folder() / "server", tcp=True) as server, pooler(server.url) as pooled:
            urls, tell = [server.url, pooled], _progress("standby", number)
            return strike_commits(urls, self._new_folder(), number, self._chance, tell)

    def links(self, number: int) -> Tally:
        """Runs whose link to a server in a network namespace of its own falls silent."""
        if reason := why_not():
            return Tally(Counter({f"skipped: {reason}": 1}))
        with server_beyond() as beyond:
            return sever(beyond, self._new_folder(), number, self._chance, _progress("links", number))

    def fleet(self, number: int) -> Tally:
        """Runs over so many destinations, of which some fail; killed at random, on a server that restarts."""
        tell = _progress("fleet", FLEET_KILLS)
        return strike_fleet(self._new_folder(), number, FLEET_KILLS, self._chance, progress=tell)

    def shards(self, number: int) -> Tally:
        """Four processes that do the parts of a run, killed at random and started again."""
        tell = _progress("shards", FLEET_KILLS)
        return strike_shards(self._new_folder(), number, FLEET_KILLS, self._chance, tell)

    def workers(self, number: int) -> Tally:
        """Four workers at a time, killed at random; their control database is restored from a backup."""
        tell = _progress("workers", FLEET_KILLS)
        return strike_workers(self._new_folder(), number, FLEET_KILLS, self._chance, tell)

    @contextmanager
    def _stage(self) -> Iterator[Stage]:
        with new_stage(self.direct, self._new_folder(), scripts=SCRIPTS) as stage:
            yield stage

    def _new_folder(self) -> Path:
        self._folders += 1
        folder = self._folder / str(self._folders)
        folder.mkdir()
        return folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench/campaign", description=__doc__)
    parser.add_argument("--only", action="append", choices=NUMBERS, help="this campaign; repeat it for several")
    parser.add_argument("--number", type=int, help=f"how many of each; without it: {NUMBERS}")
    parser.add_argument("--seed", type=int, help="for the same random moments again, as far as time allows")
    parser.add_argument("--db-url", help="a server, as a superuser; the embedded one without this")
    return parser.parse_args()


@contextmanager
def _server(given: str | None) -> Iterator[str]:
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        directory = default_directory(Path(folder))
        with serve(directory, tcp=True, settings={"max_connections": "200"}) as server:
            yield server.url


def _progress(what: str, number: int) -> Callable[[int], None]:
    """Tells, every five seconds at most, how far a campaign has come."""
    began = told = time.monotonic()

    def tell(done: int) -> None:
        nonlocal told
        if time.monotonic() - told > 5 or done >= number:
            told = time.monotonic()
            sys.stderr.write(f"{what}: {done} of {number}, {told - began:.0f} s\n")

    return tell


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
