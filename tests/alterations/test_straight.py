"""Which Python scripts are straight lines of SQL, and that they send what they would send when executed."""

from __future__ import annotations

import asyncio
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.alterations.python_module import load_python
from sartor.alterations.script import Body
from sartor.alterations.static_sql import read_static
from sartor.domain.plan import Direction
from sartor.domain.source import Run
from support.ledgers import alteration

ALTERATION = alteration("1.0.0-1700000000-a.py")
UP = 'async def up(conn):\n    await conn.execute("select 1")\n'

STRAIGHT = {
    "before": UP + "async def before_up(conn):\n    await conn.execute('select 1')\n",
    "plain": UP,
    "nothing": "async def up(conn):\n    pass\n",
    "docstrings": '"""So."""\n\nasync def up(conn):\n    """So."""\n    await conn.execute("select 1")\n',
    "a constant": 'SQL = "select 1"\nasync def up(conn):\n    await conn.execute(SQL)\n',
    "a constant behind": 'async def up(conn):\n    await conn.execute(SQL)\nSQL = "select 1"\n',
    "options": 'transaction = False\nirreversible = "why"\n' + UP,
    "a transaction one way": "transaction = False\ntransaction_down = True\n" + UP,
    "a run": 'async def up(conn, run):\n    await conn.execute("select 1")\n',
    "implicit joining": "async def up(conn):\n    await conn.execute('a' 'b' f'c')\n",
    "types": "import asyncpg\nasync def up(conn: asyncpg.Connection) -> None:\n    pass\n",
    "our types": (
        "from sartor import Connection, Run\n"
        'async def up(conn: Connection, run: Run) -> None:\n    await conn.execute("select 1")\n'
    ),
    "conditions": UP + "async def require(conn):\n    'x'\n    return await conn.fetchval('select true')\n",
    "lazy types": "from __future__ import annotations\nasync def up(conn: Any[what]) -> None:\n    pass\n",
    "checked types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import anything\n" + UP,
    "quoted types": 'async def up(conn: "anything") -> None:\n    pass\n',
    "another encoding": b"# -*- coding: latin-1 -*-\nasync def up(conn):\n    await conn.execute('\xe4')\n",
}
CROOKED = {
    "no Python": "async def up(conn:\n",
    "an import": "import os\n" + UP,
    "a helper": "from ._helper import x\n" + UP,
    "asyncpg under another name": "import asyncpg as up\n",
    "a type that Sartor doesn't export": "from sartor import Record\n" + UP,
    "a type that asyncpg doesn't have": "from asyncpg import Run\n" + UP,
    "a statement": 'print("loaded")\n' + UP,
    "a call": 'async def up(conn):\n    await conn.fetch("select 1")\n',
    "parameters": 'async def up(conn):\n    await conn.execute("select $1", 1)\n',
    "a time limit": 'async def up(conn):\n    await conn.execute("select 1", timeout=1)\n',
    "no await": 'async def up(conn):\n    conn.execute("select 1")\n',
    "another object": 'async def up(conn, run):\n    await run.execute("select 1")\n',
    "a condition": 'async def up(conn):\n    if True:\n        await conn.execute("select 1")\n',
    "a loop": 'async def up(conn):\n    for _ in "ab":\n        await conn.execute("select 1")\n',
    "a value": 'async def up(conn):\n    found = await conn.execute("select 1")\n',
    "an early end": 'async def up(conn):\n    return\n    await conn.execute("select 1")\n',
    "a transaction": "async def up(conn):\n    async with conn.transaction():\n        pass\n",
    "something put in": 'N = 1\nasync def up(conn):\n    await conn.execute(f"select {N}")\n',
    "a sum": 'A = "select " + "1"\n' + UP,
    "an unknown name": "async def up(conn):\n    await conn.execute(SQL)\n",
    "a name that a parameter hides": 'SQL = "x"\nasync def up(conn, SQL):\n    await conn.execute(SQL)\n',
    "a name bound twice": 'SQL = "a"\nSQL = "b"\nasync def up(conn):\n    await conn.execute(SQL)\n',
    "bytes": 'async def up(conn):\n    await conn.execute(b"select 1")\n',
    "a function twice": UP + UP,
    "a function bound": UP + "up = None\n",
    "an ordinary function": "def up(conn):\n    pass\n",
    "a decorator": "@print\n" + UP,
    "a default": "async def up(conn=1):\n    pass\n",
    "keywords": "async def up(*, conn):\n    pass\n",
    "no parameters": "async def up():\n    pass\n",
    "three parameters": "async def up(a, b, c):\n    pass\n",
    "an annotation that is evaluated": "async def up(conn: print('x')) -> None:\n    pass\n",
    "before, with a loop": UP + "async def before_up(conn):\n    for _ in 'ab':\n        pass\n",
    "a condition with a branch": UP + "async def require(conn):\n    return True\n",
    "an answer that is used": UP + "async def ensure(conn):\n    return not await conn.fetchval('select true')\n",
    "a class": "class A:\n    pass\n" + UP,
    "an option of another type": "transaction = 0\n" + UP,
    "a future that isn't the first": "A = 1\nfrom __future__ import annotations\n" + UP,
    "an else": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\nelse:\n    import os\n" + UP,
    "a hidden name": '__name__ = "x"\n' + UP,
    "an import that binds a constant": 'Connection = "select 1"\nfrom asyncpg import Connection\n' + UP,
    "a parameter that only the compiler refuses": "async def up(__debug__):\n    pass\n",
    "several targets": 'A = B = "select 1"\n' + UP,
}


