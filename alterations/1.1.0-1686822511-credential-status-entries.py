"""Two credentials must never share a bit of a status list: revoking one would revoke the other.

Partial, as credentials from before 1.1 have no entry. It also serves the foreign key to `status_lists`.
"""

import asyncpg

transaction = False


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create unique index concurrently if not exists credentials_status_entry_key
            on credentials (status_list_id, status_list_idx) where status_list_id is not null
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute("drop index concurrently if exists credentials_status_entry_key")
