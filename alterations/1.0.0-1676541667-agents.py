"""Agents: the services that issue, verify and carry messages on behalf of a DID."""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type agent_kind as enum ('issuer', 'verifier', 'mediator');
        comment on type agent_kind is 'What an agent does for its DID.';

        create table agents (
            id uuid not null default gen_random_uuid(),
            did text not null,
            kind agent_kind not null,
            name text not null,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            endpoint text,
            constraint agents_pkey primary key (id),
            -- Leads with did, so it serves the foreign key as well.
            constraint agents_did_name_key unique (did, name),
            constraint agents_did_fkey foreign key (did) references dids (did) on delete cascade,
            constraint agents_name_length check (length(name) between 1 and 200),
            constraint agents_endpoint_form check (endpoint ~ '^(https|wss)://[^[:space:]]+$')
        );
        comment on table agents is 'Services that act for a DID.';
        comment on column agents.endpoint is 'Null: the agent polls, it can not be called.';

        create trigger agents_touch_updated_at before update on agents
            for each row execute function touch_updated_at();
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table agents;
        drop type agent_kind;
        """
    )
