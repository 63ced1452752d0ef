"""The demo users, one for each role, as members of the default tenant."""

from uuid import UUID

import asyncpg

DEFAULT_TENANT = UUID("00000000-0000-4000-8000-000000000001")

# email, display name, role
USERS = [
    ("admin@ida.local", "Ada Admin", "admin"),
    ("issuer@example.com", "Example University", "issuer"),
    ("verifier@example.com", "Example Bank", "verifier"),
    ("alice@example.com", "Alice Holder", "holder"),
]


async def seed(conn: asyncpg.Connection) -> None:
    await conn.executemany(
        """
        insert into users (email, display_name, role, email_verified_at)
        values ($1, $2, $3::text::user_role, '2026-01-01T00:00:00Z')
        on conflict (lower(email)) do nothing
        """,
        USERS,
    )
    await conn.execute(
        """
        insert into tenant_members (tenant_id, user_id)
        select $1, id from users where lower(email) = any($2)
        on conflict (tenant_id, user_id) do nothing
        """,
        DEFAULT_TENANT,
        [email for email, _, _ in USERS],
    )


async def reset(conn: asyncpg.Connection) -> None:
    await conn.execute("delete from users where lower(email) = any($1)", [email for email, _, _ in USERS])
