from acme.alterations import _kinds


async def up(conn):
    kinds = ", ".join(f"'{kind}'" for kind in _kinds.KINDS)
    await conn.execute(
        "create table orders (id bigint generated always as identity primary key, kind text not null"
        f" check (kind in ({kinds})), customer bigint not null references customers)"
    )


async def down(conn):
    await conn.execute("drop table orders")
