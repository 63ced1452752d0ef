"""A project that Alembic has run for real, imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.command import Command
from support.database import Database
from support.shapes import check

HEAD = '''"""{message}

Create Date: 2024-01-0{day} 00:00:00

"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {back}
'''
CUSTOMERS = """id, name = sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("name", sa.Text)
    op.create_table("customers", id, name)
    op.execute("insert into customers (name) values ('50%: it''s \\\\:x')")
    op.bulk_insert(sa.table("customers", sa.column("name", sa.Text)), [{"name": "a;b"}])"""
INDEX = """with op.get_context().autocommit_block():
        op.create_index("customers_name", "customers", ["name"], postgresql_concurrently=True)"""
BILLS = """op.create_table("bills", sa.Column("id", sa.Integer, sa.ForeignKey("customers.id")))"""
REVISIONS = [
    ("a1", None, "customers", CUSTOMERS, 'op.drop_table("customers")'),
    ("b2", "a1", "names are found", INDEX, 'op.drop_index("customers_name")'),
    ("c3", "a1", "bills", BILLS, 'op.drop_table("bills")'),
    ("d4", ("b2", "c3"), "both", "pass", "pass"),
]


def alembic(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "alembic", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)


def revise(folder: Path, *revisions: tuple[str, object, str, str, str]) -> None:
    for day, (name, down, message, up, back) in enumerate(revisions, 1):
        text = HEAD.format(day=day, revision=name, down=repr(down), message=message, up=up, back=back)
        (folder / "migrations" / "versions" / f"{name}.py").write_text(text)


def test_a_live_database(sartor: Command, database: Database, tmp_path: Path) -> None:
    """What Alembic made is what the imported revisions make, branches and merges too, and all of it can be undone."""
    alembic(tmp_path, "init", "-t", "async", "migrations")
    ini = tmp_path / "alembic.ini"
    url = database.url.replace("postgresql://", "postgresql+asyncpg://")
    ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", url))
    revise(tmp_path, *REVISIONS)
    alembic(tmp_path, "upgrade", "heads")
    command = ("import", "alembic", ".", "--python", sys.executable, "--release", "1.0.0", "--baseline", "--yes")
    done = check(sartor(*command, "--json"), "import")
    assert [each["version"] for each in done["files"]] == ["a1", "b2", "c3", "d4"]
    assert done["files"][1]["name"] == "1.0.0-1704153600-names-are-found.sql"
    assert len(done["baseline"]["recorded"]) == 4
    sartor("verify", "--against-replay")
    assert "4 deployed, 0 pending" in sartor("status").out
    rows = "select name from customers order by id"
    there = database.rows(rows)
    sartor("rollback", "--steps", "4", "--yes")
    assert database.tables() == {"alembic_version"}
    sartor("deploy", "latest")
    assert database.rows(rows) == there
