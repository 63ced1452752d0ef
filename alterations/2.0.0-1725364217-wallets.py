"""Embedded wallets: keys that exist only as shares, so that no single custodian can sign alone.

Deleting a user or a DID must not take key material with it by the way: both are refused while a wallet is left.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type wallet_curve as enum ('ed25519', 'secp256k1', 'p256');
        create type share_custodian as enum ('holder', 'platform', 'recovery');

        create table wallets (
            id uuid not null default gen_random_uuid(),
            user_id uuid not null,
            did text not null,
            curve wallet_curve not null,
            public_key bytea not null,
            threshold smallint not null default 2,
            created_at timestamptz not null default now(),
            constraint wallets_pkey primary key (id),
            constraint wallets_public_key_key unique (public_key),
            constraint wallets_user_id_fkey foreign key (user_id) references users (id) on delete restrict,
            constraint wallets_did_fkey foreign key (did) references dids (did) on delete restrict,
            constraint wallets_public_key_length check (octet_length(public_key) between 32 and 65),
            constraint wallets_threshold_range check (threshold between 2 and 3)
        );
        comment on table wallets is 'Keys made by multi-party computation; see wallet_shares.';
        comment on column wallets.threshold is 'How many shares it takes to sign.';

        create index wallets_user_id_idx on wallets (user_id);
        create index wallets_did_idx on wallets (did);

        create table wallet_shares (
            wallet_id uuid not null,
            custodian share_custodian not null,
            ciphertext bytea not null,
            wrapping_key_id text not null,
            created_at timestamptz not null default now(),
            constraint wallet_shares_pkey primary key (wallet_id, custodian),
            constraint wallet_shares_wallet_id_fkey
                foreign key (wallet_id) references wallets (id) on delete cascade,
            constraint wallet_shares_ciphertext_length check (octet_length(ciphertext) between 1 and 4096),
            constraint wallet_shares_wrapping_key_id_length check (length(wrapping_key_id) between 1 and 200)
        );
        comment on table wallet_shares is 'One encrypted share of a key for each custodian.';
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table wallet_shares;
        drop table wallets;
        drop type share_custodian;
        drop type wallet_curve;
        """
    )
