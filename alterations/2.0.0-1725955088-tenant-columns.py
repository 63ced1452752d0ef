"""Every DID, schema and credential belongs to a tenant.

A column with a constant default is instant however large the table is: Postgres keeps the value once, for all the rows
that are there. So it may be `not null` at once and needs no backfill. The foreign keys wait for their validation.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table dids
            add column tenant_id uuid not null default '00000000-0000-4000-8000-000000000001',
            add constraint dids_tenant_id_fkey
                foreign key (tenant_id) references tenants (id) on delete restrict not valid;

        alter table schemas
            add column tenant_id uuid not null default '00000000-0000-4000-8000-000000000001',
            add constraint schemas_tenant_id_fkey
                foreign key (tenant_id) references tenants (id) on delete restrict not valid;

        alter table credentials
            add column tenant_id uuid not null default '00000000-0000-4000-8000-000000000001',
            add constraint credentials_tenant_id_fkey
                foreign key (tenant_id) references tenants (id) on delete restrict not valid;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table credentials drop column tenant_id;
        alter table schemas drop column tenant_id;
        alter table dids drop column tenant_id;
        """
    )
