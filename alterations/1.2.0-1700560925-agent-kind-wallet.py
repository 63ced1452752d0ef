"""Wallets register as agents of their own.

Adding a value to an enum is instant. Taking one away is not offered by Postgres: `down` makes the type anew and moves
the column over, which rewrites `agents` under its lock. That is fine for a table of services, and not for one of
credentials. Agents of the new kind are deleted by `down`, as 1.1 has no word for them.
"""

import asyncpg


async def up(conn: asyncpg.Connection) -> None:
    await conn.execute("alter type agent_kind add value 'wallet'")


async def down(conn: asyncpg.Connection) -> None:
    await conn.execute(
        """
        delete from agents where kind = 'wallet';

        alter type agent_kind rename to agent_kind_with_wallet;
        create type agent_kind as enum ('issuer', 'verifier', 'mediator');
        comment on type agent_kind is 'What an agent does for its DID.';
        alter table agents alter column kind type agent_kind using kind::text::agent_kind;
        drop type agent_kind_with_wallet;
        """
    )
