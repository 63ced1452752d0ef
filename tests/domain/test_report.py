"""What is told of who is in the way."""

from __future__ import annotations

import pytest

from sartor.domain.report import Blocker

FACTS = Blocker(
    pid=7,
    user="app",
    application="psql",
    client="10.0.0.1",
    state="idle in transaction",
    seconds=61.4,
    query="select 1\n  from   t",
    holds="AccessShareLock on t",
)
WHO = "psql, user app, pid 7 from 10.0.0.1"


STATE = "idle in transaction for 61 s"
HOLDS = "holds AccessShareLock on t"
QUERY = "query: select 1 from t"


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({}, [WHO, STATE, HOLDS, QUERY]),
        (
            {"application": "", "user": None},
            ["a session without a name, user hidden, pid 7 from 10.0.0.1", STATE, HOLDS, QUERY],
        ),
        ({"client": None, "state": None}, ["psql, user app, pid 7", "state hidden for 61 s", HOLDS, QUERY]),
        ({"seconds": None}, [WHO, "idle in transaction", HOLDS, QUERY]),
        ({"holds": None, "query": None}, [WHO, STATE]),
        ({"query": "x" * 200}, [WHO, STATE, HOLDS, "query: " + "x" * 120]),
        ({"application": "a\x1b\nb"}, ["a\\x1b\\nb, user app, pid 7 from 10.0.0.1", STATE, HOLDS, QUERY]),
    ],
)
def test_a_blocker(known: dict[str, object], told: list[str]) -> None:
    """It says who holds what and for how long, as far as that is known, in one line that a terminal may show."""
    assert str(FACTS._replace(**known)) == ", ".join(told)  # type: ignore[arg-type] # a keyword for each fact
