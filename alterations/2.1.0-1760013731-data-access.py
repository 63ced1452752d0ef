"""Who may see a person's data, and who did: grants by the data subject, and a trail that nobody can rewrite."""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type access_action as enum ('read', 'export', 'rectify', 'erase');

        create table access_grants (
            id uuid not null default gen_random_uuid(),
            subject_did text not null,
            grantee_did text not null,
            purpose text not null,
            granted_at timestamptz not null default now(),
            expires_at timestamptz not null,
            revoked_at timestamptz,
            constraint access_grants_pkey primary key (id),
            constraint access_grants_subject_did_fkey foreign key (subject_did) references dids (did) on delete cascade,
            constraint access_grants_grantee_did_fkey foreign key (grantee_did) references dids (did) on delete cascade,
            constraint access_grants_purpose_length check (length(purpose) between 1 and 500),
            constraint access_grants_to_another check (grantee_did <> subject_did),
            constraint access_grants_period check (expires_at > granted_at and revoked_at >= granted_at)
        );
        comment on table access_grants is 'What a data subject allows another DID to see, why and until when.';

        create index access_grants_subject_did_idx on access_grants (subject_did);
        create index access_grants_grantee_did_idx on access_grants (grantee_did);
        create unique index access_grants_live_key on access_grants (subject_did, grantee_did, purpose)
            where revoked_at is null;

        create table access_events (
            id bigint not null generated always as identity,
            grant_id uuid not null,
            action access_action not null,
            actor_did text not null,
            occurred_at timestamptz not null default now(),
            constraint access_events_pkey primary key (id),
            constraint access_events_grant_id_fkey
                foreign key (grant_id) references access_grants (id) on delete restrict
        );
        comment on table access_events is 'Every use of a grant. Append-only.';
        comment on column access_events.actor_did is 'No foreign key: it may be a DID of another platform.';

        create index access_events_grant_id_occurred_at_idx on access_events (grant_id, occurred_at desc);

        create function refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
        end
        $$;
        comment on function refuse_change() is 'Keeps a table append-only.';

        create trigger access_events_refuse_change before update or delete or truncate on access_events
            for each statement execute function refuse_change();

        create policy access_grants_own on access_grants
            using (exists (select from dids where dids.did = access_grants.subject_did));
        create policy access_events_own on access_events
            using (exists (select from access_grants where access_grants.id = access_events.grant_id));
        alter table access_grants enable row level security;
        alter table access_events enable row level security;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table access_events;
        drop table access_grants;
        drop function refuse_change();
        drop type access_action;
        """
    )
