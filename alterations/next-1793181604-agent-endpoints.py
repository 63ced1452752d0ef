"""An agent may have several endpoints, tried in turn. Expand: the new table arrives, the old column still works.

During a rollout instances of 2.1 go on writing `agents.endpoint`. The trigger carries it over as the endpoint of
priority 0, and new instances write their first endpoint there as well until the column is retired.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create table agent_endpoints (
            agent_id uuid not null,
            priority smallint not null default 0,
            uri text not null,
            created_at timestamptz not null default now(),
            constraint agent_endpoints_pkey primary key (agent_id, priority),
            constraint agent_endpoints_agent_id_fkey
                foreign key (agent_id) references agents (id) on delete cascade,
            constraint agent_endpoints_priority_range check (priority between 0 and 99),
            constraint agent_endpoints_uri_form check (uri ~ '^(https|wss)://[^[:space:]]+$')
        );
        comment on table agent_endpoints is 'Where an agent can be called, the lowest priority first.';

        create policy agent_endpoints_own on agent_endpoints
            using (exists (select from agents where agents.id = agent_endpoints.agent_id));
        alter table agent_endpoints enable row level security;

        create function copy_agent_endpoint() returns trigger language plpgsql
            set search_path from current as $$
        begin
            if new.endpoint is null then
                delete from agent_endpoints where agent_id = new.id and priority = 0;
            else
                insert into agent_endpoints (agent_id, uri) values (new.id, new.endpoint)
                on conflict (agent_id, priority) do update set uri = excluded.uri;
            end if;
            return null;
        end
        $$;
        comment on function copy_agent_endpoint() is 'Carries agents.endpoint into agent_endpoints.';

        create trigger agents_copy_endpoint after insert or update of endpoint on agents
            for each row execute function copy_agent_endpoint();

        insert into agent_endpoints (agent_id, uri) select id, endpoint from agents where endpoint is not null;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop trigger agents_copy_endpoint on agents;
        drop function copy_agent_endpoint();
        drop table agent_endpoints;
        """
    )
