"""What a schema looks like, as `pg_dump` writes it, and how much is in it."""

from __future__ import annotations

import re
import subprocess

import asyncpg

from sartor.embedded.server import binaries

_STAMPS = re.compile(r"^ALTER TABLE ONLY .* SET \(pg_attver=[0-9]+\);\n+", re.MULTILINE)
"""Debian's 15.20 stamps a new table's columns with a number of its own, which its own pg_dump leaves out."""


_COUNTS = """
    select string_agg(format('select %L as table, count(*) from %I.%I', tablename, schemaname, tablename), ' union ')
    from pg_tables where schemaname = $1 and tablename not like 'sartor%'
"""


def dump(url: str, schema: str) -> str:
    """A schema's definition, Sartor's own tables left out."""
    options = ("--schema-only", "--no-owner", "--restrict-key=none", f"--schema={schema}", "--exclude-table=*.sartor_*")
    done = subprocess.run(
        [binaries() / "pg_dump", *options, url], check=True, capture_output=True, text=True, timeout=60
    )
    assert "sartor_ledger" not in done.stdout
    return _STAMPS.sub("", done.stdout)


async def count_rows(url: str, schema: str = "public") -> dict[str, int]:
    """How many rows each table of a schema has, Sartor's own apart."""
    connection = await asyncpg.connect(url)
    try:
        query: str | None = await connection.fetchval(_COUNTS, schema)
        return {row["table"]: row["count"] for row in await connection.fetch(query)} if query else {}
    finally:
        await connection.close()
