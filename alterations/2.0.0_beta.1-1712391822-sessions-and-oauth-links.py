"""How users sign in: sessions, and the accounts at other providers that stand for them.

A session's token is kept as its hash only: who reads this table can't sign in with it.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create table sessions (
            id uuid not null default gen_random_uuid(),
            user_id uuid not null,
            token_hash bytea not null,
            ip_address inet,
            user_agent text,
            created_at timestamptz not null default now(),
            expires_at timestamptz not null,
            revoked_at timestamptz,
            constraint sessions_pkey primary key (id),
            constraint sessions_token_hash_key unique (token_hash),
            constraint sessions_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
            constraint sessions_token_hash_is_sha256 check (octet_length(token_hash) = 32),
            constraint sessions_user_agent_length check (length(user_agent) <= 1000),
            constraint sessions_expire_after_creation check (expires_at > created_at)
        );
        comment on table sessions is 'Signed-in browsers and devices.';
        comment on column sessions.token_hash is 'SHA-256 of the token; the token itself is never kept.';

        create index sessions_user_id_idx on sessions (user_id);
        create index sessions_expires_at_idx on sessions (expires_at) where revoked_at is null;

        create table oauth_links (
            provider text not null,
            subject text not null,
            user_id uuid not null,
            linked_at timestamptz not null default now(),
            constraint oauth_links_pkey primary key (provider, subject),
            -- Leads with user_id, so it serves the foreign key as well.
            constraint oauth_links_user_id_provider_key unique (user_id, provider),
            constraint oauth_links_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
            constraint oauth_links_provider_form check (provider ~ '^[a-z][a-z0-9-]{0,49}$'),
            constraint oauth_links_subject_length check (length(subject) between 1 and 255)
        );
        comment on table oauth_links is 'A user''s account at another provider, by the provider''s own subject.';
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table oauth_links;
        drop table sessions;
        """
    )
