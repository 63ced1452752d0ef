"""A session sees its own tenant's rows, and none at all until it says which tenant it works for.

The policies bind every role but the owner of the tables, which deploys alterations and must see all. Child tables
follow their parent. Users, sessions and wallets have no policy: a sign-in comes before the choice of a tenant.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        -- As a subquery the tenant is computed once a query, not once a row.
        create policy tenants_own on tenants using (id = (select current_tenant_id()));
        create policy tenant_members_own on tenant_members using (tenant_id = (select current_tenant_id()));
        create policy dids_own on dids using (tenant_id = (select current_tenant_id()));
        create policy schemas_own on schemas using (tenant_id = (select current_tenant_id()));
        create policy credentials_own on credentials using (tenant_id = (select current_tenant_id()));

        create policy agents_own on agents using (exists (select from dids where dids.did = agents.did));
        create policy sandbox_flags_own on sandbox_flags
            using (exists (select from dids where dids.did = sandbox_flags.did));
        create policy status_lists_own on status_lists
            using (exists (select from dids where dids.did = status_lists.issuer_did));
        create policy trust_framework_own on trust_framework
            using (exists (select from schemas where schemas.id = trust_framework.schema_id));
        create policy revocations_own on revocations
            using (exists (select from credentials where credentials.id = revocations.credential_id));

        alter table tenants enable row level security;
        alter table tenant_members enable row level security;
        alter table dids enable row level security;
        alter table schemas enable row level security;
        alter table credentials enable row level security;
        alter table agents enable row level security;
        alter table sandbox_flags enable row level security;
        alter table status_lists enable row level security;
        alter table trust_framework enable row level security;
        alter table revocations enable row level security;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table revocations disable row level security;
        alter table trust_framework disable row level security;
        alter table status_lists disable row level security;
        alter table sandbox_flags disable row level security;
        alter table agents disable row level security;
        alter table credentials disable row level security;
        alter table schemas disable row level security;
        alter table dids disable row level security;
        alter table tenant_members disable row level security;
        alter table tenants disable row level security;

        drop policy revocations_own on revocations;
        drop policy trust_framework_own on trust_framework;
        drop policy status_lists_own on status_lists;
        drop policy sandbox_flags_own on sandbox_flags;
        drop policy agents_own on agents;
        drop policy credentials_own on credentials;
        drop policy schemas_own on schemas;
        drop policy dids_own on dids;
        drop policy tenant_members_own on tenant_members;
        drop policy tenants_own on tenants;
        """
    )
