"""Verifiable Credentials 2.0: a proof as a JWT, and a place in a published status list.

`credentials` is large and busy. New nullable columns are instant; a check or a foreign key would scan the whole table
under the lock, so they come as `not valid`: they hold for every new row now, and 1.2.0 validates the old ones.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type status_purpose as enum ('revocation', 'suspension');

        create table status_lists (
            id uuid not null default gen_random_uuid(),
            issuer_did text not null,
            purpose status_purpose not null,
            size integer not null default 131072,
            created_at timestamptz not null default now(),
            constraint status_lists_pkey primary key (id),
            constraint status_lists_issuer_did_fkey
                foreign key (issuer_did) references dids (did) on delete restrict,
            -- The standard's minimum, so that an entry hides in a crowd; whole bytes, as it is a bit string.
            constraint status_lists_size check (size >= 131072 and size % 8 = 0)
        );
        comment on table status_lists is 'Bitstring status lists that issuers publish, one bit a credential.';

        create index status_lists_issuer_did_purpose_idx on status_lists (issuer_did, purpose);

        alter table credentials
            add column proof_jwt text,
            add column status_list_id uuid,
            add column status_list_idx integer,
            add constraint credentials_proof_jwt_form
                check (proof_jwt ~ '^([A-Za-z0-9_-]+[.]){2}[A-Za-z0-9_-]+$') not valid,
            add constraint credentials_status_entry_whole
                check ((status_list_id is null) = (status_list_idx is null)) not valid,
            add constraint credentials_status_list_idx_range check (status_list_idx >= 0) not valid,
            add constraint credentials_status_list_id_fkey
                foreign key (status_list_id) references status_lists (id) on delete restrict not valid;
        comment on column credentials.status_list_idx is 'The bit of the list that tells this credential''s status.';
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table credentials
            drop column status_list_idx,
            drop column status_list_id,
            drop column proof_jwt;
        drop table status_lists;
        drop type status_purpose;
        """
    )
