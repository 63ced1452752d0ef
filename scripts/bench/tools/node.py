"""Peers that Node's registry has: those in JavaScript, and dbmate, whose binary it brings."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from measure import execute
from tools.source import Npm, program
from tools.tool import Call, Site, Tool
from workload import down, query

KNEXFILE = """
module.exports = {
  client: 'pg',
  connection: process.env.DATABASE_URL,
  pool: { min: 1, max: 1 },
  migrations: { directory: './migrations' },
}
"""


class Dbmate(Tool):
    """A program in Go."""

    name = "dbmate"
    source = Npm("dbmate")
    manner = (
        "its binary itself, without Node before it; `migrate`, no dump of the schema, `binary_parameters` for its "
        "driver; it undoes one script a command"
    )

    def write(self, scripts: Path, count: int) -> None:
        (scripts / "migrations").mkdir()
        for i in range(count):
            (scripts / "migrations" / f"{20260101000000 + i}_t{i}.sql").write_text(
                f"-- migrate:up\n{query(i)}\n-- migrate:down\n{down(i)};\n"
            )

    def deploy(self, site: Site) -> Call:
        binary = next(site.prefix.glob("node_modules/@dbmate/*/bin/dbmate"))
        where = ("--url", site.for_go, "--migrations-dir", "migrations")
        return Call((str(binary), *where, "--no-dump-schema", "migrate"))


class NodePgMigrate(Tool):
    """Scripts in SQL, run from JavaScript."""

    name = "node-pg-migrate"
    source = Npm("node-pg-migrate", "pg")
    manner = "`.sql` scripts; a transaction each in place of one for all; nothing printed"

    def write(self, scripts: Path, count: int) -> None:
        (scripts / "migrations").mkdir()
        for i in range(count):
            (scripts / "migrations" / f"{1_700_000_000_000 + i}_t{i}.sql").write_text(
                f"-- Up Migration\n{query(i)}\n-- Down Migration\n{down(i)};\n"
            )

    def deploy(self, site: Site) -> Call:
        return self._call(site, "up")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "down", str(site.count))

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        settings = ("--no-single-transaction", "--no-verbose", "--migrations-dir", "migrations")
        return Call((program(site.prefix, "node-pg-migrate"), *words, *settings), {"DATABASE_URL": site.url})


class GraphileMigrate(Tool):
    """Committed migrations, each with the hash of all before it."""

    name = "graphile-migrate"
    source = Npm("graphile-migrate")
    manner = "committed migrations; it undoes nothing"

    def write(self, scripts: Path, count: int) -> None:
        committed = scripts / "migrations" / "committed"
        committed.mkdir(parents=True)
        (scripts / ".gmrc").write_text("{}")
        before = ""
        for i in range(count):
            body = query(i).strip()
            text = f"{before}\n{body}".strip() + "\n"
            own = "sha1:" + hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - its format
            head = f"--! Previous: {before or '-'}\n--! Hash: {own}\n"
            (committed / f"{i + 1:06}.sql").write_text(f"{head}\n{body}\n")
            before = own

    def deploy(self, site: Site) -> Call:
        return Call((program(site.prefix, "graphile-migrate"), "migrate"), {"DATABASE_URL": site.url})


class Knex(Tool):
    """Scripts in JavaScript."""

    name = "Knex"
    source = Npm("knex", "pg")
    manner = (
        "one `knex.raw` of the three statements; a transaction each in place of one for all; a pool of one connection"
    )

    def write(self, scripts: Path, count: int) -> None:
        (scripts / "migrations").mkdir()
        (scripts / "knexfile.js").write_text(KNEXFILE)
        for i in range(count):
            (scripts / "migrations" / f"{20260101000000 + i}_t{i}.js").write_text(
                f"exports.up = (knex) => knex.raw(`{query(i)}`)\nexports.down = (knex) => knex.raw(`{down(i)}`)\n"
                "exports.config = { transaction: true }\n"
            )

    def prepare(self, site: Site) -> None:
        """Its command looks for the library beside the scripts."""
        if not (site.scripts / "node_modules").exists():
            (site.scripts / "node_modules").symlink_to(site.prefix / "node_modules")

    def deploy(self, site: Site) -> Call:
        return self._call(site, "migrate:latest")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "migrate:rollback", "--all")

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        words = (*words, "--disable-transactions")  # the one for all of them
        return Call((program(site.prefix, "knex"), *words), {"DATABASE_URL": site.url})


class Logto(Tool):
    """The command of a product, over scripts that aren't its own."""

    name = "@logto/cli"
    source = Npm("@logto/cli")
    manner = "one `pool.query` of the three statements, put where its own scripts are; its table of systems is there"

    def write(self, scripts: Path, count: int) -> None:
        (scripts / "migrations").mkdir()
        for i in range(count):
            (scripts / "migrations" / f"1.0.0-{1_700_000_000 + i}-t{i}.js").write_text(
                "import { sql } from '@silverhand/slonik'\n\nexport default {\n"
                f"  up: async (pool) => {{ await pool.query(sql`{query(i)}`) }},\n"
                f"  down: async (pool) => {{ await pool.query(sql`{down(i)}`) }},\n}}\n"
            )

    def prepare(self, site: Site) -> None:
        """Its scripts are those of a package, and its state is a row of a table that the product's seed makes."""
        execute(site.url, "create table systems (key varchar(256) primary key, value jsonb not null)")
        own = site.prefix / "node_modules" / "@logto" / "schemas" / "alterations-js"
        if own.is_symlink():
            own.unlink()
        elif own.exists():
            shutil.rmtree(own)
        own.symlink_to(site.scripts / "migrations")

    def deploy(self, site: Site) -> Call:
        return self._call(site, "deploy", "1.0.0")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "rollback", "0.9.0")

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        return Call((program(site.prefix, "logto"), "db", "alteration", *words, "--db-url", site.url))
