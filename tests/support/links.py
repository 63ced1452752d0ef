"""Runs whose link to the server falls silent at a random moment, and what is left of them."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sartor.embedded.server import serve
from support.campaigns import MOMENTS, VERBS, WAYS, Progress, Tally, silent
from support.command import Command, Finished, finish
from support.database import with_name
from support.memory import open_folder
from support.namespace import Link, Lost, severable
from support.pooler import find_pgbouncer, pooler
from support.sessions import at_work, until
from support.stage import Stage, new_stage

SILENCE = "keepalives_idle=1&keepalives_interval=1&keepalives_count=2&tcp_user_timeout=2000&connect_timeout=2"
POOLERS = "tcp_keepidle = 1\ntcp_keepintvl = 1\ntcp_keepcnt = 2\ntcp_user_timeout = 2000\n"
"""The same of a pooler, for its clients: without it their transactions stay open for two hours."""

WAIT = 15
"""Seconds that a run waits for another, such as the orphan of the one before."""

AWAY = (0.0, 1.0, 4.0, 8.0, None)
"""Seconds after which a link comes back; None: once the run has ended."""
BOUND = 100.0
"""Seconds within which a run ends whose link never comes back: it asks for 60 how a lost COMMIT ended."""
SCRIPTS = 40


@dataclass(frozen=True)
class Beyond:
    """A server beyond a link: `seen` is the URL of its socket, which no cut touches; `urls` lead over the link."""

    link: Link
    seen: str
    urls: dict[str, str]

    def reaching(self, way: str, name: str) -> str:
        """The URL of a database over the link, directly or pooled, with little patience for silence."""
        return f"{with_name(self.urls[way], name)}?{SILENCE}"


@contextmanager
def server_beyond() -> Iterator[Beyond]:
    """A server of one's own beyond a link, and a pooler where there is one."""
    with open_folder() as directory, ExitStack() as stack:
        rules = directory / "hba"
        rules.write_text("local all all trust\nhost all all samenet trust\n")
        rules.chmod(0o644)
        link = stack.enter_context(severable())
        settings = {"listen_addresses": link.address, "hba_file": str(rules), "fsync": "off"}
        with link.inside():
            server = stack.enter_context(serve(directory / "server", tcp=True, settings=settings))
            urls = {"directly": server.url}
            if find_pgbouncer():
                urls["pooled"] = stack.enter_context(pooler(server.url, address=link.address, also=POOLERS))
        socket = f"postgresql://postgres@/postgres?host={directory / 'server' / 'run'}&port={server.port}"
        yield Beyond(link, socket, urls)


def sever(
    beyond: Beyond,
    directory: Path,
    number: int,
    chance: random.Random,
    progress: Progress = silent,
    away: Sequence[float | None] = AWAY,
) -> Tally:
    """Cut the link of `number` runs at random, up and down; each next one has to find a link that is back."""
    tally = Tally()
    with new_stage(beyond.seen, directory, scripts=SCRIPTS) as stage:
        sartor = Command(directory, {})
        while tally.counts["cuts"] < number:
            verb = VERBS[0] if len(stage.deployed()) < SCRIPTS else VERBS[1]
            ways = [chance.choice(list(beyond.urls)), chance.choice(WAYS)]
            process = _start(sartor, beyond, stage, verb, *ways)
            ended, label = _cut(beyond, stage, process, ways[1], chance.choice(away), chance, tally)
            where = f"cut {tally.counts['cuts']}, {verb} {' '.join(ways)}, {label}"
            tally.found(where, _verdict(stage, ended))
            tally.found(f"after {where}", _completed(sartor, beyond, stage, verb, ways[0], tally))
            progress(tally.counts["cuts"])
    return tally


def _start(sartor: Command, beyond: Beyond, stage: Stage, verb: str, reach: str, way: str) -> subprocess.Popen[str]:
    url = beyond.reaching(reach, stage.database.name)
    words = [verb, "next" if verb == "deploy" else "0", "--json", "--wait", str(WAIT)]
    return sartor.start(*words, *(["--no-batch"] if way == "apart" else []), env={"SARTOR_DB_URL": url})


def _cut(
    beyond: Beyond,
    stage: Stage,
    process: subprocess.Popen[str],
    way: str,
    away: float | None,
    chance: random.Random,
    tally: Tally,
) -> tuple[Finished, str]:
    """Cut a run's link once it is at work, and mend it, at once, later or after the run's end: how that came."""
    lost = chance.choice(list(Lost))
    until(lambda: at_work(stage.database) or process.poll() is not None, what="the run's first statement")
    time.sleep(chance.uniform(0, MOMENTS[way]))
    struck = process.poll() is None
    began = time.monotonic()
    beyond.link.cut(lost)
    try:
        if away is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(away)
            beyond.link.mend()
        ended = _end(process)
    finally:
        beyond.link.mend()
    took = time.monotonic() - began
    if struck:
        tally.counts.update(["cuts", f"exit code {ended.code}"])
        tally.counts["longest, in s"] = max(tally.counts["longest, in s"], round(took))
    return ended, f"{lost.value} lost for {away} s: {ended.code} {ended.err}"


def _end(process: subprocess.Popen[str]) -> Finished:
    """How a run ended; one that hangs is killed."""
    try:
        out, err = process.communicate(timeout=BOUND)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return Finished(process.returncode, out, err)


def _verdict(stage: Stage, ended: Finished) -> list[str]:
    """What is wrong with how a run ended, and with what it says that it did."""
    unsure = "isn't known" in ended.err
    checks = {
        "it ended neither well nor with 6": ended.code in {0, 6},
        "a traceback": "Traceback" not in ended.err,
        "it doesn't say that the server was out of reach": ended.code != 6 or _says_so(ended.err),
    }
    if ended.code == 0 or (ended.out and not unsure):
        said = {each["id"] for each in json.loads(ended.out)["done"]}
        checks["it says that it did what nobody did"] = said <= _happened(stage)
    return [text for text, holds in checks.items() if not holds]


def _says_so(err: str) -> bool:
    return any(words in err for words in ("the connection was lost", "no answer within", "can't be reached"))


def _happened(stage: Stage) -> set[str]:
    return {row[0] for row in stage.database.rows("select script from effects")}


def _completed(sartor: Command, beyond: Beyond, stage: Stage, verb: str, reach: str, tally: Tally) -> list[str]:
    """What is wrong once a run over the mended link has ended."""
    began = time.monotonic()
    ended = finish(_start(sartor, beyond, stage, verb, reach, "batched"))
    tally.counts["next: longest, in s"] = max(tally.counts["next: longest, in s"], round(time.monotonic() - began))
    until(lambda: not at_work(stage.database), limit=60, what="the end of the orphans")
    tally.counts["next: waited over 2 s"] += time.monotonic() - began > 2
    expected: Sequence[str] = stage.ids if verb == "deploy" else ()
    wrong = [] if ended.code == 0 else [f"{ended.code} {ended.err}"]
    return wrong + stage.violations() + ([] if stage.deployed() == set(expected) else ["it isn't complete"])
