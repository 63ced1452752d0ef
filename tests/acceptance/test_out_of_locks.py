"""A server whose table of locks is full: each command says what to set, and to which number."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import asyncpg

from support.command import Command
from support.database import Database
from support.folder import Folder

TABLES = 300
FILL = """do $$ begin
    perform pg_advisory_lock(5, i) from generate_series(1, 1000000) i;
exception when out_of_memory then
    perform pg_advisory_unlock(5, i) from generate_series(1, 100) i;
end $$"""
"""Leaves room for a hundred locks: a lock of a session stays when its transaction is rolled back."""


def test_out_of_locks(sartor: Command, folder: Folder, database: Database, tmp_path: Path) -> None:
    """A command that runs out of locks names the setting, with a number."""
    file = str(tmp_path / "x.dump")
    database.run(f"do $$ begin for n in 1..{TABLES} loop execute format('create table t%s ()', n); end loop; end $$")
    loop = f"do $$ begin for n in 1..{TABLES} loop execute format('lock t%s', n); end loop; end $$"
    folder.add("1.0.0-1700000000-a.py", up=loop)
    sartor.run("db", "backup", file)

    async def go() -> None:
        connection = await asyncpg.connect(database.url)
        try:
            await connection.execute(FILL)
            told = r"the server has no room for more locks: alter system set max_locks_per_transaction = [1-9]\d+; and"
            for words in (["backup", f"{file}2"], ["alteration", "rehearse", "latest"]):
                assert re.search(told, sartor.run("db", *words, expect=6).err)
            failed = sartor.run("db", "restore", file, "--into", f"{database.url}_made", "--create", expect=6).err
            assert re.search(told, failed), failed
            assert "or restore with --jobs 2, without a transaction" in failed
            failed = sartor("deploy", "latest", expect=1).err
            assert "the server has no room for more locks: double max_locks_per_transaction" in failed
        finally:
            await connection.close()

    asyncio.run(go())
