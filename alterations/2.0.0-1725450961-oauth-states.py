"""State and nonce of an OAuth sign-in, from the redirect to the callback: a matter of minutes."""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create table oauth_states (
            state_hash bytea not null,
            provider text not null,
            nonce text not null,
            code_verifier text not null,
            redirect_uri text not null,
            user_id uuid,
            created_at timestamptz not null default now(),
            expires_at timestamptz not null default now() + interval '10 minutes',
            constraint oauth_states_pkey primary key (state_hash),
            constraint oauth_states_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
            constraint oauth_states_state_hash_is_sha256 check (octet_length(state_hash) = 32),
            constraint oauth_states_provider_form check (provider ~ '^[a-z][a-z0-9-]{0,49}$'),
            constraint oauth_states_nonce_length check (length(nonce) between 16 and 200),
            -- RFC 7636, section 4.1.
            constraint oauth_states_code_verifier_form check (code_verifier ~ '^[A-Za-z0-9._~-]{43,128}$'),
            constraint oauth_states_redirect_uri_form check (redirect_uri ~ '^https?://[^[:space:]]+$'),
            constraint oauth_states_are_short_lived
                check (expires_at > created_at and expires_at <= created_at + interval '1 hour')
        );
        comment on table oauth_states is 'Sign-ins under way at another provider; swept once they expire.';
        comment on column oauth_states.user_id is 'Set when a signed-in user links another account.';

        create index oauth_states_expires_at_idx on oauth_states (expires_at);
        create index oauth_states_user_id_idx on oauth_states (user_id) where user_id is not null;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute("drop table oauth_states")
