"""The driver's connection, guarded: scripts get it.

The claim is sent with the driver's own BEGIN, and the record with a COMMIT of Sartor's: a script, its claim and its
record take the three round trips of a bare transaction. Where a version of asyncpg writes BEGIN in another way, the
claim costs a round trip more and is as safe, so asyncpg has no upper limit. `conn.transaction()` in a script is a
savepoint.

A script's statements are read before they are sent: COMMIT and its like are refused, because what follows them could
not be undone. The record catches the rest, such as `reset all` or `set constraints all immediate`.

What a script leaves in its session is cleared behind COMMIT, in the same message: DISCARD ALL can't share a message
and costs 0.2 ms or more; the statements that it stands for cost 0.03 ms, and reach the right session through a
pooler.

A fence protects Sartor's own SQL. Operators resolve by `search_path`: an operator in `public`, made by anyone who may
create there, would run as the deploying role. So a session's first statement leaves only `pg_catalog` on the path,
and a transaction has the script's path between the claim and the record. Through a pooler, whose sessions belong to
others too, each transaction of Sartor's has its own `set local`. The statements that set the path are not prepared:
the server would describe their rows under the path that they have just restored.
"""
