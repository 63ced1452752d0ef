"""Lists by owner or issuer, filtered by status, were the slowest queries of 1.0.

Both tables carry traffic, so the indexes are built beside it: outside a transaction, one statement at a time, each of
them harmless when it is run again. The new indexes lead with the old ones' column and replace them.
"""

import asyncpg

transaction = False


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute("create index concurrently if not exists dids_user_id_status_idx on dids (user_id, status)")
    await conn.execute(
        "create index concurrently if not exists credentials_issuer_did_status_idx on credentials (issuer_did, status)"
    )
    await conn.execute("drop index concurrently if exists dids_user_id_idx")
    await conn.execute("drop index concurrently if exists credentials_issuer_did_idx")


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute("create index concurrently if not exists credentials_issuer_did_idx on credentials (issuer_did)")
    await conn.execute("create index concurrently if not exists dids_user_id_idx on dids (user_id)")
    await conn.execute("drop index concurrently if exists credentials_issuer_did_status_idx")
    await conn.execute("drop index concurrently if exists dids_user_id_status_idx")
