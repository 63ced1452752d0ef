"""Tenants: several organisations share one installation.

What the installation holds so far becomes the first of them, under an id that the scripts to come may name.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create table tenants (
            id uuid not null default gen_random_uuid(),
            slug text not null,
            name text not null,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            constraint tenants_pkey primary key (id),
            constraint tenants_slug_key unique (slug),
            constraint tenants_slug_form check (slug ~ '^[a-z][a-z0-9-]{0,62}$'),
            constraint tenants_name_length check (length(name) between 1 and 200)
        );
        comment on table tenants is 'Organisations that share this installation.';

        create trigger tenants_touch_updated_at before update on tenants
            for each row execute function touch_updated_at();

        create table tenant_members (
            tenant_id uuid not null,
            user_id uuid not null,
            joined_at timestamptz not null default now(),
            constraint tenant_members_pkey primary key (tenant_id, user_id),
            constraint tenant_members_tenant_id_fkey
                foreign key (tenant_id) references tenants (id) on delete cascade,
            constraint tenant_members_user_id_fkey foreign key (user_id) references users (id) on delete cascade
        );
        comment on table tenant_members is 'Who belongs to which tenant; one person may belong to several.';

        create index tenant_members_user_id_idx on tenant_members (user_id);

        insert into tenants (id, slug, name)
        values ('00000000-0000-4000-8000-000000000001', 'default', 'Default tenant');

        insert into tenant_members (tenant_id, user_id)
        select '00000000-0000-4000-8000-000000000001', id from users;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table tenant_members;
        drop table tenants;
        """
    )
