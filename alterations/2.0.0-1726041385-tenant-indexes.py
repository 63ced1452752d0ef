"""Isolation adds a condition on the tenant to every query; these indexes answer it.

They serve the foreign keys too, and the unique one will take over from `schemas_name_version_key`.
"""

import asyncpg

transaction = False


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create unique index concurrently if not exists schemas_tenant_id_name_version_key
            on schemas (tenant_id, name, version)
        """
    )
    await conn.execute("create index concurrently if not exists dids_tenant_id_idx on dids (tenant_id)")
    await conn.execute(
        """
        create index concurrently if not exists credentials_tenant_id_issued_at_idx
            on credentials (tenant_id, issued_at desc)
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute("drop index concurrently if exists credentials_tenant_id_issued_at_idx")
    await conn.execute("drop index concurrently if exists dids_tenant_id_idx")
    await conn.execute("drop index concurrently if exists schemas_tenant_id_name_version_key")
