"""Every owner that the DIDs name becomes a user, to be claimed at the first sign-in.

One statement, as owners are few next to DIDs and `dids_user_id_status_idx` answers it. It comes after the foreign key:
whatever is written from then on names a user, so no owner can slip in behind it. The address says that nobody has
claimed the user yet; mail to .invalid, a reserved domain, goes nowhere.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        insert into users (id, email, display_name)
        select owners.user_id, 'owner-' || owners.user_id || '@unclaimed.invalid', 'Unclaimed owner'
        from (select distinct user_id from dids) as owners
        where not exists (select from users where users.id = owners.user_id)
        """
    )


async def down(conn: asyncpg.Connection) -> None:
    # The key refuses to let an owner go: it steps aside, and comes back as it was.
    await conn.execute(
        """
        alter table dids drop constraint dids_user_id_fkey;
        delete from users where email = 'owner-' || id || '@unclaimed.invalid';
        alter table dids add constraint dids_user_id_fkey
            foreign key (user_id) references users (id) on delete restrict not valid;
        """
    )
