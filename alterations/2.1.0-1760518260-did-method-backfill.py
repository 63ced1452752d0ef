"""Second of three: the rows from before the trigger get their method, a batch at a time.

One update of the whole table would hold every row's lock until its end. Each batch is a transaction of its own, in the
order of the key. What is filled is passed over, so a run that was cut short goes on where it stood; and `updated_at`
stays as it was, as nobody changed anything.
"""

from uuid import UUID

import asyncpg

transaction = False

BATCH = 5_000


async def up(conn: asyncpg.Connection) -> None:
    last = UUID(int=0)
    while rows := await conn.fetch(
        "select id from dids where id > $1 and method is null order by id limit $2", last, BATCH
    ):
        ids = [row["id"] for row in rows]
        async with conn.transaction():
            await conn.execute("set local app.keep_updated_at = 'on'")
            await conn.execute("update dids set method = split_part(did, ':', 2) where id = any($1)", ids)
        last = ids[-1]
    # It holds for whatever is written from now on; the old rows are checked in the third.
    await conn.execute(
        """
        alter table dids
            drop constraint if exists dids_method_present,
            add constraint dids_method_present check (method is not null) not valid
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    # The values stay: they repeat what `did` says, and leave with their column.
    await conn.execute("alter table dids drop constraint if exists dids_method_present")
