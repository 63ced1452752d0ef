"""Rows get a value, a batch at a time, in the order of the key, each batch in a transaction of its own.

No lock is held for long. What is filled is passed over, so a run that was cut short goes on where it stood.
"""

from sartor import Connection, Run

transaction = False

BATCH = 5_000


async def up(conn: Connection, run: Run) -> None:
    count = 0
    rows = await conn.fetch("select {key} from {table} where {column} is null order by {key} limit $1", BATCH)
    while rows:
        keys = [row[0] for row in rows]
        done = await conn.execute(
            "update {table} set {column} = {expression} where {key} = any($1) and {column} is null", keys
        )
        count += int(done.removeprefix("UPDATE "))
        rows = await conn.fetch(
            "select {key} from {table} where {column} is null and {key} > $1 order by {key} limit $2", keys[-1], BATCH
        )
    run.note(f"{count:,} rows have a value now")


async def down(conn: Connection) -> None:
    await conn.execute("select 'the values stay'")
