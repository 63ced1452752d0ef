"""The foreign keys to users and tenants are proven for the rows that were there before them.

Validating reads the table while others read and write it. An owner without a user stops it here, by name.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table dids validate constraint dids_user_id_fkey;
        alter table dids validate constraint dids_tenant_id_fkey;
        alter table schemas validate constraint schemas_tenant_id_fkey;
        alter table credentials validate constraint credentials_tenant_id_fkey;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table credentials
            drop constraint credentials_tenant_id_fkey,
            add constraint credentials_tenant_id_fkey
                foreign key (tenant_id) references tenants (id) on delete restrict not valid;
        alter table schemas
            drop constraint schemas_tenant_id_fkey,
            add constraint schemas_tenant_id_fkey
                foreign key (tenant_id) references tenants (id) on delete restrict not valid;
        alter table dids
            drop constraint dids_tenant_id_fkey,
            drop constraint dids_user_id_fkey,
            add constraint dids_tenant_id_fkey
                foreign key (tenant_id) references tenants (id) on delete restrict not valid,
            add constraint dids_user_id_fkey
                foreign key (user_id) references users (id) on delete restrict not valid;
        """
    )
