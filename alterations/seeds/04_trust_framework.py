"""The demo issuer is trusted for every demo schema."""

import asyncpg

ISSUER = "did:web:issuer.example.com"


async def seed(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        insert into trust_framework (schema_id, issuer_did, accredited_by, trusted_from)
        select id, $1, 'Demo seed', '2026-01-01T00:00:00Z' from schemas where author_did = $1
        on conflict (schema_id, issuer_did) do nothing
        """,
        ISSUER,
    )


async def reset(conn: asyncpg.Connection) -> None:
    await conn.execute("delete from trust_framework where issuer_did = $1", ISSUER)
