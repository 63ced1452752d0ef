"""Third of three: `method` is never null.

`set not null` alone would scan the table under an exclusive lock. The check is validated first, beside traffic; it then
proves to `set not null` that there is nothing left to scan, and has done its work.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table dids validate constraint dids_method_present;
        alter table dids alter column method set not null;
        alter table dids drop constraint dids_method_present;
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        alter table dids
            alter column method drop not null,
            add constraint dids_method_present check (method is not null) not valid;
        """
    )
