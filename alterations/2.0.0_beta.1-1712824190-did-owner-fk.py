"""The owner of a DID is a user of ours from here on.

The old rows name owners from the operator's directory, so the key comes as `not valid`: it guards what is written now,
the next alteration brings the missing users, and 2.0.0 validates. An instance of 1.2, which knows of no users, can't
create DIDs any more: drain those first.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table dids add constraint dids_user_id_fkey
            foreign key (user_id) references users (id) on delete restrict not valid
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute("alter table dids drop constraint dids_user_id_fkey")
