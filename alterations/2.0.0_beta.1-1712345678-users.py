"""Users move into the platform: until now they lived in the operator's own directory."""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type user_role as enum ('holder', 'issuer', 'verifier', 'admin');

        create table users (
            id uuid not null default gen_random_uuid(),
            email text not null,
            display_name text not null,
            role user_role not null default 'holder',
            password_hash text,
            email_verified_at timestamptz,
            disabled_at timestamptz,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            constraint users_pkey primary key (id),
            constraint users_email_form check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' and length(email) <= 254),
            constraint users_display_name_length check (length(display_name) between 1 and 200),
            constraint users_password_hash_is_argon2id check (password_hash like '$argon2id$%')
        );
        comment on table users is 'People who sign in.';
        comment on column users.password_hash is 'Null: signs in with a linked provider only.';

        -- One mailbox, one user, however the address is capitalised.
        create unique index users_email_key on users (lower(email));
        create index users_not_holders_idx on users (role) where role <> 'holder';

        create trigger users_touch_updated_at before update on users
            for each row execute function touch_updated_at();
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table users;
        drop type user_role;
        """
    )
