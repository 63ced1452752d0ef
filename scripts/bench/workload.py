"""What every tool is given to do: a script makes a table and an index on it, and adds a column; undone, it drops it."""

from __future__ import annotations

STATEMENTS = (
    "create table t{i} (id bigint primary key, a text, b timestamptz)",
    "create index on t{i} (b)",
    "alter table t{i} add column c int",
)
DOWN = "drop table t{i}"

FOUND = """
select count(*), count(distinct xmin::text) from pg_catalog.pg_class
where relname ~ '^t[0-9]+$' and relnatts = 4 and relhasindex
"""
"""How many scripts a database shows, and by how many transactions: the last statement wrote the table's row anew."""


def up(i: int) -> tuple[str, ...]:
    """The statements of the script `i`."""
    return tuple(statement.format(i=i) for statement in STATEMENTS)


def down(i: int) -> str:
    """The statement that undoes it."""
    return DOWN.format(i=i)


def query(i: int) -> str:
    """The script `i` as one text of SQL, a statement a line."""
    return "".join(f"{statement};\n" for statement in up(i))


def alteration(i: int) -> str:
    """The script `i` as Sartor has it in Python, each statement by itself."""
    body = "".join(f"    await conn.execute({statement!r})\n" for statement in up(i))
    return f"async def up(conn):\n{body}\n\nasync def down(conn):\n    await conn.execute({down(i)!r})\n"
