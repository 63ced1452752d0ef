"""Revocations: who took a credential back, when and why.

The trigger keeps `credentials.status` in step in the same transaction, so no reader can see one without the other. It
runs in whatever session inserts the row, hence the fixed search_path: this schema's, as it is now.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        create type revocation_reason as enum
            ('holder_request', 'issuer_decision', 'key_compromise', 'claims_changed', 'superseded');

        create table revocations (
            credential_id uuid not null,
            revoked_by_did text not null,
            reason revocation_reason not null,
            note text,
            revoked_at timestamptz not null default now(),
            constraint revocations_pkey primary key (credential_id),
            constraint revocations_credential_id_fkey
                foreign key (credential_id) references credentials (id) on delete cascade,
            constraint revocations_revoked_by_did_fkey
                foreign key (revoked_by_did) references dids (did) on delete restrict,
            constraint revocations_note_length check (length(note) between 1 and 2000)
        );
        comment on table revocations is 'At most one a credential: revoking is final.';

        create index revocations_revoked_by_did_idx on revocations (revoked_by_did);
        create index revocations_revoked_at_idx on revocations (revoked_at);

        create function revoke_credential() returns trigger language plpgsql
            set search_path from current as $$
        begin
            update credentials set status = 'revoked' where id = new.credential_id and status <> 'revoked';
            return null;
        end
        $$;
        comment on function revoke_credential() is 'Carries a new revocation into credentials.status.';

        create trigger revocations_revoke_credential after insert on revocations
            for each row execute function revoke_credential();
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        drop table revocations;
        drop function revoke_credential();
        drop type revocation_reason;
        """
    )
