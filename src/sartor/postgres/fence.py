"""The search path that Sartor's own SQL runs under, and how it takes turns with a script's.

Operators resolve by `search_path` as functions and tables do, and an exact match in any schema on it wins over a
conversion in `pg_catalog`: whoever may create in one of them can have `numeric * integer`. So each session of ours has
this path from its first statement on, and a script's transaction has the script's path for the script alone. In
`pg_temp`, which is looked through last, there are no operators and no functions.

A transaction pooler gives a session's settings to others, so there every transaction of ours sets its own.
"""

from __future__ import annotations

PATH = "pg_catalog, pg_temp"

FENCE = f"set local search_path = {PATH};"
"""The SQL that comes first in a transaction of Sartor's own."""

SESSION_FENCE = f"set search_path = {PATH};"
"""The same for a session, not for a pooler's."""

_KEPT = "sartor.path"
"""The setting that holds a script's path while Sartor's is in its place."""

STEP_IN = f"""select pg_catalog.set_config('search_path', case when
        pg_catalog.set_config('{_KEPT}', pg_catalog.current_setting('search_path'), true) is not null
        then '{PATH}' end, true);"""
"""The statement that puts the fence in place of a script's path. It runs under that path: no operators here."""

STEP_OUT = f"select pg_catalog.set_config('search_path', pg_catalog.current_setting('{_KEPT}'), true);"
"""The statement that puts the script's path back: its deferred triggers run at COMMIT.

Statements of their own: the server describes the rows of one that is prepared by analysing it again behind its end.
"""


def entering(pid: int) -> str:
    """The first statement of a session whose server process the driver takes for `pid`.

    It selects a row where it has fenced the session, and none where a pooler is in between.
    """
    here = f"pg_catalog.pg_backend_pid() operator(pg_catalog.=) {pid}"
    return f"select pg_catalog.set_config('search_path', '{PATH}', false) where {here}"
