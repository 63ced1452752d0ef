"""The method of a DID ("web", "key") gets a column of its own, so that operators can count and filter by it.

First of three. A generated column would rewrite `dids` under its lock. Instead: a nullable column, and a trigger that
fills it whenever a row is written, whichever release of the application writes it. The old rows follow.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table dids add column method text;
        comment on column dids.method is 'The second part of the DID, kept by a trigger.';

        create function set_did_method() returns trigger language plpgsql as $$
        begin
            new.method := pg_catalog.split_part(new.did, ':', 2);
            return new;
        end
        $$;
        comment on function set_did_method() is 'Derives dids.method from dids.did.';

        create trigger dids_set_method before insert or update on dids
            for each row execute function set_did_method();
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop trigger dids_set_method on dids;
        drop function set_did_method();
        alter table dids drop column method;
        """
    )
