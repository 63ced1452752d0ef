"""Delegates and attributes of a DID, as `POST /dids/{did}/delegates` and `/attributes` write them.

Cut in the same second as data-access, on another branch: the fraction says which comes first, so nobody has to know how
a tie would be broken.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type delegate_purpose as enum ('authentication', 'assertion', 'key_agreement');

        create table did_delegates (
            id uuid not null default gen_random_uuid(),
            did text not null,
            delegate_did text not null,
            purpose delegate_purpose not null,
            valid_from timestamptz not null default now(),
            valid_until timestamptz not null,
            revoked_at timestamptz,
            constraint did_delegates_pkey primary key (id),
            constraint did_delegates_did_fkey foreign key (did) references dids (did) on delete cascade,
            constraint did_delegates_delegate_did_form
                check (delegate_did ~ '^did:[a-z0-9]+:[^[:space:]]+$' and length(delegate_did) <= 1024),
            constraint did_delegates_to_another check (delegate_did <> did),
            constraint did_delegates_period check (valid_until > valid_from)
        );
        comment on table did_delegates is 'DIDs that may act for another, for one purpose and a time.';
        comment on column did_delegates.delegate_did is 'No foreign key: a delegate may live on another platform.';

        create unique index did_delegates_live_key on did_delegates (did, delegate_did, purpose)
            where revoked_at is null;
        create index did_delegates_did_idx on did_delegates (did);
        create index did_delegates_delegate_did_idx on did_delegates (delegate_did);

        create table did_attributes (
            did text not null,
            name text not null,
            value jsonb not null,
            valid_until timestamptz,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            constraint did_attributes_pkey primary key (did, name),
            constraint did_attributes_did_fkey foreign key (did) references dids (did) on delete cascade,
            constraint did_attributes_name_form check (name ~ '^[a-z][A-Za-z0-9/_-]{0,99}$'),
            constraint did_attributes_value_size check (octet_length(value::text) <= 16384)
        );
        comment on table did_attributes is 'What a DID publishes about itself beside its document.';

        create trigger did_attributes_touch_updated_at before update on did_attributes
            for each row execute function touch_updated_at();

        create policy did_delegates_own on did_delegates
            using (exists (select from dids where dids.did = did_delegates.did));
        create policy did_attributes_own on did_attributes
            using (exists (select from dids where dids.did = did_attributes.did));
        alter table did_delegates enable row level security;
        alter table did_attributes enable row level security;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table did_attributes;
        drop table did_delegates;
        drop type delegate_purpose;
        """
    )
