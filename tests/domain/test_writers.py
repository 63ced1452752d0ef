"""Roles that may write Sartor's tables, and the way to end that."""

from __future__ import annotations

import pytest

from sartor.domain.own_tables import Writer

MY_ROLE = (
    "role My role can write to Sartor's tables in schema app"
    " (INSERT on sartor_journal; UPDATE, DELETE on sartor_ledger)"
)
RIGHTS = {"sartor_journal": ["INSERT"], "sartor_ledger": ["UPDATE", "DELETE"]}


@pytest.mark.parametrize(
    ("writer", "revoke", "told"),
    [
        (
            Writer("app", "My role", RIGHTS),
            'revoke DELETE, INSERT, UPDATE on "app".sartor_journal, "app".sartor_ledger from "My role";',
            MY_ROLE,
        ),
        (
            Writer("My app", None, {"sartor_ledger": ["DELETE"]}, grantable=True),
            'revoke DELETE on "My app".sartor_ledger from public cascade;',
            "every role (public) can write to Sartor's tables in schema My app (DELETE on sartor_ledger)",
        ),
        (
            Writer("app", "etl", {}),
            'revoke pg_write_all_data from "etl";',
            "role etl can write to Sartor's tables as a member of pg_write_all_data; as a superuser, run",
        ),
    ],
)
def test_a_writer(writer: Writer, revoke: str, told: str) -> None:
    """It is told who may write which table, with the statement that ends it."""
    assert writer.revoke == revoke
    assert str(writer) == f"{told}{'; as the owner, run' if writer.rights else ''}: {revoke}"
