"""Verifiable credentials: a claim by one DID about another, in the shape of a schema.

Nothing here cascades: a DID or a schema that a credential names is evidence, and stays as long as the credential.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type credential_status as enum ('active', 'suspended', 'revoked');

        create table credentials (
            id uuid not null default gen_random_uuid(),
            schema_id uuid not null,
            issuer_did text not null,
            holder_did text not null,
            status credential_status not null default 'active',
            claims jsonb not null,
            issued_at timestamptz not null default now(),
            expires_at timestamptz,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            constraint credentials_pkey primary key (id),
            constraint credentials_schema_id_fkey
                foreign key (schema_id) references schemas (id) on delete restrict,
            constraint credentials_issuer_did_fkey
                foreign key (issuer_did) references dids (did) on delete restrict,
            constraint credentials_holder_did_fkey
                foreign key (holder_did) references dids (did) on delete restrict,
            constraint credentials_claims_are_object check (jsonb_typeof(claims) = 'object'),
            constraint credentials_expire_after_issue check (expires_at > issued_at)
        );
        comment on table credentials is 'Verifiable credentials issued through this platform.';
        comment on column credentials.expires_at is 'Null: valid until it is revoked.';

        create index credentials_schema_id_idx on credentials (schema_id);
        create index credentials_issuer_did_idx on credentials (issuer_did);
        create index credentials_holder_did_idx on credentials (holder_did);
        -- The sweep for expiry reads only what can still expire.
        create index credentials_expires_at_idx on credentials (expires_at)
            where status = 'active' and expires_at is not null;

        create trigger credentials_touch_updated_at before update on credentials
            for each row execute function touch_updated_at();
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table credentials;
        drop type credential_status;
        """
    )
