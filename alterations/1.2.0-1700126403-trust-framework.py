"""The trust framework: which issuer is trusted for which schema, on whose word and until when."""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create table trust_framework (
            schema_id uuid not null,
            issuer_did text not null,
            accredited_by text not null,
            trusted_from timestamptz not null default now(),
            trusted_until timestamptz,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            constraint trust_framework_pkey primary key (schema_id, issuer_did),
            constraint trust_framework_schema_id_fkey
                foreign key (schema_id) references schemas (id) on delete cascade,
            constraint trust_framework_issuer_did_fkey
                foreign key (issuer_did) references dids (did) on delete cascade,
            constraint trust_framework_accredited_by_length check (length(accredited_by) between 1 and 200),
            constraint trust_framework_period check (trusted_until > trusted_from)
        );
        comment on table trust_framework is 'Issuers that verifiers may trust, by schema.';
        comment on column trust_framework.trusted_until is 'Null: until it is withdrawn.';

        create index trust_framework_issuer_did_idx on trust_framework (issuer_did);

        create trigger trust_framework_touch_updated_at before update on trust_framework
            for each row execute function touch_updated_at();
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute("drop table trust_framework")
