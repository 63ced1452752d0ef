"""Contract: once no instance of 2.1 runs any more, `agents.endpoint` and the trigger that served it go.

It is released one release later than `agent-endpoints`, and waits in `next` until then.
No value of the column is lost: the trigger carried each into `agent_endpoints`, and `down` fetches it from there.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop trigger agents_copy_endpoint on agents;
        drop function copy_agent_endpoint();
        alter table agents drop column endpoint;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        set local app.keep_updated_at = 'on';

        alter table agents
            add column endpoint text,
            add constraint agents_endpoint_form check (endpoint ~ '^(https|wss)://[^[:space:]]+$');
        comment on column agents.endpoint is 'Null: the agent polls, it can not be called.';

        update agents set endpoint = agent_endpoints.uri
        from agent_endpoints
        where agent_endpoints.agent_id = agents.id and agent_endpoints.priority = 0;

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
        """
    )
