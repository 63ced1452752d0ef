"""The search path of Sartor's own SQL, and how it alternates with a script's.

Operators resolve by `search_path` as functions and tables do, and an exact match in any schema on it wins over a
conversion in `pg_catalog`: a role that may create in one of them can have `numeric * integer`. So each session of
Sartor's has this path from its first statement on, and a script's transaction has the script's path for the script
alone. `pg_temp`, which is searched last, isn't searched for operators and functions.

In Sartor's own transactions Postgres refuses to read what row-level security would hide from the role (`row_security`):
a ledger with hidden rows would be taken for one without them. A script has its session's setting.

A statement of Sartor's own waits for a lock for LOCK_WAIT at most: another session may hold the ledger locked, and a
command that only reads must not wait for that for ever.

A transaction pooler gives a session's settings to other clients, so there each transaction of Sartor's sets its own.
"""

from __future__ import annotations

from collections.abc import Mapping

PATH = "pg_catalog, pg_temp"

LOCK_WAIT = "5s"
"""The time that a statement of Sartor's own waits for a lock where nothing else says, as the server shows it."""

FENCE = f"set local search_path = {PATH};set local row_security = off;set local lock_timeout = '{LOCK_WAIT}';"
"""The SQL that comes first in a transaction of Sartor's own."""

SESSION_FENCE = f"set search_path = {PATH};set lock_timeout = '{LOCK_WAIT}';"
"""The SQL that puts a session inside the fence; not for a pooler's."""

_KEPT, _KEPT_ROWS = "sartor.path", "sartor.rows"
"""The settings that hold a script's path, and its `row_security`, while Sartor's are in their place."""

STEP_IN = f"""select pg_catalog.set_config('search_path', case when
        pg_catalog.set_config('{_KEPT}', pg_catalog.current_setting('search_path'), true) is not null
        then '{PATH}' end, true),
    pg_catalog.set_config('row_security', case when
        pg_catalog.set_config('{_KEPT_ROWS}', pg_catalog.current_setting('row_security'), true) is not null
        then 'off' end, true);"""
"""The statement that puts the fence in place of a script's path. It runs under that path, so it has no operators."""

STEP_OUT = f"""select pg_catalog.set_config('search_path', pg_catalog.current_setting('{_KEPT}'), true),
    pg_catalog.set_config('row_security', pg_catalog.current_setting('{_KEPT_ROWS}'), true);"""
"""The statement that puts the script's path back: its deferred triggers run at COMMIT.

Both are statements of their own: to describe the rows of one that is prepared, the server analyses it again after its
end.
"""


def entering(pid: int, also: Mapping[str, str]) -> str:
    """Returns the first statement of a session whose server process the driver takes for `pid`.

    `also` are further settings. The statement selects a row where it has fenced the session, and none where a pooler is
    in between.
    """
    settings = {"search_path": PATH, "lock_timeout": LOCK_WAIT, **also}
    chosen = ", ".join(f"pg_catalog.set_config('{name}', '{value}', false)" for name, value in settings.items())
    return f"select {chosen} where pg_catalog.pg_backend_pid() operator(pg_catalog.=) {pid}"
