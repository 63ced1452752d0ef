"""The rival that sends to each destination what Sartor sends there, as a program of the bare driver plays it."""

from __future__ import annotations

import sys
from pathlib import Path

from fleet_rivals import Fleet, Kind, written
from measure import timed
from tools.sartor import SartorSql
from tools.tool import Call

PROGRAM = """
import asyncio, asyncpg, secrets, sys

def fill(parts, values, conn):
    if len(parts) == 1 and parts[0] != -1:
        return parts[0] if isinstance(parts[0], str) else values[parts[0]]
    return "".join(p if isinstance(p, str) else str(values[p] if p >= 0 else conn.get_server_pid()) for p in parts)

def value(arg, values, conn):
    if isinstance(arg, list):
        return [value(each, values, conn) for each in arg]
    return fill(arg, values, conn) if isinstance(arg, tuple) else arg

async def ignore(data):
    pass

async def prepare(conn, statements, text):
    # Without a name, the driver prepares it again for each use.
    statements[text] = await conn.prepare(text, name="taped_" + secrets.token_hex(4))

async def send(conns, url, step, values):
    at, way, text, args = step
    if way == "connect":
        while len(conns) <= at:
            conns.append(None)
        conns[at] = await asyncpg.connect(url, statement_cache_size=0, **args[0]), {}
        return
    conn, statements = conns[at]
    text = fill(text, values, conn)
    args = [value(arg, values, conn) for arg in args]
    match way:
        case "execute":
            await conn.execute(text)
        case "fetch":
            await conn.fetch(text, *args)
        case "prepare":
            await prepare(conn, statements, text)
        case "run":
            if text not in statements:
                await prepare(conn, statements, text)
            await statements[text].fetch(*args)
        case "copy":
            await conn._copy_out(text, ignore, None)

async def line(conns, url, steps, values):
    for step in steps:
        await send(conns, url, step, values)

async def play(tape, conns, url, place):
    kinds, groups = tape
    values = [place, *(secrets.token_hex(kind)[:kind] if kind else secrets.randbits(62) for kind in kinds)]
    for steps in groups:
        if len(steps) == 1:
            await send(conns, url, steps[0], values)
        else:
            lines = {}
            for step in steps:
                lines.setdefault(step[0], []).append(step)
            await asyncio.gather(*(line(conns, url, each, values) for each in lines.values()))

async def end(conns):
    while conns:
        await conns.pop()[0].close()

async def work(targets):
    conns, uses = [], 0
    for url, place in targets:
        if uses == USES:
            await end(conns)
        uses = uses + 1 if conns else 1
        await play(KEPT if conns else NEW, conns, url, place)
    await end(conns)

async def main(jobs, targets):
    await asyncio.gather(*(work(targets) for _ in range(jobs)))

kind, jobs, url, *places = sys.argv[1:]
if kind == "databases":
    USES = 1
targets = iter([(url, place) if kind == "schemas" else (place, place.rpartition("/")[2]) for place in places])
asyncio.run(main(int(jobs), targets))
"""
"""Each of its lines works as one of Sartor's jobs: on connections of its own, kept for as many schemas as Sartor's."""


TAPE = Path(__file__).with_name("fleet_tape.py")


def record(fleet: Fleet, work: Path) -> tuple[Path, str]:
    """Have Sartor deploy to a fleet; returns the program that sends what it sent, and the numbers of messages.

    The first is that of a destination with new connections, the second that of one with connections that are kept.
    """
    program = work / f"replay-{fleet.kind.value}-{fleet.scripts}.py"
    alterations = written(SartorSql(), fleet.scripts, work) / "alterations"
    where = (fleet.kind.value, fleet.url, *fleet.places)
    timed(sys.executable, str(TAPE), str(program), str(alterations), *where, directory=work)
    program.write_text(program.read_text() + PROGRAM)
    return program, (work / "output").read_text()


def replay(fleet: Fleet, jobs: int, program: Path) -> Call:
    """The bare driver with Sartor's statements."""
    places = [fleet.at(place) for place in fleet.places] if fleet.kind is Kind.DATABASES else fleet.places
    return Call((sys.executable, str(program), fleet.kind.value, str(jobs), fleet.url, *places))
