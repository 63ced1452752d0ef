"""The trigger function behind every `updated_at` column.

It names nothing outside pg_catalog, so no caller's search_path can change what it does. A backfill must not look like
a change by a person: it says `set local app.keep_updated_at = 'on'` and the column stays as it was.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create function touch_updated_at() returns trigger language plpgsql as $$
        begin
            if pg_catalog.current_setting('app.keep_updated_at', true) is distinct from 'on' then
                new.updated_at := pg_catalog.now();
            end if;
            return new;
        end
        $$;
        comment on function touch_updated_at() is
            'Keeps updated_at true on every update, unless app.keep_updated_at is on.';
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute("drop function touch_updated_at()")
