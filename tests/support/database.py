"""Databases on a real server, one a test."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg


@dataclass(frozen=True)
class Database:
    """A database of its own, reached as a superuser."""

    url: str
    name: str

    def run(self, *statements: str) -> None:
        """Execute SQL."""

        async def go(connection: Any) -> None:
            for statement in statements:
                await connection.execute(statement)

        asyncio.run(_with_connection(self.url, go))

    def rows(self, query: str, *args: object) -> list[tuple[Any, ...]]:
        """What a query gives."""

        async def go(connection: Any) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.fetch(query, *args)]

        found: list[tuple[Any, ...]] = asyncio.run(_with_connection(self.url, go))
        return found

    def answers(self, *queries: str) -> list[list[tuple[Any, ...]]]:
        """What each of several queries gives, on one connection."""

        async def go(connection: Any) -> list[list[tuple[Any, ...]]]:
            return [[tuple(row) for row in await connection.fetch(query)] for query in queries]

        found: list[list[tuple[Any, ...]]] = asyncio.run(_with_connection(self.url, go))
        return found

    def value(self, query: str, *args: object) -> Any:
        """The first column of the first row."""
        return self.rows(query, *args)[0][0]

    def tables(self, schema: str = "public") -> set[str]:
        """The tables of a schema, Sartor's own apart."""
        query = "select tablename::text from pg_tables where schemaname = $1 and tablename not like 'sartor%'"
        return {row[0] for row in self.rows(query, schema)}

    def as_user(self, user: str, password: str | None = None) -> str:
        """The database's URL for another role."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        login = f"{user}:{password}" if password else user
        return urlunsplit(parts._replace(netloc=f"{login}@{host}"))


async def _with_connection(url: str, go: Any) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await go(connection)
    finally:
        await connection.close()


def with_name(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def temporary_database(server_url: str, options: str = "") -> Iterator[Database]:
    """A new, empty database, made with these options, and dropped in the end whoever is still connected."""
    name = f"test_{secrets.token_hex(6)}"
    server = Database(server_url, "postgres")
    server.run(f"create database {name} {options}")
    try:
        yield Database(with_name(server_url, name), name)
    finally:
        server.run(f"drop database if exists {name} with (force)")