def _content(source: str | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.encode()


@pytest.mark.parametrize("source", STRAIGHT.values(), ids=STRAIGHT)
def test_it_is_straight(source: str | bytes) -> None:
    """What only sends constants is known without running it, and is what executing the module makes of it."""
    straight, executed = read_static(ALTERATION, _content(source)), load_python(ALTERATION, _content(source))
    assert straight is not None
    assert (straight.outside, straight.irreversible) == (executed.outside, executed.irreversible)
    assert straight.bodies.keys() == executed.bodies.keys()
    assert straight.before.keys() == executed.before.keys()


@pytest.mark.parametrize("source", CROOKED.values(), ids=CROOKED)
def test_it_is_not(source: str) -> None:
    """Where only running it can tell, or it is no script at all, it isn't straight."""
    assert read_static(ALTERATION, source.encode()) is None


class Recording:
    """A connection that notes what is sent, and from which line."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []

    async def execute(self, text: str) -> None:
        self.sent.append((text, sys._getframe(1).f_lineno))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = ("A", "B", "conn_", "größe")


@st.composite
def modules(draw: st.DrawFn) -> str:
    """A module of constants and functions, which executes without a mistake."""
    constants = draw(st.dictionaries(st.sampled_from(NAMES), texts))
    lines = ['"""A docstring."""', draw(st.sampled_from(["", "# so", "import asyncpg"]))]
    bound = [f"{name} = {value!r}" for name, value in constants.items()]
    first = draw(st.booleans())
    lines += bound if first else []
    for function in draw(st.lists(st.sampled_from(["up", "down"]), unique=True, min_size=1)):
        lines.append(f"async def {function}({draw(st.sampled_from(['conn', 'db', 'conn, run']))}):")
        connection = lines[-1].partition("(")[2][:-2].split(",")[0]
        lines.append('    """So."""')
        for _ in range(draw(st.integers(0, 4))):
            lines += _call(draw, connection, list(constants))
    return "\n".join(lines + ([] if first else bound)) + "\n"


def _call(draw: st.DrawFn, connection: str, constants: list[str]) -> list[str]:
    argument: str = draw(st.sampled_from([*constants, repr(draw(texts))]))
    shape = draw(st.sampled_from(["    await {}.execute({})", "    await {}.execute(\n        {},\n    )", "    pass"]))
    return shape.format(connection, argument).split("\n") if shape != "    pass" else [shape]


async def _execute(body: Body, connection: Recording, run: Run) -> None:
    await body(connection, run)


@given(modules())
def test_what_it_sends(source: str) -> None:
    """The known SQL is what the executed module sends: the same texts in the same order, from the same lines."""
    straight, executed = read_static(ALTERATION, source.encode()), load_python(ALTERATION, source.encode())
    assert straight is not None
    run = Run(
        database="",
        schema="",
        user="",
        server_version=0,
        destination="",
        direction=Direction.DEPLOY,
        target=None,
        rehearsal=False,
        log=print,
        note=print,
    )
    for direction in Direction:
        known = straight.fragments.get(direction)
        assert (known is None) == (direction not in executed.bodies)
        if known is not None:
            connection = Recording()
            asyncio.run(_execute(executed.bodies[direction], connection, run))
            assert [(fragment.text, fragment.line) for fragment in known] == connection.sent
