"""Credential schemas: what the claims of a credential must look like.

A published version never changes, so name and version together are its address.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type schema_status as enum ('draft', 'published', 'retired');

        create table schemas (
            id uuid not null default gen_random_uuid(),
            name text not null,
            version text not null,
            author_did text not null,
            status schema_status not null default 'draft',
            document jsonb not null,
            published_at timestamptz,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            constraint schemas_pkey primary key (id),
            constraint schemas_name_version_key unique (name, version),
            constraint schemas_author_did_fkey
                foreign key (author_did) references dids (did) on delete restrict,
            constraint schemas_name_form check (name ~ '^[A-Za-z][A-Za-z0-9_]{0,99}$'),
            constraint schemas_version_form check (version ~ '^[0-9]{1,6}[.][0-9]{1,6}([.][0-9]{1,6})?$'),
            constraint schemas_document_is_object check (jsonb_typeof(document) = 'object'),
            constraint schemas_published_at_with_status check ((status = 'draft') = (published_at is null))
        );
        comment on table schemas is 'JSON schemas that the claims of a credential are checked against.';

        create index schemas_author_did_idx on schemas (author_did);

        create trigger schemas_touch_updated_at before update on schemas
            for each row execute function touch_updated_at();
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table schemas;
        drop type schema_status;
        """
    )
