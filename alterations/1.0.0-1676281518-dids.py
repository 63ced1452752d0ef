"""Decentralised identifiers and their documents: everything else in the platform points here.

Users live in the operator's own directory in this release, so `user_id` is a bare id without a foreign key.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type did_status as enum ('active', 'deactivated');

        create table dids (
            id uuid not null default gen_random_uuid(),
            did text not null,
            user_id uuid not null,
            status did_status not null default 'active',
            document jsonb not null,
            deactivated_at timestamptz,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            constraint dids_pkey primary key (id),
            constraint dids_did_key unique (did),
            constraint dids_did_form check (did ~ '^did:[a-z0-9]+:[^[:space:]]+$' and length(did) <= 1024),
            constraint dids_document_is_of_did
                check (jsonb_typeof(document) = 'object' and (document ->> 'id') is not distinct from did),
            constraint dids_deactivated_at_with_status
                check ((status = 'deactivated') = (deactivated_at is not null))
        );
        comment on table dids is 'Decentralised identifiers that this platform controls, with their documents.';
        comment on column dids.user_id is 'Whose DID it is.';

        create index dids_user_id_idx on dids (user_id);

        create trigger dids_touch_updated_at before update on dids
            for each row execute function touch_updated_at();
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table dids;
        drop type did_status;
        """
    )
