"""The rules that 1.1.0 set for new credentials are now proven for the old ones.

`validate` reads the whole table but lets reads and writes go on. It has an alteration of its own because a lock is
held until the transaction ends: beside `add column` the scan would have run under that statement's lock.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table credentials validate constraint credentials_proof_jwt_form;
        alter table credentials validate constraint credentials_status_entry_whole;
        alter table credentials validate constraint credentials_status_list_idx_range;
        alter table credentials validate constraint credentials_status_list_id_fkey;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    # There is no "invalidate": each is dropped and added again as it was, which scans nothing.
    await conn.execute(
        """
        alter table credentials
            drop constraint credentials_proof_jwt_form,
            drop constraint credentials_status_entry_whole,
            drop constraint credentials_status_list_idx_range,
            drop constraint credentials_status_list_id_fkey,
            add constraint credentials_proof_jwt_form
                check (proof_jwt ~ '^([A-Za-z0-9_-]+[.]){2}[A-Za-z0-9_-]+$') not valid,
            add constraint credentials_status_entry_whole
                check ((status_list_id is null) = (status_list_idx is null)) not valid,
            add constraint credentials_status_list_idx_range check (status_list_idx >= 0) not valid,
            add constraint credentials_status_list_id_fkey
                foreign key (status_list_id) references status_lists (id) on delete restrict not valid;
        """
    )
