"""Roles with few rights, each for one test's database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from support.database import Database


@dataclass(frozen=True)
class Role:
    """A role that may log in, and its URL of the test's database."""

    name: str
    url: str


@contextmanager
def temporary_role(database: Database) -> Iterator[Role]:
    """A role without any right of its own; the schema `public` is closed to everyone, as it is by default since 15."""
    name = f"role_{secrets.token_hex(6)}"
    database.run(f"create role {name} login", "revoke create on schema public from public")
    try:
        yield Role(name, database.as_user(name))
    finally:
        database.run(f"drop owned by {name} cascade", f"drop role {name}")
