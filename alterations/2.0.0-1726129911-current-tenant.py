"""New rows belong to the tenant that the session works for: `set local app.tenant_id = '...'`.

Until now they fell to the first tenant, for the sake of instances of 1.2. From here on a forgotten tenant is an error,
and not a row in the wrong place. The names of schemas are each tenant's own: `tenant-indexes` built what keeps them.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create function current_tenant_id() returns uuid language sql stable parallel safe as $$
            select nullif(pg_catalog.current_setting('app.tenant_id', true), '')::pg_catalog.uuid
        $$;
        comment on function current_tenant_id() is 'The tenant that this session works for; null: none.';

        alter table dids alter column tenant_id set default current_tenant_id();
        alter table schemas alter column tenant_id set default current_tenant_id();
        alter table credentials alter column tenant_id set default current_tenant_id();

        alter table schemas drop constraint schemas_name_version_key;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    # Two tenants may have come to use one name for a schema. Then the constraint stops this, by name: a person decides.
    await conn.execute(
        """
        alter table schemas add constraint schemas_name_version_key unique (name, version);

        alter table credentials alter column tenant_id set default '00000000-0000-4000-8000-000000000001';
        alter table schemas alter column tenant_id set default '00000000-0000-4000-8000-000000000001';
        alter table dids alter column tenant_id set default '00000000-0000-4000-8000-000000000001';

        drop function current_tenant_id();
        """
    )
