"""Roles, other than those that deploy, that may write Sartor's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sartor.sql.quoting import quote_identifier

ALL_DATA = "pg_write_all_data"
"""Postgres's own role whose members may write each table."""


class Writer(NamedTuple):
    """A role that may write some of the tables: its rights by table, and whether it may pass them on.

    `role` is None for everybody (PUBLIC); with no rights by table, it is a member of ALL_DATA.
    """

    schema: str
    role: str | None
    rights: Mapping[str, Sequence[str]]
    grantable: bool = False

    @property
    def revoke(self) -> str:
        """The statement that revokes its rights."""
        who = "public" if self.role is None else quote_identifier(self.role)
        if not self.rights:
            return f"revoke {ALL_DATA} from {who};"
        rights = ", ".join(sorted({right for each in self.rights.values() for right in each}))
        tables = ", ".join(f"{quote_identifier(self.schema)}.{table}" for table in self.rights)
        return f"revoke {rights} on {tables} from {who}{' cascade' if self.grantable else ''};"

    def __str__(self) -> str:
        who = "every role (public)" if self.role is None else f"role {self.role}"
        if not self.rights:
            return f"{who} can write to Sartor's tables as a member of {ALL_DATA}; to revoke this: {self.revoke}"
        what = "; ".join(f"{', '.join(rights)} on {table}" for table, rights in self.rights.items())
        return f"{who} can write to Sartor's tables in schema {self.schema} ({what}); as the owner, run: {self.revoke}"
